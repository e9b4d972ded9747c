"""A run as it is: state, curves and predictions, growing while it is under way."""

from collections.abc import Callable

import streamlit as st

from mnistcore.data.digits import Digits
from mnistcore.errors import MnistError
from mnistcore.records import Prediction, Progress, RunResult, RunStatus
from mnistcore.runs import queue
from mnistcore.runs.store import LIVE, RESUMABLE, Run
from mnistcore.training.trainer import RUNNING_AVERAGE_IMAGES
from mnistcore.viz import commentary, learning_curves, theme
from pages.common import links, state
from pages.common.datasets import test_images
from pages.common.identity import visitor_token
from pages.common.images import png_uri
from pages.common.text import escape_markdown
from pages.common.widgets import live_region

CLOSER = 90.0  # percent from which the accuracy is shown when one looks closer


def show(run: Run, others: list[Run]) -> None:
    """A run with `others` to lay over it; renews itself as long as there may be something new."""
    pace = _pace(run.status())
    st.fragment(_panel, run_every=pace)(run, {each.id: each for each in others}, pace)


def _pace(status: RunStatus) -> float | None:
    """Seconds between two looks; None when nothing will change any more."""
    return 0.5 if status.state in (*LIVE, "paused") else None


def _panel(run: Run, others: dict[str, Run], pace: float | None) -> None:
    status = run.status()
    if _pace(status) != pace or not run.path.is_dir():  # it may have been deleted meanwhile
        st.rerun()
    _headline(run, status)
    _steer(run, status)
    records = run.metrics()  # after the status: so they have all that it speaks of
    told = commentary.describe_run(status, records)
    if told.figures:
        _figures(told.figures)
    compared = [others[name] for name in state.TRAIN_COMPARED.get() if name in others]
    lines = [
        learning_curves.Curve(each.name, found, _images(found))
        for each in [run, *compared]
        if (found := records if each is run else each.metrics())
    ]
    if records or not status.result:  # a network that was taught by hand has no curves
        high = _high(records)
        closer = high and state.TRAIN_CLOSER.get()
        show_charts(lines or [learning_curves.Curve("", [], 1)], CLOSER if closer else 0.0)
        live_region(told.sentence, key="narrator")
        _look(others, high)
    if status.result:
        links.evaluate(model=run.id).show("How good is it really?", ":material/fact_check:")
    _predictions(run, status)


def show_charts(lines: list[learning_curves.Curve], least: float = 0.0) -> None:
    """The two charts, side by side or one below the other."""
    charts = {
        "accuracy": learning_curves.accuracy_chart(lines, least),
        "loss": learning_curves.loss_chart(lines),
    }
    height = learning_curves.chart_height(len(lines))
    words = learning_curves.describe_curves(lines[0].records)
    for column, (key, chart) in zip(st.columns(2), charts.items(), strict=True):
        column.echarts_chart(chart, height=height, key=key, alt=words)


def _high(records: list[Progress]) -> bool:
    """Whether both curves can be seen closer up."""
    train = [r.train_accuracy for r in records if r.train_accuracy is not None]
    test = [r.test_accuracy for r in records if r.test_accuracy is not None]
    return bool(train and test) and 100 * min(train[-1], test[-1]) > CLOSER


def _look(others: dict[str, Run], high: bool) -> None:
    """How the curves are looked at: closer, once they are `high`, or beside those of others."""
    st.toggle(
        f"Look closer: {CLOSER:.0f} to 100 %",
        disabled=not high,
        help="Possible once both curves are there.",
        **state.TRAIN_CLOSER.kept(),
    )
    if others:
        st.pills(
            "Lay other runs over it, dashed",
            list(others),
            format_func=lambda name: escape_markdown(others[name].name),
            selection_mode="multi",
            key=state.TRAIN_COMPARED,
            wrap=True,
        )


def _images(records: list[Progress]) -> int:
    """Training images that the whole run will see."""
    last = records[-1]
    return round(last.images * last.total_steps / last.step) if last.step else 1


def _headline(run: Run, status: RunStatus) -> None:
    p, told = status.progress, _in_a_sentence(status.result)
    if status.state == "queued":
        place = run.queue_position()
        when = f"{place} run{'s go' if place > 1 else ' goes'} before this one"
        words = f"Waiting: {when if place else 'its turn is next'}."
        st.info(words, icon=":material/hourglass_empty:")
    elif status.state == "failed":
        st.error(escape_markdown(status.message), icon=":material/error:")
    elif status.state == "finished" and told:
        st.info(told, icon=":material/flag:")  # done, be it well or badly
    elif status.state in RESUMABLE:
        words = f"{status.state.capitalize()}. {escape_markdown(status.message) or told}"
        st.warning(words, icon=":material/pause_circle:")
    elif status.message:
        st.caption(escape_markdown(status.message))
    if not p or status.state == "finished":
        return
    left = f", about {p.seconds_left:.0f} s left" if p.seconds_left else ""
    share = p.step / p.total_steps
    st.progress(share, f"{share:.0%} done{left if status.state == 'running' else ''}")


