"""The six steps: the lines that are shown do what they say."""

import torch

from mnistcore.demos import notebook_steps
from mnistcore.evaluation.metrics import evaluate


def test_the_six_steps_run_one_after_the_other(digits):
    known = [notebook_steps.initial_names(lambda: digits)]
    for number in range(len(notebook_steps.STEPS)):
        known.append(notebook_steps.run_step(number, known[-1]))
    end = known[-1]
    assert len(notebook_steps.STEPS) == 6
    assert torch.equal(end["image"], digits[0].images[10])
    assert sum(weight.numel() for weight in end["network"].parameters()) == 49_770
    assert 2 < known[3]["loss"].item() < 3  # as before learning, though the network has learned
    assert sum(end["losses"][-20:]) < sum(end["losses"][:20]) / 2
    assert end["on_test"].accuracy == evaluate(end["network"], digits[1]).accuracy > 0.7
    assert end["predicted"].shape == (8,)


def test_a_step_leaves_what_was_known_before_as_it_was(digits):
    before = notebook_steps.initial_names(lambda: digits)
    after = notebook_steps.run_step(0, before)
    assert set(after) - set(before) == {"train", "test", "image", "label"}
