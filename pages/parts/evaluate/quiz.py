"""Quiz: the visitor reads what the network misread, and the score is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from pages.common import state, tiles
from pages.common.state import Quiz

if TYPE_CHECKING:  # torch takes seconds to import
    from mnistcore.evaluation.report import EvaluationReport


@st.fragment
def show_quiz(exam: EvaluationReport, stamp: int) -> None:
    """One of its mistakes without the label, ten buttons, then the answer; see `evaluated`."""
    import torch

    from mnistcore.evaluation.report import misclassified

    wrong = misclassified(exam)
    if not wrong:
        st.success("It made no mistake that you could help it with.")
        return

    this = (exam.model.model_id, stamp)
    kept = state.EVALUATE_QUIZ.get()
    now = kept if kept and kept.of == this else Quiz(this)
    # In an order of its own: the surest mistakes are those that the gallery has given away.
    order = torch.randperm(len(wrong), generator=torch.Generator().manual_seed(stamp % 2**31))
    place = wrong[int(order[now.turn % len(wrong)])]
    label, said = int(exam.test.labels[place]), int(exam.score.predicted[place])
    asked = state.evaluate_guess(now.turn)

    def guess() -> None:
        if (said := asked.get()) is not None:
            guessed, knew = now.guessed + 1, now.knew + (said == label)
            state.EVALUATE_QUIZ.set(replace(now, guess=said, guessed=guessed, knew=knew))

    def another() -> None:
        state.EVALUATE_QUIZ.set(replace(now, turn=now.turn + 1, guess=None))

    st.markdown("It misread this image. **Which digit is it?** Guess before you look.")
    picture, answer = st.columns([2, 3], gap="medium")
    with picture, st.container(width=340):
        tiles.pixels(exam.test.images[place], "a test image", key="quiz picture", numbers=False)
    with answer:
        st.pills(
            "Your guess",
            range(10),
            key=asked,
            on_change=guess,
            disabled=now.guess is not None,
            wrap=True,
        )
        note = f"{len(wrong):,} mistakes in all, in random order."
        if now.guess is not None:
            words = {label: "You knew.", said: "You and the network agree."}
            st.markdown(
                f"It is labelled **{label}**. You said **{now.guess}**; the network said "
                f"**{said}**, {exam.score.confidence[place]:.0%} sure. "
                f"{words.get(now.guess, 'It is a hard one.')}"
            )
            st.button("Next", type="primary", icon=":material/arrow_forward:", on_click=another)
            note = (
                f"Test image {place:,}. The labels were given by people, too: a few of them are "
                "disputed, and nobody reads all of these as they are labelled."
            )
        if now.guessed:
            st.metric(f"You knew, of {now.guessed} that it got wrong", now.knew, width="content")
        st.caption(note)