def _figures(p: Progress) -> None:
    epochs = p.epoch * p.total_steps / p.step if p.step else 0
    test, train = (
        "not yet" if share is None else f"{share:.1%}"
        for share in (p.test_accuracy, p.train_accuracy)
    )
    recent = min(p.images, RUNNING_AVERAGE_IMAGES)
    figures = {
        f"of {p.test_count:,} test images right": test,
        f"right, of the last {recent:,} or so that it was shown": train,
        "times through the training images": f"{p.epoch:.2f} of {round(epochs, 2):g}"
        if epochs
        else "0",
        "images per second": f"{p.images_per_second:,.0f}",
    }
    cells = "".join(
        f'<div><div style="font-size:1.7rem;line-height:1.2">{value}</div>'
        f'<div style="font-size:.85rem;opacity:.8">{label}</div></div>'
        for label, value in figures.items()
    )
    st.html(
        '<div style="display:grid;gap:.8rem;'
        f'grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr))">{cells}</div>'
    )


def _in_a_sentence(result: RunResult | None) -> str:
    if not result or not result.is_evaluated:
        return ""
    return (
        f"It reads **{result.test_accuracy:.1%}** of {result.test_count:,} test images that "
        f"it never learned from, and {result.train_accuracy:.1%} of "
        f"{result.train_count:,} training images, after {result.seconds:.0f} s of training."
    )


def _steer(run: Run, status: RunStatus) -> None:
    if not run.belongs_to(visitor_token()):
        st.caption("Somebody else started this run: you can watch it, and draw with it.")
        return
    with st.container(horizontal=True):
        if status.state == "running":
            _button("Pause", "pause", run.send, "pause", visitor_token())
        if status.state in RESUMABLE:
            label = "Go on" if status.state == "paused" else "Resume"
            _button(label, "play_arrow", queue.resume, run, visitor_token())
        if run.under_way():
            _button("Stop", "stop", run.send, "stop", visitor_token())
    if refused := state.TRAIN_STEERING_REFUSED.pop():
        st.error(refused)


def _button(label: str, icon: str, act: Callable[..., None], *values: object) -> None:
    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"steer {label}",
        on_click=_attempt,
        args=(act, *values),
    )


def _attempt(act: Callable[..., None], *values: object) -> None:
    """Do it before the panel is drawn anew, or have it say why it cannot be done."""
    try:
        act(*values)
    except MnistError as error:
        state.TRAIN_STEERING_REFUSED.set(escape_markdown(error))


def succeeds(act: Callable[[], None]) -> bool:
    """Do it, or show why it cannot be done."""
    try:
        act()
    except MnistError as error:
        st.error(escape_markdown(error))
        return False
    return True


def _predictions(run: Run, status: RunStatus) -> None:
    try:
        test = test_images(run.config().dataset)
    except MnistError:  # a damaged run, or one of images that cannot be had today
        return
    shown = [each for each in status.predictions if each.test_index < len(test)]
    if not shown:
        return
    right = sum(int(test.labels[each.test_index]) == each.digit for each in shown[:12])
    st.markdown(
        f"**What it says of the first 12 test images** after {status.predictions_images:,} "
        f"training images: {right} right."
    )
    st.html(_tiles(shown[:12], test))
    if wrong := shown[12:]:
        st.markdown("**Some that it gets wrong**")
        st.html(_tiles(wrong, test))


def _tiles(predictions: list[Prediction], test: Digits) -> str:
    """Pictures with the network's word below: a tick or a cross, never colour alone."""
    tiles = []
    for index, digit, confidence in predictions:
        label = int(test.labels[index])
        good = label == digit
        word = f"✓ {digit}" if good else f"✗ {digit}</b>, not {label}<b>"
        tiles.append(
            f'<figure style="margin:0;text-align:center;width:3.7rem">'
            f'<img src="{_picture(test.dataset, index)}" alt="test image {index}, a {label}" '
            f'style="width:3.7rem;height:3.7rem;image-rendering:pixelated;border-radius:.4rem;'
            f'border:3px solid {theme.RIGHT if good else theme.WRONG}">'
            f"<figcaption><b>{word}</b><br>{confidence:.0%}</figcaption></figure>"
        )
    return f'<div style="display:flex;flex-wrap:wrap;gap:.6rem">{"".join(tiles)}</div>'


@st.cache_data(show_spinner=False, max_entries=500)
def _picture(dataset: str, index: int) -> str:
    from PIL import Image

    return png_uri(Image.fromarray(255 - test_images(dataset).images[index].numpy()))
