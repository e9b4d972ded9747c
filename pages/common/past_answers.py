"""Past answers: what a run's network said of an image all through its training, asked once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from mnistcore.inspection import frames
from mnistcore.inspection.frames import Answer

if TYPE_CHECKING:  # torch takes seconds to import
    from torch import Tensor

    from mnistcore.runs.store import Run


class PastAnswers:
    """The answers to one image, (28, 28) float32 in [0, 1], by the step; shared by all visitors."""

    def __init__(self, run: Run, image: Tensor) -> None:
        self._run, self._image = run, image
        self._known = _known(str(run.path), image.numpy().tobytes())

    def knows(self, step: int) -> bool:
        """Whether it was asked about already, so that `at` takes no time."""
        return step in self._known

    def at(self, step: int) -> Answer | None:
        """The answer of the network of a step; None if it was not kept."""
        if step not in self._known:
            config = self._run.train_config().network
            self._known[step] = frames.answer(self._run.frames, step, config, self._image)
        return self._known[step]


@st.cache_resource(show_spinner=False, max_entries=200)
def _known(folder: str, image: bytes) -> dict[int, Answer | None]:
    return {}
