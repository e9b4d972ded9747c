"""Teach the network one's own hand: lessons one by one, before and after, and the way back."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import streamlit as st

from mnistcore.errors import MnistError, RunError
from mnistcore.runs import store
from pages.common import model_picker, state, tiles
from pages.common.canvas import clear, current_strokes
from pages.common.datasets import shared_dataset
from pages.common.identity import creator, visitor_token
from pages.common.text import escape_markdown, with_article

if TYPE_CHECKING:  # torch takes seconds to import
    from mnistcore.training.finetune_session import LabeledDrawing


TEACH = "Teach it my handwriting"
OF_EACH = 3  # drawings of each digit that the page asks for


def correct() -> None:
    """One tap says what the drawing on the sheet was meant to be, and makes a lesson of it."""
    if news := state.DRAW_NEWS.pop():
        st.toast(news)
    words = "Wrong? Tap what it was, and it can learn it:"
    st.pills(words, range(10), key=state.DRAW_MEANT, on_change=_was, wrap=True)


def panel(which: str) -> None:
    """Collect lessons, teach, compare, undo."""
    if model_picker.training_progress(which):
        st.info("It is still learning by itself: teach it when it has finished.")
        return
    if state.DRAW_TEACHING.exists():
        _learn(which)
    ask, have = st.columns([1, 2], gap="large")
    with ask:
        _ask()
    with have:
        _have()
    if (run := _own(which)) is not None:
        _before_and_after(run)


def _own(which: str) -> store.Run | None:
    """The taught network, if that is what was chosen, and by the one who taught it."""
    from mnistcore.training.finetune_session import fine_tune_result

    try:
        run = store.find_run(which) if which != "shipped" else None
    except RunError:
        return None
    return run if run and run.belongs_to(visitor_token()) and fine_tune_result(run) else None


def _book() -> list[LabeledDrawing]:
    """This visitor's lessons; nobody else sees them, and they are not kept until Teach."""
    if (book := state.DRAW_LESSONS.get()) is None:
        from mnistcore.training import finetune_session

        run = _own(model_picker.selected_model())
        try:
            book = finetune_session.read_drawings(run) if run else []
        except MnistError:
            book = []
        state.DRAW_LESSONS.set(book)
    return book


def _add(digit: int) -> bool:
    """Make a lesson of what is on the sheet; said twice, the second word counts."""
    from mnistcore.drawing.rasterize import from_strokes
    from mnistcore.training.finetune_session import LabeledDrawing, is_full

    drawn, book = current_strokes(), _book()
    if from_strokes(drawn) is None:  # an empty sheet, or a dot
        _tell("Draw it larger first." if drawn else "Draw a digit first.")
        return False
    book[:] = [lesson for lesson in book if lesson.strokes != drawn]
    if is_full(book):
        _tell("That is as much as it can learn at once: press Teach, or take some out.")
        return False
    book.append(LabeledDrawing(digit, drawn))
    return True


def _tell(news: str) -> None:
    """Say it when the page runs next: a callback may show nothing itself."""
    state.DRAW_NEWS.set(news)


def _was() -> None:
    digit = state.DRAW_MEANT.get()
    state.DRAW_MEANT.set(None)
    if digit is not None and _add(digit):
        state.DRAW_MORE.set(TEACH)
        _tell(f"Kept as a lesson: this is {with_article(digit)}. Now press Teach.")


def _keep(digit: int) -> None:
    if _add(digit):
        clear()


def _skip(digit: int) -> None:
    state.DRAW_SKIPPED.set(state.DRAW_SKIPPED.get() | {digit})


def _ask() -> None:
    """The next drawing of three of each; it can be left and gone on with, and fewer will do."""
    book, drawn = _book(), current_strokes()
    count = Counter(lesson.digit for lesson in book)
    skipped = state.DRAW_SKIPPED.get()
    wanted = next((d for d in range(10) if count[d] < OF_EACH and d not in skipped), None)
    if wanted is None:
        st.markdown("**That is all I need.** Press Teach.")
        return
    kept = any(lesson.strokes == drawn for lesson in book)
    st.markdown(
        f"**{'Clear the sheet, then draw' if kept else 'Draw'} {with_article(wanted)}** "
        f"({count[wanted] + 1} of {OF_EACH})"
    )
    with st.container(horizontal=True):
        st.button(
            f"Keep this {wanted}",
            icon=":material/add:",
            on_click=_keep,
            args=(wanted,),
            disabled=kept or not drawn,
        )
        st.button(f"No {wanted}s", icon=":material/skip_next:", on_click=_skip, args=(wanted,))
    st.caption("Fewer will do as well: press Teach whenever you like, and go on later.")


