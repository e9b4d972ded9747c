"""Teach the network one's own hand: lessons in place of the answer, and what came of them."""

from contextlib import suppress
from typing import NamedTuple

import streamlit as st

from mnistcore.data.digits import to_uint8
from mnistcore.data.loading import DATASETS
from mnistcore.drawing.rasterize import from_strokes
from mnistcore.drawing.strokes import Stroke, are_several_digits
from mnistcore.errors import MnistError, RunError
from mnistcore.inference.predict import predict
from mnistcore.records import FineTuneResult, RunResult
from mnistcore.runs import store
from mnistcore.training import finetune_session
from mnistcore.training.finetune_session import FineTuneSession, LabeledDrawing
from mnistcore.viz import defect_commentary
from pages.common import model_picker, state, tiles
from pages.common.canvas import clear, current_strokes, put_on_sheet
from pages.common.datasets import shared_dataset
from pages.common.identity import creator, visitor_token
from pages.common.prediction_card import show_prediction, show_reading
from pages.common.text import escape_markdown, with_article
from pages.common.widgets import live_region

BACK = "Back to the answer"
SHOW_EVERY = 3  # steps of learning between two pictures of the bars


def correct() -> None:
    """One tap says what the drawing on the sheet was meant to be, and makes a lesson of it."""
    if news := state.DRAW_NEWS.pop():
        st.toast(news)
    _digits("Wrong? Tap what it was, and it can learn it:")


def lesson(which: str) -> None:
    """Draw, say which digit it is, teach: in place of the answer, so that the sheet is in view."""
    if model_picker.training_progress(which):
        st.info("It is still learning by itself: teach it when it has finished.")
        st.button(BACK, on_click=state.DRAW_MORE.set, args=(None,))
        return
    book, doubt = _book(), state.DRAW_DOUBT.get()
    ask = ("" if book else _invite(which)) or "Draw a digit, then tap which one it is."
    line = state.DRAW_NEWS.pop() or ask
    if doubt and doubt.drawn != current_strokes():  # something else has been drawn since
        doubt = None
    if doubt:
        line = f"You wrote {with_article(doubt.read)}? But you tapped {doubt.meant}."
    live_region(line, "lesson line")
    _digits("Which digit is it?")
    with st.container(horizontal=True):
        if doubt:
            yes, no = with_article(doubt.read), with_article(doubt.meant)
            st.button(f"Yes, it is {yes}", type="primary", on_click=_keep, args=(doubt.read,))
            st.button(f"No, keep it as {no}", on_click=_keep, args=(doubt.meant,))
        else:
            icon = ":material/school:"
            st.button("Teach", type="primary", icon=icon, on_click=_begin, disabled=not book)
            st.button(BACK, on_click=state.DRAW_MORE.set, args=(None,))
    if book:
        _show_lessons(book)
    else:
        st.caption(
            "A few digits that it gets wrong are enough. They stay in this visit; only when you "
            "press Teach are they kept, beside the network that learned them."
        )


def _invite(which: str) -> str:
    with suppress(MnistError):
        return defect_commentary.invite(model_picker.run_by_id(which).train_config().defect)
    return ""


def _digits(label: str) -> None:
    st.segmented_control(label, range(10), key=state.DRAW_MEANT, on_change=_was, wrap=True)


class Taught(NamedTuple):
    """A taught network, and what the teaching came to."""

    run: store.Run
    result: RunResult
    tuned: FineTuneResult


def own_taught(which: str) -> Taught | None:
    """The taught network, if that is what was chosen, and by the one who taught it."""
    with suppress(RunError):
        run = store.find_run(which) if which != "shipped" else None
        mine = run and run.belongs_to(visitor_token())
        if run and mine and (results := finetune_session.fine_tune_result(run)):
            return Taught(run, *results)
    return None


def _book() -> list[LabeledDrawing]:
    """This visitor's lessons; nobody else sees them, and they are not kept until Teach."""
    if (book := state.DRAW_LESSONS.get()) is None:
        taught = own_taught(model_picker.selected_model())
        try:
            book = finetune_session.read_drawings(taught.run) if taught else []
        except MnistError:
            book = []
        state.DRAW_LESSONS.set(book)
    return book


