"""When did it learn to read this? What a network said of a drawing all through its training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from mnistcore.errors import MnistError
from mnistcore.inspection import frames
from mnistcore.runs.store import Run, find_run
from mnistcore.viz import answer_history
from pages.common import links, pictures
from pages.common.past_answers import PastAnswers

if TYPE_CHECKING:
    from torch import Tensor

ASK = "When did it learn this?"


def run_of(model_id: str) -> Run | None:
    """The run whose network this is, if it kept how it learned."""
    try:
        run = find_run(model_id)
    except MnistError:
        return None
    return run if frames.recorded_steps(run.frames) else None


def show(run: Run, image: Tensor | None) -> None:
    """Its answers to an image over the whole training, and since when the answer has stayed."""
    if image is None:
        st.caption("Draw a digit first.")
        return
    past = PastAnswers(run, image)
    answers = [each for step in frames.recorded_steps(run.frames) if (each := past.at(step))]
    if len(answers) < 2:
        st.caption("It is too large a network for its past to have been kept.")
        return
    settled = frames.settled_at(answers)
    digit = int(answers[-1].probabilities.argmax())
    if settled is answers[0]:
        said = f"It took this for a **{digit}** before it had learned anything: that was luck."
    elif settled is answers[-1]:
        said = f"Only at the very end it took this for a **{digit}**."
    else:
        said = (
            f"Since it had seen **{settled.images:,} training images** it has taken this for a "
            f"**{digit}**, every time it was asked."
        )
    st.markdown(said)
    figure = answer_history.answer_history_chart(answers, answers.index(settled))
    pictures.plotly(figure, f"When it learned this, {run.name}", "answer history", said)
    link = links.train(run=run.id, step=settled.step)
    link.show("See the network of that moment", ":material/history:")
