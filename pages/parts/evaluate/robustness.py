"""Sunshine and snow: test images corrupted by a slider, and the accuracy of a network or two."""

import threading
from typing import NamedTuple

import numpy as np
import streamlit as st
import torch

from mnistcore.config import TrainConfig
from mnistcore.data import corruptions
from mnistcore.data.digits import Digits
from mnistcore.errors import MnistError
from mnistcore.evaluation import robustness
from mnistcore.evaluation.diagnosis import margin_of_error
from mnistcore.evaluation.metrics import evaluate
from mnistcore.evaluation.report import EvaluationReport
from mnistcore.evaluation.robustness import SeverityCurves
from mnistcore.models.network import Network
from mnistcore.viz import learning_curves
from pages.common import links, model_picker, pictures, state, tiles
from pages.common.text import escape_markdown
from pages.common.widgets import announce, one_of, severity_slider

_NEVER_MET = {  # while learning, as far as augmentation did not show it
    "rotate": "turned digits",
    "translate": "digits off the middle",
    "scale": "digits of other sizes",
    "thicken": "lines as thick or thin as these",
    "blur": "blurred digits",
    "noise": "snow",
    "invert": "ink and paper swapped",
}
_AFFINE = ("rotate", "translate", "scale")  # shown a little by the augmentation of that name
_WORDS = """
Images that differ from those learned from are a *distribution shift*. A car that has learned to
drive in sunshine will not stay on the road in snow.

Training images can be turned (up to 10 degrees), stretched (10%) and moved (1.5 pixels) at random,
which is called *augmentation*. The app's network learned like this.
"""
_WORDS_ON_SNOW = """
Snow is *Gaussian noise*: each pixel is made lighter or darker at random, with so large a standard
deviation. Augmentation and *batch normalisation* together make it hard: trained like the app's for
one epoch, a network reads 57% of 10,000 held-back training images at noise 25. Without
augmentation it reads 95%, without batch normalisation 92%, without both 98%.
"""  # see docs/decisions.md


class _Rival(NamedTuple):
    name: str
    title: str
    config: TrainConfig | None  # how it learned, if that is known
    curves: SeverityCurves  # what is known of it so far


@st.fragment
def show_robustness(exam: EvaluationReport) -> None:
    """A change, a slider for how much of it, some of the images, and how a network or two fare."""
    torch.set_num_threads(1)  # they are too few to share among processors; see models
    kinds = {each.title.lower(): name for name, each in corruptions.CORRUPTIONS.items()}
    choices = st.container(horizontal=True, vertical_alignment="bottom", key="change")
    with choices:
        chosen = one_of("Change the test images", list(kinds), state.EVALUATE_CORRUPTION, wrap=True)
    corruption = corruptions.CORRUPTIONS[kind := kinds[chosen]]
    titles = model_picker.model_titles()
    title = titles.pop(exam.model.model_id, exam.model.model_id)
    with choices.container(width=300):
        rivals = [_rival(title, exam.model.model_id, exam.test.dataset), *_other(titles, exam)]
    severity = severity_slider(corruption, **state.evaluate_severity(kind).bound())
    if state.EVALUATE_SEVERITY_SEEN.get() != (kind, severity):
        state.EVALUATE_SEVERITY_SEEN.set((kind, severity))
        robustness.yield_processor()
    test = corruptions.sample(exam.test)
    firsts = np.unique(test.labels, return_index=True)[1].tolist()  # a 0, a 1, ... a 9
    shown = corruptions.corrupt(test.select(firsts), kind, severity)
    places = []
    for column, rival in zip(st.columns(len(rivals), gap="medium"), rivals, strict=True):
        with column:
            places.append(st.container())
            _answers(rival, shown)
    # These images are there at once, and how many of all are read right a moment later.
    curves = [rival.curves for rival in rivals]
    accuracies = robustness.accuracies_at(kind, severity, curves, test)
    for place, rival, accuracy in zip(places, rivals, accuracies, strict=True):
        label = f"{escape_markdown(rival.title)}: read right, of {len(test):,}"
        place.metric(label, f"{accuracy:.1%}")
    told = ", ".join(
        f"{rival.title} {accuracy:.1%}" for rival, accuracy in zip(rivals, accuracies, strict=True)
    )
    announce(
        f"{chosen}, {corruption.axis} {severity:g}: read right, of {len(test):,}: {told}.",
        "accuracy",
    )
    for lesson, names in _lessons(kind, rivals).items():
        st.markdown(f"**{' and '.join(names)}** {lesson}")
    if not titles:
        links.train(preset="notebook").show(
            "Train one without augmentation",
            ":material/model_training:",
        )
    sweep = robustness.start_sweep(kind, curves, test, near=severity)
    busy = sweep if sweep and sweep.is_alive() else None
    # Only the curves renew themselves while they grow: the slider is not to wait for the rest.
    chart = st.fragment(_chart, run_every=0.4 if busy else None)
    chart(kind, severity, len(test), rivals, busy)
    margin = max(margin_of_error(accuracy, len(test)) for accuracy in accuracies)
    with st.expander("Tell me more"):
        st.markdown(_WORDS + _WORDS_ON_SNOW * (kind == "noise"))
        st.markdown(
            f"Each step rests on the same {len(test):,} of {len(exam.test):,} test images, so at "
            f"this one chance alone can move a figure by up to {100 * margin:.1f} points."
        )


