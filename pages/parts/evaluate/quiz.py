"""Quiz on Evaluate: the mistakes of the chosen network, in random order."""

import streamlit as st
import torch

from mnistcore.evaluation.report import EvaluationReport, misclassified
from pages.common import quiz, state


def show_quiz(exam: EvaluationReport, stamp: int) -> None:
    """Its mistakes one by one, without their labels; see `evaluated`."""
    wrong = misclassified(exam)
    if not wrong:
        st.success("It made no mistake that you could help it with.")
        return
    # In an order of its own: the surest mistakes are those that the gallery has given away.
    order = torch.randperm(len(wrong), generator=torch.Generator().manual_seed(stamp % 2**31))

    def mistake(turn: int) -> quiz.Mistake:
        place, score = wrong[int(order[turn % len(wrong)])], exam.score
        label, predicted = int(exam.test.labels[place]), int(score.predicted[place])
        sure = float(score.confidence[place])
        return quiz.Mistake(exam.test.images[place], label, predicted, sure)

    quiz.show_quiz(mistake, state.evaluate_quiz(exam.model.model_id, stamp), len(wrong))
    st.caption(
        f"{len(wrong):,} mistakes in all. The labels were given by people, too, and a few of them "
        "are disputed: nobody knows all of these."
    )
