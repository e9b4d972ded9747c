"""Misclassified test images, by confidence or by a cell of the confusion matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.common import links, state, tiles
from pages.parts.evaluate.confusion_matrix import show_confusion_matrix

if TYPE_CHECKING:  # torch takes seconds to import
    from mnistcore.evaluation.report import EvaluationReport


PER_PAGE = 40


@st.fragment
def show_mistakes(exam: EvaluationReport) -> None:
    """All its mistakes, page by page, and the chosen one large."""
    from mnistcore.evaluation.report import misclassified

    wrong = misclassified(exam)
    if not wrong:
        st.success(f"It read all {exam.score.count:,} test images right.")
        return
    many, one = st.columns([3, 2], gap="medium")
    with many:
        st.markdown(
            f"**{len(wrong):,} of {exam.score.count:,} test images misread, its surest mistakes "
            "first.** 4→9 is a 4 that it took for a 9."
        )
        pages = -(-len(wrong) // PER_PAGE)
        page = st.pagination(pages, key="mistakes page") if pages > 1 else 1
        _grid(exam, wrong[(page - 1) * PER_PAGE : page * PER_PAGE], "mistakes", one)


@st.fragment
def show_confusions(exam: EvaluationReport) -> None:
    """The confusion matrix, and the images behind one of its cells."""
    from mnistcore.evaluation.metrics import confusion_matrix
    from mnistcore.evaluation.report import confusion_cell

    counts = confusion_matrix(exam.test.labels, exam.score.predicted)
    wrong = counts.clone().fill_diagonal_(0)
    most = divmod(int(wrong.argmax()), len(counts)) if wrong.any() else (0, 0)
    digits = list(range(10))

    def pick(true: int, said: int) -> None:
        state.EVALUATE_TRUE.set(true)
        state.EVALUATE_PREDICTED.set(said)

    table, images = st.columns([3, 2], gap="medium")
    with images:
        heading = st.empty()
        with st.container(horizontal=True):
            true = st.selectbox(
                "It is a", digits, most[0], width=130, **state.EVALUATE_TRUE.bound()
            )
            said = st.selectbox(
                "It was read as a", digits, most[1], width=130, **state.EVALUATE_PREDICTED.bound()
            )
        found = confusion_cell(exam, true, said)
        how = "read right" if true == said else f"read as a {said}"
        many = f"{len(found):,} image{'' if len(found) == 1 else 's'} of a {true} {how}"
        heading.subheader(many[0].upper() + many[1:], anchor=False)
        if found:
            _grid(exam, found[:PER_PAGE], "behind", st.container())
            if len(found) > PER_PAGE:
                st.caption(f"The {PER_PAGE} that it was surest of.")
    with table:
        show_confusion_matrix(
            counts.tolist(),
            f"How many of {exam.score.count:,} test images that are one digit (row) were read as "
            "another (column). Choose a cell to see its images.",
            key="matrix",
            chosen=(true, said),
            on_pick=pick,
        )


def _grid(
    exam: EvaluationReport,
    places: list[int],
    key: str,
    beside: st.delta_generator.DeltaGenerator,
) -> None:
    """Small pictures of these test images; the chosen one large, with what was said, `beside`."""
    test, score, large = exam.test, exam.score, state.evaluate_chosen(key)
    asked = large.get()
    chosen = asked if asked in places else places[0]

    def pick(place: int) -> None:
        large.set(places[place])

    labels, said = test.labels[places].tolist(), score.predicted[places].tolist()
    tiles.tiles(
        test.images[places],
        [
            f"test image {place}, a {is_}, read as a {read}"
            for place, is_, read in zip(places, labels, said, strict=True)
        ],
        key=key,
        columns=8,
        captions=[f"{is_}→{read}" for is_, read in zip(labels, said, strict=True)]
        if len({*zip(labels, said, strict=True)}) > 1
        else None,
        chosen=places.index(chosen),
        on_pick=pick,
    )
    with beside:
        _large(exam, chosen, key)


def _large(exam: EvaluationReport, place: int, key: str) -> None:
    """One test image, what it said, and what it should have said."""
    from mnistcore.data.digits import to_float

    label, said = int(exam.test.labels[place]), int(exam.score.predicted[place])
    shares = exam.model.probabilities(to_float(exam.test.images[place][None]))[0]
    st.markdown(
        f"It said **{said}**, {float(shares[said]):.1%} sure."
        + ("" if said == label else f" It is a **{label}**: to that it gave {shares[label]:.1%}.")
    )
    with st.container(width=340):
        name = f"test image {place}, a {label}, read as a {said}"
        tiles.pixels(exam.test.images[place], name, key=f"{key} large", numbers=False)
    links.explore(part="test", index=place).show(
        f"Test image {place:,} in Explore", ":material/grid_view:"
    )
