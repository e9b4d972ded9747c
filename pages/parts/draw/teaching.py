"""Teach the network one's own hand: lessons one by one, before and after, and the way back."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from mnistcore.drawing.strokes import are_several_digits
from mnistcore.errors import MnistError, RunError
from mnistcore.runs import store
from pages.common import model_picker, state, tiles
from pages.common.canvas import clear, current_strokes
from pages.common.datasets import shared_dataset
from pages.common.identity import creator, visitor_token
from pages.common.text import escape_markdown, with_article

if TYPE_CHECKING:  # torch takes seconds to import
    from mnistcore.records import FineTuneResult, RunResult
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
    if taught := _own(which):
        _before_and_after(taught)


class Taught(NamedTuple):
    """A taught network, and what the teaching came to."""

    run: store.Run
    result: RunResult
    tuned: FineTuneResult


def _own(which: str) -> Taught | None:
    """The taught network, if that is what was chosen, and by the one who taught it."""
    from mnistcore.training.finetune_session import fine_tune_result

    with suppress(RunError):
        run = store.find_run(which) if which != "shipped" else None
        if run and run.belongs_to(visitor_token()) and (results := fine_tune_result(run)):
            return Taught(run, *results)
    return None


def _book() -> list[LabeledDrawing]:
    """This visitor's lessons; nobody else sees them, and they are not kept until Teach."""
    if (book := state.DRAW_LESSONS.get()) is None:
        from mnistcore.training import finetune_session

        taught = _own(model_picker.selected_model())
        try:
            book = finetune_session.read_drawings(taught.run) if taught else []
        except MnistError:
            book = []
        state.DRAW_LESSONS.set(book)
    return book


def _add(digit: int) -> bool:
    """Make a lesson of what is on the sheet; said twice, the second word counts."""
    from mnistcore.drawing.rasterize import from_strokes
    from mnistcore.training.finetune_session import LabeledDrawing, is_full

    drawn, book = current_strokes(), _book()
    if are_several_digits(drawn):
        state.DRAW_NEWS.set("One at a time: draw a single digit.")
        return False
    if from_strokes(drawn) is None:  # an empty sheet, or a dot
        state.DRAW_NEWS.set("Draw it larger first." if drawn else "Draw a digit first.")
        return False
    book[:] = [lesson for lesson in book if lesson.strokes != drawn]
    if is_full(book):
        state.DRAW_NEWS.set(
            "That is as much as it can learn at once: press Teach, or take some out."
        )
        return False
    book.append(LabeledDrawing(digit, drawn))
    return True


def _was() -> None:
    digit = state.DRAW_MEANT.get()
    state.DRAW_MEANT.set(None)
    if digit is not None and _add(digit):
        state.DRAW_MORE.set(TEACH)
        state.DRAW_NEWS.set(f"Kept as a lesson: this is {with_article(digit)}. Now press Teach.")


def _keep(digit: int) -> None:
    if _add(digit):
        clear()


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
        st.button(
            f"No {wanted}s",
            icon=":material/skip_next:",
            on_click=state.DRAW_SKIPPED.set,
            args=(skipped | {wanted},),
        )
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
        st.button(
            "Teach",
            type="primary",
            icon=":material/school:",
            on_click=state.DRAW_TEACHING.set,  # begun in the next run of the page
            args=(None,),
        )
        st.caption("Choose a drawing to take it out.", width="content")


def _learn(which: str) -> None:
    """A copy learns. What interrupts the page, a stroke or a click, does not interrupt that."""
    from mnistcore.training.finetune_session import N_EVALUATION, FineTuneSession

    train, test, _ = shared_dataset()
    bar = st.progress(0.0, "A copy of the network learns your hand ...")
    try:
        if (begun := state.DRAW_TEACHING.get()) is None:
            taught = _own(which)
            base = _base(taught) if taught else None  # None: that is gone, so the taught one stays
            # Kept with it: another network may be chosen meanwhile.
            before = taught.run if taught and base else None
            begun = FineTuneSession(base or which, _book(), train), before
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
    if taught := _own(run.id):
        tuned = taught.tuned
        state.DRAW_NEWS.set(
            f"It has learned. Of your {len(tuned.labels)} drawings it reads {tuned.right_after} "
            f"right, before it read {tuned.right_before}. More stands further down."
        )
    st.rerun()


def _base(taught: Taught) -> str | None:
    """What a taught network was before; None if that is no longer there."""
    base = taught.tuned.base_model
    with suppress(RunError):
        return base if base == "shipped" else store.find_run(base).id
    return None


def _undo(taught: Taught) -> None:
    base = _base(taught)
    try:
        taught.run.delete(visitor_token())
    except MnistError as error:
        state.DRAW_NEWS.set(escape_markdown(error))
        return
    state.MODEL.set(base or "shipped")
    reads = "network before" if base else "network that comes with the app"
    state.DRAW_NEWS.set(f"Undone: the {reads} reads again. Your lessons are still here.")


def _metric(label: str, value: str, change: str, before: str) -> None:
    """A figure and its change; "" if there is none."""
    st.metric(
        label,
        value,
        f"{change} (before: {before})" if change else "as before",
        delta_color="normal" if change else "off",
        delta_arrow="auto" if change else "off",
        width="content",
    )


def _before_and_after(taught: Taught) -> None:
    """What teaching changed: on the lessons, and on digits of strangers."""
    from mnistcore.data.digits import to_uint8
    from mnistcore.data.loading import DATASETS
    from mnistcore.training import finetune_session

    run, result, tuned = taught
    before, after = tuned.test_accuracy_before, result.test_accuracy or 0.0
    change = 100 * (after - before)
    more = tuned.right_after - tuned.right_before
    st.markdown("**Before and after**")
    with st.container(horizontal=True, gap="large"):
        _metric(
            "Your drawings read right",
            f"{tuned.right_after} of {len(tuned.labels)}",
            f"{more:+}" if more else "",
            str(tuned.right_before),
        )
        _metric(
            f"First {result.test_count:,} test images of {DATASETS[result.dataset or 'mnist']}",
            f"{after:.1%}",
            f"{change:+.1f} points" if abs(change) >= 0.05 else "",  # less would be shown as 0.0
            f"{before:.1%}",
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
        st.button("Undo the teaching", icon=":material/undo:", on_click=_undo, args=(taught,))
        st.download_button(
            "Download it",
            run.model.read_bytes,
            file_name="taught.safetensors",
            icon=":material/download:",
            on_click="ignore",
        )
