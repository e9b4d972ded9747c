"""The film of a run: its frames, surveyed, as an animated GIF."""

from collections.abc import Callable

import torch

from mnistcore.data.digits import Digits
from mnistcore.inspection import frames
from mnistcore.runs.store import Run
from mnistcore.viz.film import render_film


def make_film(run: Run, test_set: Digits, report: Callable[[float, float], None]) -> bytes:
    """How it learned; report: is told how many pictures are done, and of how many. Takes seconds.

    Raises MnistError where that was not kept.
    """
    torch.set_num_threads(1)
    network, found = run.train_config().network, []
    for step in frames.recorded_steps(run.frames):
        report(0, 1)
        if frame := frames.read_frame(run.frames, step):
            found.append(frame.surveyed(network, test_set))
    return render_film(found, test_set.labels, report)
