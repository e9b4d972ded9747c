"""Ideas tried out: bounded, repeatable, and judged by what they did not learn from."""

from dataclasses import replace

import pytest
import torch

from mnistcore import trial
from mnistcore.data import Digits
from mnistcore.exam import verdict

KINDS = {
    "Too simple": "underfitting",
    "About right": "about right",
    "Learns by heart": "overfitting",
}


@pytest.mark.parametrize("name", trial.LESSONS)
def test_each_lesson_ends_as_it_is_called(name: str, digits: tuple[Digits, Digits]):
    result = trial.attempt(trial.LESSONS[name], *digits)
    found = verdict(result.learned, result.learned_count, result.judged, result.judged_count)
    assert found.kind == KINDS[name], result


def test_what_is_held_back_is_not_learned_from(digits: tuple[Digits, Digits]):
    learn, held = trial.hold_back(digits[0])
    assert (len(learn), len(held)) == (1000, 500)  # of few, a third
    assert torch.equal(torch.cat([learn.labels, held.labels]), digits[0].labels)


def test_the_same_idea_gives_the_same_figures_and_leaves_chance_alone(digits):
    learn, held = trial.hold_back(digits[0])
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, second = (trial.attempt(trial.idea(1e-2, 8), learn, held) for _ in range(2))
    assert first[:5] == second[:5]
    assert torch.equal(torch.rand(1), expected)


def test_a_better_rate_reads_more(digits):
    learn, held = trial.hold_back(digits[0])
    slow, good = (trial.attempt(trial.idea(rate, 32), learn, held) for rate in (1e-5, 1e-2))
    assert good.judged > slow.judged + 0.3


def test_a_long_training_is_cut_short(digits, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trial, "SECONDS", 0.0)
    recipe = replace(trial.idea(1e-2, 8), epochs=100)
    assert trial.attempt(recipe, *digits).images < 5_000