def _have() -> None:
    """The lessons so far, and the button for which they were drawn."""
    from mnistcore.data.digits import to_uint8
    from mnistcore.training import finetune_session

    book = _book()
    if not book:
        st.caption(
            "Your lessons appear here. They stay in this visit; only when you press Teach are "
            "they kept, beside the network that learned them."
        )
        return
    images, digits = finetune_session.rasterize_drawings(book)
    tiles.tiles(
        to_uint8(images),
        [f"lesson {n}, a {d}: take it out" for n, d in enumerate(digits.tolist(), start=1)],
        key="book",
        columns=None,
        captions=[str(digit) for digit in digits.tolist()],
        on_pick=lambda place: book.__delitem__(place),
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Teach", type="primary", icon=":material/school:", on_click=_start)
        st.caption("Choose a drawing to take it out.", width="content")


def _start() -> None:
    state.DRAW_TEACHING.set(None)  # made in the next run of the page


def _learn(which: str) -> None:
    """A copy learns. What interrupts the page, a stroke or a click, does not interrupt that."""
    from mnistcore.training.finetune_session import (
        N_EVALUATION,
        FineTuneSession,
        fine_tune_result,
    )

    train, test, _ = shared_dataset()
    bar = st.progress(0.0, "A copy of the network learns your hand ...")
    try:
        begun = state.DRAW_TEACHING.get()
        if begun is None:
            before = _own(which)  # kept with it: another network may be chosen meanwhile
            base = _base(before)
            if base is None:  # it was not taught, or what it was taught from is gone: so it stays
                base, before = which, None
            begun = FineTuneSession(base, _book(), train), before
            state.DRAW_TEACHING.set(begun)
        teaching, before = begun
        for share in teaching:
            bar.progress(0.9 * share, "A copy of the network learns your hand ...")
        bar.progress(
            0.9, f"It is examined on {N_EVALUATION:,} test images, as it was and as it is ..."
        )
        run = teaching.keep(test, **creator())
        if before:
            before.delete(visitor_token())
    except MnistError as error:
        state.DRAW_TEACHING.pop()
        bar.empty()
        st.error(escape_markdown(error))
        return
    state.DRAW_TEACHING.pop()
    state.MODEL.set(run.id)
    if written := fine_tune_result(run):
        _, tuned = written
        _tell(
            f"It has learned. Of your {len(tuned.labels)} drawings it reads {tuned.right_after} "
            f"right, before it read {tuned.right_before}. More stands further down."
        )
    st.rerun()


def _base(run: store.Run | None) -> str | None:
    """What a taught network was before; None if that is no longer there."""
    from mnistcore.training.finetune_session import fine_tune_result

    written = fine_tune_result(run) if run else None
    base = written[1].base_model if written else None
    try:
        return base if base in (None, "shipped") else store.find_run(base).id
    except RunError:
        return None


def _undo(run: store.Run) -> None:
    base = _base(run)
    try:
        run.delete(visitor_token())
    except MnistError as error:
        _tell(escape_markdown(error))
        return
    state.MODEL.set(base or "shipped")
    reads = "network before" if base else "network that comes with the app"
    _tell(f"Undone: the {reads} reads again. Your lessons are still here.")


def _before_and_after(run: store.Run) -> None:
    """What teaching changed: on the lessons, and on digits of strangers."""
    from mnistcore.data.digits import to_uint8
    from mnistcore.data.loading import DATASETS
    from mnistcore.training import finetune_session

    written = finetune_session.fine_tune_result(run)
    if written is None or (test_after := written[0].test_accuracy) is None:
        return
    result, tuned = written
    knew, knows, test_before = tuned.right_before, tuned.right_after, tuned.test_accuracy_before
    st.markdown("**Before and after**")
    with st.container(horizontal=True, gap="large"):
        st.metric(
            "Your drawings read right",
            f"{knows} of {len(tuned.labels)}",
            f"{knows - knew:+} (before: {knew})" if knows != knew else "as before",
            delta_color="normal" if knows != knew else "off",
            delta_arrow="auto" if knows != knew else "off",
            width="content",
        )
        change = 100 * (test_after - test_before)
        moved = abs(change) >= 0.05  # what is less would be shown as 0.0
        st.metric(
            f"First {result.test_count:,} test images of {DATASETS[result.dataset or 'mnist']}",
            f"{test_after:.1%}",
            f"{change:+.1f} points (before: {test_before:.1%})" if moved else "as before",
            delta_color="normal" if moved else "off",
            delta_arrow="auto" if moved else "off",
            width="content",
        )
    if tuned.alpha < 1:
        st.warning(
            "Some of these lessons contradict what many other hands taught it. To follow them all "
            f"would spoil it for everybody else, so it took {tuned.alpha:.0%} of the step. Look "
            "them through and teach again, or undo it.",
            icon=":material/help:",
        )
    try:
        images, _ = finetune_session.rasterize_drawings(finetune_session.read_drawings(run))
    except MnistError:
        st.caption("The drawings that it learned from can no longer be read.")
    else:
        st.caption("Below each drawing: what it was read as before → now.")
        each = list(zip(tuned.labels, tuned.predicted_before, tuned.predicted_after, strict=True))
        tiles.tiles(
            to_uint8(images),
            [f"a {t}, read as a {a} before and as a {b} now" for t, a, b in each],
            key="before and after",
            columns=None,
            captions=[f"{a}→{b}{'' if b == t else ' ✗'}" for t, a, b in each],
        )
    st.caption(
        "The taught network is yours: nobody else's changes. It is kept among the runs, to choose "
        "again another day. If it has come to read strangers worse, more lessons help, or undo it."
    )
    with st.container(horizontal=True):
        st.button("Undo the teaching", icon=":material/undo:", on_click=_undo, args=(run,))
        st.download_button(
            "Download it",
            run.model.read_bytes,
            file_name="taught.safetensors",
            icon=":material/download:",
            on_click="ignore",
        )
