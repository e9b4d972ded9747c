"""Ideas tried out: bounded, repeatable, and judged by what they did not learn from."""

from dataclasses import replace

import pytest
import torch

from mnistcore.data.digits import Digits
from mnistcore.evaluation.report import report_diagnosis
from mnistcore.training import trials

KINDS = {
    "too-simple": "underfitting",
    "fast": "about right",
    "memoriser": "overfitting",
}


@pytest.mark.parametrize("name", trials.TRIALS)
def test_each_lesson_ends_as_it_is_called(name: str, digits: tuple[Digits, Digits]):
    result = trials.run_trial(trials.TRIALS[name], *digits)
    found = report_diagnosis(
        result.train_accuracy, result.train_count, result.test_accuracy, result.test_count
    )
    assert found.kind == KINDS[name], result


def test_what_is_held_back_is_not_learned_from(digits: tuple[Digits, Digits]):
    learn, held = trials.split_validation(digits[0])
    assert (len(learn), len(held)) == (1000, 500)  # of few, a third
    assert torch.equal(torch.cat([learn.labels, held.labels]), digits[0].labels)


def test_the_same_idea_gives_the_same_figures_and_leaves_chance_alone(digits):
    learn, held = trials.split_validation(digits[0])
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, second = (
        trials.run_trial(trials.one_hidden_layer(1e-2, 8), learn, held) for _ in range(2)
    )
    assert first[:5] == second[:5]
    assert torch.equal(torch.rand(1), expected)


def test_a_better_rate_reads_more(digits):
    learn, held = trials.split_validation(digits[0])
    slow, good = (
        trials.run_trial(trials.one_hidden_layer(rate, 32), learn, held) for rate in (1e-5, 1e-2)
    )
    assert good.test_accuracy > slow.test_accuracy + 0.3


def test_a_long_training_is_cut_short(digits, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trials, "MAX_SECONDS", 0.0)
    recipe = replace(trials.one_hidden_layer(1e-2, 8), epochs=100)
    assert trials.run_trial(recipe, *digits).images < 5_000
