"""A run as it is: state, curves and predictions, growing while it is under way.

Whatever comes has its place from the first moment on, so that nothing moves while it learns.
"""

import html
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from mnistcore.config import planned_images
from mnistcore.errors import MnistError
from mnistcore.records import PaceKind, Progress, RunResult, RunStatus
from mnistcore.runs import queue, slow_motion
from mnistcore.runs.store import LIVE, RESUMABLE, Run
from mnistcore.training.trainer import RUNNING_AVERAGE_IMAGES
from mnistcore.viz import commentary, learning_curves, theme
from mnistcore.viz.twin_commentary import find_winner
from pages.common import links, pictures, state, take_home
from pages.common.datasets import train_and_test
from pages.common.widgets import live_region, room_for
from pages.parts.train import (
    batch_view,
    bet,
    comparison,
    film,
    frame_stage,
    moment_layers,
    predictions,
    speed,
    spoiling,
    steering,
    twins,
)

AWAY_S = 2.0  # seconds between two looks whether a run that can go on does so, from elsewhere
LONG_S = 2.0  # seconds of training after which the curves are flatter and one look a second will do
_WHY_AHEAD = (
    "Why was the test ahead? The training curve is a mean of the last "
    f"{RUNNING_AVERAGE_IMAGES:,} images, also of those from when it knew less."
)
_WHY_AHEAD_OF_NOISE = (
    "Why was the test ahead? Its labels are true, and the training curve goes by the labels that "
    "were given."
)
CLOSER = 90.0  # percent from which the accuracy is shown when one looks closer


def show(run: Run, others: Sequence[Run], on_another: Callable[[], None]) -> None:
    """A run with `others` to lay over it; renews itself as long as there may be something new.

    on_another: called when the visitor wants to train another.
    """
    every = _interval(run)
    with st.container(key="run-panel"):
        st.fragment(_panel, run_every=every)(run, others, on_another, every)


def _interval(run: Run) -> float | None:
    """Seconds between two looks; None when nothing will change any more."""
    status = run.status()
    if status.state in (*LIVE, "paused"):
        is_long = status.progress is not None and status.progress.seconds > LONG_S
        return 1.0 if is_long and not speed.is_slow(run) else 0.5
    if not frame_stage.is_complete(run):
        return 0.3
    return AWAY_S if status.state in RESUMABLE else None


def _panel(
    run: Run, others: Sequence[Run], on_another: Callable[[], None], every: float | None
) -> None:
    status = run.status()
    if _interval(run) != every or not run.path.is_dir():  # it may have been deleted meanwhile
        st.rerun()
    twin, titles = run.twin, twins.titles(run)
    pair = [(run, status), *([(twin, twin.status())] if twin else [])]
    defects = {each.id: spoiling.defect_of(each) for each, _ in pair}
    lines = []
    for (each, _), title in zip(pair, titles, strict=True):
        records = each.metrics()  # after the status: so they have all that it speaks of
        name, images = title or run.name, _planned(each, records)
        ceiling = spoiling.ceiling(defects[each.id])
        line = learning_curves.Curve(name, records, images, each is twin, ceiling)
        lines.append(line)
    told = [
        commentary.describe_run(its, line.records, defects[each.id])
        for (each, its), line in zip(pair, lines, strict=True)
    ]
    left, right = st.columns([5, 2], vertical_alignment="center")
    with left:
        broke_off = bool(status.result and status.result.diverged)
        _, goes_on = pair[-1 if broke_off else 0]
        furthest = replace(status, progress=goes_on.progress)
        verdict, sentence = _verdict(run, pair, told)
        headline = _headline(run, furthest, verdict)
        st.html(f'<div style="{room_for(3)}">{headline}</div>{_bar(furthest)}')
    with right:
        steering.show(run, status, on_another)
    # A network that was taught by hand has none.
    has_curves = bool(lines[0].records or not status.result)
    for other in comparison.chosen(others):
        found = other.metrics()
        lines.append(learning_curves.Curve(other.name, found, _planned(other, found)))
    high = _high(lines)
    closer = state.TRAIN_TWINS_CLOSER if twin else state.TRAIN_CLOSER
    least = CLOSER if high and closer.get() else 0.0
    replayed = has_curves and frame_stage.has_frames(run, status)
    if replayed:
        _stage(run, status, titles, lines, least, sentence)
        moment_layers.show(run, live=status.state in LIVE)
    for (each, its), title, line, (figures, *_) in zip(pair, titles, lines, told, strict=False):
        if figures or not its.result:
            figures = figures or Progress(0, 1, 0)
            _figures(figures, line.images, title, relabelled=defects[each.id].relabels)
    if has_curves:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.toggle(
                f"Look closer: {CLOSER:.0f} to 100 %",
                disabled=not high,
                help="Possible once both curves are there.",
                value=closer.default,
                **closer.kept(),
            )
            shown = "visible" if commentary.is_test_ahead(lines[0].records) else "hidden"
            why = _WHY_AHEAD_OF_NOISE if lines[0].ceiling else _WHY_AHEAD
            st.html(f'<div style="font-size:.9rem;visibility:{shown}">{why}</div>')
        if replayed:
            show_loss(lines)
        else:
            show_charts(lines, least)
            live_region(f"{sentence} {bet.outcome(run, status)}".strip(), key="narrator", lines=3)
            st.caption("How it learned was not kept, so there is nothing to play back.")
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Draw a digit for it", type="primary", icon=":material/draw:"):
            links.draw(model=run.id).go()
        links.evaluate(model=run.id).show(
            "How good is it really?", ":material/fact_check:", disabled=not status.result
        )
        take_home.show(run.id, disabled=run.under_way() or not run.model.is_file())
        if replayed:
            film.show(run)
    if twin:
        twins.show_links(twin)
    spoiling.show_damage(pair, titles)
    comparison.show(run, others)
    predictions.show(run, status)
    if replayed:  # last, for it takes time, and what changes at the end shall change together
        frame_stage.send_frames(run, live=status.state in LIVE)