def _lessons(kind: str, rivals: list[_Rival]) -> dict[str, list[str]]:
    """What the networks met of this while they learned, and which of them, by what is said."""
    said: dict[str, list[str]] = {}
    for rival in rivals:
        if rival.config:
            met = kind in _AFFINE and rival.config.augmentation == "affine"
            lesson = (
                "met only digits turned, stretched and moved a little while learning."
                if met
                else f"never saw {_NEVER_MET[kind]} while learning."
            )
            said.setdefault(lesson, []).append(escape_markdown(rival.title))
    return said


def _chart(
    kind: str, severity: float, count: int, rivals: list[_Rival], sweep: threading.Thread | None
) -> None:
    """How all fare over the whole range, as far as it is known while a sweep is at work."""
    corruption = corruptions.CORRUPTIONS[kind]
    lines = {each.title: each.curves.curve(kind) for each in rivals}
    words = "; ".join(f"{name} {dict(line)[severity]:.0%}" for name, line in lines.items())
    axis, every = corruption.axis, corruption.tick_interval
    pictures.echarts(
        learning_curves.severity_chart(lines, axis, severity, every, count),
        f"{corruption.title}, {' and '.join(lines)}",
        "range",
        f"Share of the images read right, {axis} from {corruption.low:g} to "
        f"{corruption.high:g}. At {severity:g}: {words}.",
        height=340,
    )
    if sweep and not sweep.is_alive():
        st.rerun()


def _rival(title: str, which: str, dataset: str) -> _Rival:
    held = model_picker.snapshot(which)
    curves = _severity_curves(which, held.stamp, dataset, held.model.network)
    return _Rival(which, title, held.learned.config, curves)


def _other(titles: dict[str, str], exam: EvaluationReport) -> list[_Rival]:
    """The network to compare with, if the visitor has chosen one."""
    if not titles:
        return []
    if state.EVALUATE_RIVAL.get() not in titles:
        state.EVALUATE_RIVAL.pop()
    other: str | None = st.selectbox(
        "Beside it",
        [*titles],
        None,
        format_func=lambda name: titles.get(name, name),
        placeholder="Another network",
        **state.EVALUATE_RIVAL.kept(),
    )
    if other is None:
        return []
    try:
        rival = _rival(titles[other], other, exam.test.dataset)
    except MnistError as error:
        st.warning(escape_markdown(error), icon=":material/help:")
        return []
    model_picker.refresh_button(other, "Take it as it is now")
    return [rival]


def _answers(rival: _Rival, shown: Digits) -> None:
    said = evaluate(rival.curves.network, shown).predicted.tolist()
    tiles.answers(shown, said, key=f"snow {rival.name}")


@st.cache_resource(show_spinner=False, max_entries=32)
def _severity_curves(name: str, stamp: int, dataset: str, _network: Network) -> SeverityCurves:
    """The curves of a network with these weights, shared by all visitors."""
    return SeverityCurves(_network)
