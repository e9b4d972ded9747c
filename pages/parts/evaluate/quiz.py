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
    """One of its mistakes without the label, ten buttons, then the answer.

    exam, stamp: as `evaluated` gives them.
    """
    import torch

    from mnistcore.evaluation.report import misclassified

    wrong = misclassified(exam)
    if not wrong:
        st.success("It made no mistake that you could help it with.")
        return

    def current() -> Quiz:
        now, this = state.EVALUATE_QUIZ.get(), (exam.model.model_id, stamp)
        return now if now and now.of == this else Quiz(this)

    now = current()
    # In an order of its own: the surest mistakes are those that the gallery has given away.
    order = torch.randperm(len(wrong), generator=torch.Generator().manual_seed(stamp % 2**31))
    turn = now.turn
    place = wrong[int(order[turn % len(wrong)])]
    label, said = int(exam.test.labels[place]), int(exam.score.predicted[place])

    def guess() -> None:
        said, now = state.evaluate_guess(turn).get(), current()
        if said is not None:
            guessed, knew = now.guessed + 1, now.knew + (said == label)
            state.EVALUATE_QUIZ.set(replace(now, guess=said, guessed=guessed, knew=knew))

    def another() -> None:
        state.EVALUATE_QUIZ.set(replace(current(), turn=turn + 1, guess=None))

    st.markdown("It misread this image. **Which digit is it?** Guess before you look.")
    picture, answer = st.columns([2, 3], gap="medium")
    with picture, st.container(width=340):
        tiles.pixels(exam.test.images[place], "a test image", key="quiz picture", numbers=False)
    with answer:
        answered = now.guess is not None
        st.pills(
            "Your guess",
            range(10),
            key=state.evaluate_guess(turn),
            on_change=guess,
            disabled=answered,
            wrap=True,
        )
        if now.guess is not None:
            words = {label: "You knew.", said: "You and the network agree."}
            sure = float(exam.score.confidence[place])
            st.markdown(
                f"It is labelled **{label}**. You said **{now.guess}**; the network said "
                f"**{said}**, {sure:.0%} sure. {words.get(now.guess, 'It is a hard one.')}"
            )
            st.button("Next", type="primary", icon=":material/arrow_forward:", on_click=another)
        if now.guessed:
            st.metric(
                f"You knew, of {now.guessed} that it got wrong",
                now.knew,
                width="content",
            )
        st.caption(
            f"Test image {place:,}. The labels were given by people, too: a few of them are "
            "disputed, and nobody reads all of these as they are labelled."
            if answered
            else f"{len(wrong):,} mistakes in all, in random order."
        )
