"""Misclassified test images, by confidence or by a cell of the confusion matrix."""

from pathlib import Path
from typing import Any

import streamlit as st

from mnistcore.data.digits import to_float
from mnistcore.evaluation.metrics import confusion_matrix
from mnistcore.evaluation.report import EvaluationReport, confusion_cell, misclassified
from pages.common import links, pictures, state, tiles
from pages.common.text import with_article
from pages.common.widgets import announce, live_region

PER_PAGE = 24
_table = tiles.component(Path(__file__).with_name("confusion_matrix"))


@st.fragment
def show_mistakes(exam: EvaluationReport) -> None:
    """All its mistakes, page by page, and the chosen one large."""
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
    counts = confusion_matrix(exam.test.labels, exam.score.predicted)
    wrong = counts.clone().fill_diagonal_(0)
    most = divmod(int(wrong.argmax()), len(counts)) if wrong.any() else (0, 0)

    def pick(cell: int) -> None:
        true, said = divmod(cell, len(counts))
        state.EVALUATE_TRUE.set(true)
        state.EVALUATE_PREDICTED.set(said)

    table, images = st.columns([3, 2], gap="medium")
    with images:
        heading, grid = st.empty(), st.container()
        with st.container(horizontal=True):
            row, column = state.EVALUATE_TRUE.bound(), state.EVALUATE_PREDICTED.bound()
            true = st.selectbox("It is a", range(10), most[0], width=130, **row)
            said = st.selectbox("It was read as a", range(10), most[1], width=130, **column)
        found = confusion_cell(exam, true, said)
        how = "read right" if true == said else f"read as {with_article(said)}"
        many = f"{len(found):,} image{'' if len(found) == 1 else 's'} of {with_article(true)} {how}"
        heading.header(many, anchor=False)
        announce(f"{many}.", "mix-up")
        if found:
            with grid:
                _grid(exam, found[:PER_PAGE], "behind", st.container())
                if len(found) > PER_PAGE:
                    st.caption(f"The {PER_PAGE} that it was surest of.")
    with table:
        caption = (
            f"How many of {exam.score.count:,} test images that are one digit (row) were read as "
            "another (column). Choose a cell to see its images."
        )
        cells = {"counts": counts.tolist(), "caption": caption, "chosen": 10 * true + said}
        picked = tiles.picking("matrix", counts.numel(), pick)
        with pictures.can_be_saved(f"Confusion matrix, {exam.model.title}", "matrix"):
            _table(key="matrix", data=cells, on_picked_change=picked)


def _grid(
    exam: EvaluationReport, places: list[int], key: str, beside: st.delta_generator.DeltaGenerator
) -> None:
    """Small pictures of these test images; the chosen one large, with what was said, `beside`."""
    test, large = exam.test, state.evaluate_chosen(key)
    asked = large.get()
    chosen = places.index(asked) if asked in places else 0
    labels, said = test.labels[places].tolist(), exam.score.predicted[places].tolist()
    mixed_up = [f"{label}→{read}" for label, read in zip(labels, said, strict=True)]
    names = [
        f"test image {place}, {with_article(label)}, read as {with_article(read)}"
        for place, label, read in zip(places, labels, said, strict=True)
    ]
    grid: dict[str, Any] = {
        "columns": None,
        "captions": mixed_up if len(set(mixed_up)) > 1 else None,
    }
    grid |= {"chosen": chosen, "on_pick": lambda place: large.set(places[place])}
    tiles.tiles(test.images[places], names, key, **grid)
    with beside:
        place, label, read = places[chosen], labels[chosen], said[chosen]
        shares = exam.model.probabilities(to_float(test.images[place][None]))[0]
        rather = f" It is {with_article(label)}: to that it gave {shares[label]:.1%}."
        words = f"It said {read}, {shares[read]:.1%} sure."
        live_region(words if read == label else words + rather, key=f"{key} said", lines=2)
        if exam.model.reads_views:
            st.caption("It looked once. On Draw it looks five times, and can be less or more sure.")
        with st.container(width=340):
            tiles.pixels(test.images[place], names[chosen], key=f"{key} large", numbers=False)
        link = links.explore(part="test", index=place)
        link.show(f"Test image {place:,} in Explore", ":material/grid_view:")
