"""Spoiled training data: how it was spoiled, and the damage, digit by digit."""

import html
from collections.abc import Sequence

import streamlit as st

from mnistcore.config import NUM_CLASSES, Defect, TrainConfig
from mnistcore.data.defects import TaughtSet, taught_set
from mnistcore.data.digits import Digits
from mnistcore.errors import MnistError
from mnistcore.evaluation.diagnosis import attainable_accuracy
from mnistcore.records import RunResult, RunStatus
from mnistcore.runs.store import Run
from mnistcore.viz import defect_commentary
from mnistcore.viz.theme import BLUE
from pages.common import links, state
from pages.common.bars import bar_row
from pages.common.text import with_article
from pages.common.widgets import room_for

_HOW_COUNTED = " The training accuracy goes by the labels that were given, wrong ones too."


def taught_images(train: Digits, config: TrainConfig) -> TaughtSet:
    """The training images as a recipe teaches them; worked out once for all visitors."""
    return _taught(train.dataset, config.train_size, config.defect, config.seed, train, config)


@st.cache_resource(show_spinner=False, max_entries=16)
def _taught(
    dataset: str, size: int | None, defect: Defect, seed: int, _train: Digits, _config: TrainConfig
) -> TaughtSet:
    return taught_set(_train, _config)


def describe(defect: Defect) -> str:
    """What is said of a run whose data was spoiled; empty of clean data."""
    return f"Spoiled on purpose: {defect}." if defect else ""


def ceiling(defect: Defect) -> float | None:
    """The training accuracy above which wrong labels are learned by heart; None without any."""
    return attainable_accuracy(defect) if defect.kind == "label-noise" else None


def show_damage(pair: Sequence[tuple[Run, RunStatus]], titles: Sequence[str]) -> None:
    """What a spoiled run, or its spoiled twin, reads of each digit, and what it takes them for.

    The same place before there is anything to tell as after. pair: the run, and its twin if it has
    one, by their titles.
    """
    spoiled = next((n for n, (run, _) in enumerate(pair) if defect_of(run)), None)
    if spoiled is None or (pair[0][1].result or RunResult()).fine_tune:
        return
    run, status = pair[spoiled]
    defect, others = defect_of(run), [its for each, its in pair if each is not run]
    own, other = _recalls(status), _recalls(*others)
    rows = "".join(
        bar_row(
            f"<b>{digit}</b>",
            own[digit] or 0.0,
            BLUE,
            "–" if own[digit] is None else f"{own[digit]:.1%}",
            width="3.6rem",
            mark=other[digit],
        )
        for digit in range(NUM_CLASSES)
    )
    names = [html.escape(title[:1].lower() + title[1:]) for title in titles]
    line = f" {names[spoiled]}; thin line: {names[1 - spoiled]}" if others else ""
    bars, words = st.columns(2, gap="large")
    bars.html(
        f"<b>Test images of each digit read right</b>{line}"
        f'<div style="display:grid;gap:.15rem;margin-top:.4rem">{rows}</div>'
    )
    result = status.result or RunResult()
    told = defect_commentary.describe_damage(defect, result)
    waiting = "The damage is counted in the end, on all test images."
    if result.diverged:
        waiting = "It broke off before the damage could be counted."
    with words:
        st.html(
            f"<b>{describe(defect)}</b> The test images are as they were, with true labels."
            f"{_HOW_COUNTED if defect.relabels else ''}"
            f'<div style="margin-top:.6rem;{room_for(6, wide=4)}">'
            f"{told or waiting}</div>"
        )
        links.evaluate(model=run.id, look="Mix-ups").show(
            "What it mixes up", ":material/grid_on:", disabled=not status.result
        )
        if defect.kind in defect_commentary.LEFT_OUT:
            links.draw(model=run.id, more=state.TEACH).show(
                f"Draw it {with_article(defect.digit)}, and teach it",
                ":material/draw:",
                disabled=not status.result,
            )


def _recalls(status: RunStatus | None = None) -> list[float | None]:
    confusion = status.result.confusion if status and status.result else ()
    return [*defect_commentary.recalls(confusion)] if confusion else [None] * NUM_CLASSES


def defect_of(run: Run) -> Defect:
    """How a run's data was spoiled; of a damaged run nothing is known."""
    try:
        return run.train_config().defect
    except MnistError:
        return Defect()