def _stage(
    run: Run,
    status: RunStatus,
    titles: Sequence[str],
    lines: list[learning_curves.Curve],
    least: float,
    sentence: str,
) -> None:
    """All that moves, on one screen: the cloud beside the curve, the filters and the guesses.

    With a twin there are two clouds, by their titles, side by side.
    """
    live = status.state in LIVE
    left, right = st.columns([3, 2] if run.twin else 2, gap="medium")
    with left:
        frame_stage.show_cloud(run, titles, live=live)
        speed.show(run, status) if run.under_way() else frame_stage.show_links(run)
    with right:
        if run.under_way() and speed.is_slow(run):
            twins_last = slow_motion.last_batch(run.twin) if run.twin else None
            batch_view.show(run, slow_motion.last_batch(run), twins_last)
        else:
            height = batch_view.HEIGHT - 36  # so that all of it is on one screen
            show_accuracy(lines, least, bet.on(run), height)
        words = f"{sentence} {bet.outcome(run, status)}".strip()
        live_region(words, key="narrator", lines=5, wide=3)
        frame_stage.show_side(run)


def show_charts(lines: list[learning_curves.Curve], least: float = 0.0) -> None:
    """The two charts, side by side or one below the other."""
    left, right = st.columns(2)
    with left:
        show_accuracy(lines, least)
    with right:
        show_loss(lines)


def show_accuracy(
    lines: list[learning_curves.Curve],
    least: float,
    bet_on_it: float | None = None,
    height: int | None = None,
) -> None:
    """The accuracy of a run, of those that are laid over it, and a bet in percent.

    height: in pixels, for one run.
    """
    _chart("accuracy", learning_curves.accuracy_chart(lines, least, bet_on_it), lines, height)


def show_loss(lines: list[learning_curves.Curve]) -> None:
    """Their loss."""
    _chart("loss", learning_curves.loss_chart(lines), lines)


def _chart(
    key: str,
    chart: dict[str, Any],
    lines: list[learning_curves.Curve],
    height: int | None = None,
) -> None:
    describe = learning_curves.describe_loss if key == "loss" else learning_curves.describe_curves
    words = describe(lines[0].records)
    if len(lines) > 1 and lines[1].is_twin:
        twin = describe(lines[1].records)
        words = f"{lines[0].name}: {words} {lines[1].name}: {twin}"
    usual = learning_curves.chart_height(1)
    tall = learning_curves.chart_height(len(lines)) - usual + (height or usual)
    name = f"{key.capitalize()}, {' and '.join(line.name for line in lines)}"
    pictures.echarts(chart, name, key, words, tall)


def _high(lines: Sequence[learning_curves.Curve]) -> bool:
    """Whether both curves, of a run or the test's of twins, can be seen closer up."""
    first, twin = lines[0].records, next((line.records for line in lines if line.is_twin), None)
    curves = [r.test_accuracy for r in first], [r.train_accuracy for r in first]
    if twin is not None:
        curves = curves[0], [r.test_accuracy for r in twin]
    known = [[share for share in curve if share is not None] for curve in curves]
    return all(curve and 100 * curve[-1] > CLOSER for curve in known)


def _planned(run: Run, records: Sequence[Progress]) -> int:
    """Training images that the whole run will look at, repeats included."""
    if records and (images := records[-1].planned_images) is not None:
        return images
    try:
        return planned_images(run.train_config(), len(train_and_test(run.config().dataset)[0]))
    except MnistError:  # it is damaged, or its images cannot be had today
        return 1