def is_lesson(drawn: list[Stroke]) -> bool:
    """Whether this very drawing is among the lessons."""
    return any(lesson.strokes == drawn for lesson in _book())


def _add(digit: int) -> bool:
    """Make a lesson of what is on the sheet; said twice, the second word counts."""
    drawn, book = current_strokes(), _book()
    others = [lesson for lesson in book if lesson.strokes != drawn]
    refused = ""
    if are_several_digits(drawn):
        refused = "One at a time: draw a single digit."
    elif from_strokes(drawn) is None:  # an empty sheet, or a dot
        refused = "Draw it larger first." if drawn else "Draw a digit first."
    elif finetune_session.is_full(others):
        refused = "That is as much as it can learn at once: press Teach, or take some out."
    state.DRAW_NEWS.set(refused)
    if not refused:
        book[:] = [*others, LabeledDrawing(digit, drawn)]
    return not refused


def _was() -> None:
    """A digit was tapped, beside the answer or in a lesson."""
    digit, drawn = state.DRAW_MEANT.get(), current_strokes()
    state.DRAW_MEANT.set(None)
    if digit is None:
        return
    # They mean it where the answer is, or was, before their eyes.
    if state.DRAW_MORE.get() != state.TEACH or is_lesson(drawn):
        if _add(digit):
            state.DRAW_MORE.set(state.TEACH)
            told = f"Kept: this is {with_article(digit)}. Now press Teach."
            state.DRAW_NEWS.set(told)
            state.DRAW_SAID.set(told)
    elif (read := _surely_read(drawn)) in (None, digit):
        _keep(digit)
    else:
        state.DRAW_DOUBT.set(state.Doubt(digit, read, drawn))


def _surely_read(drawn: list[Stroke]) -> int | None:
    with suppress(MnistError):
        model = model_picker.latest_model(model_picker.selected_model())
        reading = predict(model, from_strokes(drawn), averaged=True)
        return reading.digit if reading.sure else None
    return None


def _keep(digit: int) -> None:
    if _add(digit):
        clear()
        state.DRAW_NEWS.set(f"Kept: {with_article(digit)}. Draw the next one, or press Teach.")


def _begin() -> None:
    """Teach in the next run of the page, with the last lesson on the sheet to watch."""
    drawn, last = current_strokes(), _book()[-1].strokes
    if drawn and not is_lesson(drawn):
        state.DRAW_NEWS.set("Tap which digit this is first, or clear the sheet.")
        return
    state.DRAW_TEACHING.set(None)
    if not drawn:
        put_on_sheet(last)


def _show_lessons(book: list[LabeledDrawing]) -> None:
    images, labels = finetune_session.rasterize_drawings(book)
    digits = labels.tolist()
    names = [
        f"lesson {n}, {with_article(digit)}: take it out" for n, digit in enumerate(digits, start=1)
    ]
    taken_out = book.__delitem__
    tiles.tiles(to_uint8(images), names, "book", columns=None, captions=digits, on_pick=taken_out)
    st.caption("Tap a lesson to take it out.")


def learn(which: str) -> None:
    """A copy learns, its bars move, and the page runs anew; to click interrupts the page alone."""
    image = from_strokes(current_strokes())
    with (card := st.empty()):
        show_prediction(which, lambda: image, averaged=True)
    bar = st.progress(0.0, "A copy of the network learns your hand ...")
    for _ in range(3):  # what stood here in the lesson shall not linger below the bar
        st.empty()
    train, test, _ = shared_dataset()
    try:
        if (begun := state.DRAW_TEACHING.get()) is None:
            taught = own_taught(which)
            base = base_of(taught) if taught else None  # or that is gone, and the taught one stays
            # Kept with it: another network may be chosen meanwhile.
            before = taught.run if taught and base else None
            begun = FineTuneSession(base or which, _book(), train), before
            state.DRAW_TEACHING.set(begun)
        teaching, before = begun
        for step, share in enumerate(teaching):
            bar.progress(0.9 * share, "A copy of the network learns your hand ...")
            if step % SHOW_EVERY == 0:
                with card:
                    show_reading(teaching.learner(), image, before=teaching.model, averaged=True)
        count = finetune_session.N_EVALUATION
        bar.progress(0.9, f"It is examined on {count:,} test images, as it was and as it is ...")
        run = teaching.keep(test, **creator())
        if before:
            before.delete(visitor_token())
        state.MODEL.set(run.id)
        if taught := own_taught(run.id):
            state.DRAW_SAID.set(_in_words(taught))
    except MnistError as error:
        state.DRAW_NEWS.set(escape_markdown(error))
    state.DRAW_TEACHING.pop()
    state.DRAW_MORE.set(None)
    st.rerun()