def _verdict(
    run: Run, pair: Sequence[tuple[Run, RunStatus]], told: Sequence[commentary.Commentary]
) -> tuple[str, str]:
    """What came of it, as HTML, empty before; and what the narrator says, which goes on from it."""
    (_, status), *others = pair
    read, first = _in_a_sentence(status.result), told[0]
    if read and first.verdict:
        read = f"<b>{first.verdict}.</b> {read}"
    for twin, its in others:
        sentence, winner = twins.sentence(run, twin), find_winner(status, its)
        if winner is None or status.state in LIVE:
            return read, sentence
        broke_off = any(each.result and each.result.diverged for _, each in pair)
        short = sentence if broke_off else f"{sentence.partition(':')[0]}."
        return html.escape(sentence), f"{short} {told[winner == 'twin'].plateau}".strip()
    return read, f"{first.sentence} {first.plateau}".strip()


def _headline(run: Run, status: RunStatus, verdict: str) -> str:
    """How it stands, as HTML; verdict: what came of it."""
    p, message = status.progress, html.escape(status.message)
    if status.state == "queued":
        place = run.queue_position()
        when = f"{place} run{'s go' if place > 1 else ' goes'} before this one"
        return f"<b>Waiting</b>: {when if place else 'its turn is next'}. {_awaited(run)}"
    if status.state == "running" and p:
        return _done(p, slow_motion.read_pace(run).kind)
    if status.state == "finished" and verdict:
        return verdict  # be it well or badly
    if status.state in (*RESUMABLE, "failed"):
        return f"<b>{status.state.capitalize()}.</b> {message or verdict}"
    return message or "Starting."


def _awaited(run: Run) -> str:
    """Which run it waits for, as HTML; empty if that has just made way."""
    for other in queue.runs_at_work(run.path.parent)[:1]:
        told, p = f"“{html.escape(other.name)}” is learning", other.status().progress
        if slow_motion.read_pace(other).kind == "step":
            seconds = f"{slow_motion.YIELD_S:.0f} s"
            return f"{told} batch by batch, and makes way after {seconds} without a press."
        return f"{told}, {p.step / p.total_steps:.0%} done." if p else f"{told}."
    return ""


def _done(p: Progress, pace: PaceKind) -> str:
    """How much of it, and how long the rest takes at this pace, as HTML."""
    if pace == "step":
        return f"<b>{p.step:,} of {p.total_steps:,} batches done</b>."
    rest = slow_motion.SLOW_S * (p.total_steps - p.step) if pace == "slow" else 0.0
    seconds = rest + (p.seconds_left or 0.0)
    time = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
    return f"<b>{p.step / p.total_steps:.0%} done</b>{f', about {time} left' * (seconds > 0)}."


def _bar(status: RunStatus) -> str:
    """How far it is, as HTML: Streamlit's own bar comes up in another height than it stays in."""
    p = status.progress
    done = 100 * p.step / p.total_steps if p else 100 * (status.state == "finished")
    return (
        '<div role="progressbar" aria-label="Done" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{done:.0f}" style="height:.5rem;margin-top:.5rem;border-radius:.25rem;'
        f'background:{theme.css_rgba(theme.GREY, 0.25)}"><div style="width:{done:.1f}%;'
        f'height:100%;border-radius:inherit;background:{theme.BLUE}"></div></div>'
    )


def _in_a_sentence(result: RunResult | None) -> str:
    if not result or not result.is_evaluated:
        return ""
    labelled = " as they were labelled" if result.true_train_accuracy is not None else ""
    return (
        f"It reads <b>{result.test_accuracy:.1%}</b> of {result.test_count:,} test images and "
        f"{result.train_accuracy:.1%} of {result.train_count:,} training images{labelled}, "
        f"after {result.seconds:.0f} s of training."
    )


def _figures(p: Progress, images: int, title: str, *, relabelled: bool) -> None:
    test, train = (
        "–" if share is None else f"{share:.1%}" for share in (p.test_accuracy, p.train_accuracy)
    )
    by = " by the labels given" if relabelled else ""
    recent = min(p.images, RUNNING_AVERAGE_IMAGES)
    figures = {
        f"of {p.test_count:,} test images right"
        if p.test_count
        else "of the test images right": test,
        f"right{by}, of the last {recent:,} or so"
        if recent
        else f"of those shown right{by}": train,
        f"of {images:,} images looked at": f"{p.images:,}",
        "images per second": f"{p.images_per_second:,.0f}" if p.images_per_second else "–",
    }
    cells = "".join(
        f'<div><div style="font-size:1.6rem;line-height:1.2">{value}</div>'
        f'<div style="font-size:.85rem;opacity:.8;{room_for(2)}">{label}</div></div>'
        for label, value in figures.items()
    )
    st.html(
        (f"<b>{html.escape(title)}</b>" if title else "")
        + '<div style="display:grid;gap:.5rem .8rem;'
        f'grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr))">{cells}</div>'
    )