def _in_words(taught: Taught) -> str:
    """What came of it, for who hears it."""
    tuned, result = taught.tuned, taught.result
    count, was, now = len(tuned.labels), tuned.test_accuracy_before, result.test_accuracy or 0.0
    return (
        f"Taught. Of your {count} drawing{'s' * (count > 1)} it reads {tuned.right_after} right; "
        f"of the first {result.test_count:,} test images {now:.1%}, before {was:.1%}."
    )


def base_of(taught: Taught) -> str | None:
    """What a taught network was before; None if that is no longer there."""
    base = taught.tuned.base_model
    with suppress(RunError):
        return base if base == "shipped" else store.find_run(base).id
    return None


def _undo(taught: Taught) -> None:
    base = base_of(taught)
    try:
        taught.run.delete(visitor_token())
    except MnistError as error:
        state.DRAW_NEWS.set(escape_markdown(error))
        return
    state.MODEL.set(base or "shipped")
    reads = "network before" if base else "app's network"
    state.DRAW_NEWS.set(f"Undone: the {reads} reads again. Your lessons are still here.")


def _metric(label: str, value: str, change: str, before: str) -> None:
    """A figure and its change; "" if there is none."""
    if change:
        st.metric(label, value, f"{change} (before: {before})", width="content")
    else:
        st.metric(label, value, "as before", delta_color="off", delta_arrow="off", width="content")


def outcome(taught: Taught) -> None:
    """What came of the teaching, in a line, and the way back."""
    tuned = taught.tuned
    with st.container(horizontal=True, vertical_alignment="center"):
        count, right, was = len(tuned.labels), tuned.right_after, tuned.right_before
        learned = "It has learned." if right > was or right == count else "It needs more of these."
        st.markdown(
            f"**{learned}** Of your {count} drawing{'s' if count > 1 else ''} it reads {right} "
            f"right, {f'before it read {was}' if right != was else 'as before'}."
        )
        st.button("Undo the teaching", icon=":material/undo:", on_click=_undo, args=(taught,))


def before_and_after(taught: Taught) -> None:
    """What teaching changed: on the lessons, and on digits of strangers."""
    run, result, tuned = taught
    before, after = tuned.test_accuracy_before, result.test_accuracy or 0.0
    change = 100 * (after - before)
    more = tuned.right_after - tuned.right_before
    st.markdown("**Before and after**")
    with st.container(horizontal=True, gap="large"):
        right = f"{tuned.right_after} of {len(tuned.labels)}"
        told = f"{more:+}" if more else ""
        _metric("Your drawings read right", right, told, str(tuned.right_before))
        test = f"First {result.test_count:,} test images of {DATASETS[result.dataset or 'mnist']}"
        told = f"{change:+.1f} points" if abs(change) >= 0.05 else ""  # less would be shown as 0.0
        _metric(test, f"{after:.1%}", told, f"{before:.1%}")
    if tuned.alpha < 1 and tuned.right_after < len(tuned.labels):  # else a part was enough
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
        names = [
            f"{with_article(t)}, read as {with_article(a)} before and as {with_article(b)} now"
            for t, a, b in each
        ]
        captions = [f"{a}→{b}{'' if b == t else ' ✗'}" for t, a, b in each]
        key = "before and after"
        tiles.tiles(to_uint8(images), names, key, columns=None, captions=captions)
    st.caption(
        "The taught network is yours: nobody else's changes. It is kept among the runs, to choose "
        "again another day. If it has come to read strangers worse, more lessons help, or undo it."
    )
