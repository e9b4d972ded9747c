"""Sunshine and snow: test images changed by a slider, and what that does to two networks."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from mnistcore.errors import MnistError
from pages.common import links, model_picker, state, tiles
from pages.common.text import escape_markdown
from pages.common.widgets import one_of

if TYPE_CHECKING:  # torch takes seconds to import
    from mnistcore.data.digits import Digits
    from mnistcore.evaluation.report import EvaluationReport
    from mnistcore.models.registry import Model


_AUGMENTED = {
    None: "",
    "none": "It learned from the images as they are.",
    "affine": "It learned from images that were turned, stretched and moved a little each time.",
}
_ONE_AT_A_TIME = threading.Lock()  # for curves; they wait for each other
_PAUSE = 0.7  # seconds that they leave to whoever moves a slider
_moved = [0.0]  # when anybody last did
_FILLING = threading.Lock()  # for the following, which all visitors share
_filling: dict[tuple[str | int, ...], threading.Thread] = {}  # by kind and what they fill


class _Rival(NamedTuple):
    """One of the two networks."""

    title: str
    model: Model
    lessons: str  # how it learned, in a sentence
    known: dict[tuple[str, float], float]  # the share read right by kind and amount, so far


@st.fragment
def show_robustness(exam: EvaluationReport) -> None:
    """A change, a slider for how much of it, some of the images, and how two networks fare."""
    import torch

    from mnistcore.data import corruptions
    from mnistcore.evaluation.diagnosis import margin_of_error

    torch.set_num_threads(1)  # they are too few to share among processors; see models
    st.markdown(
        "A car that has learned to drive in sunshine will not stay on the road in snow. Change the "
        "test images, and see how far a network can follow that never met the like."
    )
    kinds = {each.title.lower(): name for name, each in corruptions.CORRUPTIONS.items()}
    kind = kinds[one_of("Change", list(kinds), state.EVALUATE_CORRUPTION, wrap=True)]
    change = corruptions.CORRUPTIONS[kind]
    how_much, beside = st.columns([2, 1], gap="medium")
    with how_much:
        amount = st.select_slider(
            change.axis[0].upper() + change.axis[1:],
            change.severities,
            change.start,
            format_func=lambda value: f"{value:g}",
            **state.evaluate_severity(kind).bound(),
        )
    with beside:
        titles = model_picker.model_titles()
        title = titles.pop(exam.model.name, exam.model.name)
        rivals = [_rival(title, exam.model.name, exam.test.dataset), *_other(titles, exam)]
    if state.EVALUATE_SEVERITY_SEEN.get() != (kind, amount):
        state.EVALUATE_SEVERITY_SEEN.set((kind, amount))
        _moved[0] = time.monotonic()
    test = corruptions.sample(exam.test)
    shown = corruptions.corrupt(_one_of_each(test), kind, amount)
    places = []
    for column, rival in zip(st.columns(2, gap="medium"), rivals, strict=False):
        with column:
            places.append(st.container())
            _answers(rival, shown)
    # These images are there at once, and how many of all are read right a moment later.
    shares = _shares(kind, amount, rivals, test)
    for place, rival, share in zip(places, rivals, shares, strict=True):
        place.metric(
            f"{escape_markdown(rival.title)}: read right, of {len(test):,}", f"{share:.1%}"
        )
    filling = _whole_range(kind, rivals, test, near=amount)
    # Only the curves renew themselves while they grow: the slider is not to wait for the rest.
    busy = filling is not None and filling.is_alive()
    curves = st.fragment(_curves, run_every=0.4 if busy else None)
    curves(kind, amount, len(test), rivals, filling, busy)
    luck = max(margin_of_error(share, len(test)) for share in shares)
    st.caption(
        f"Each step rests on the same {len(test):,} of {len(exam.test):,} test images, so at this "
        f"one chance alone can move a figure by up to {100 * luck:.1f} points."
    )


def _curves(
    kind: str,
    amount: float,
    count: int,
    rivals: list[_Rival],
    filling: threading.Thread | None,
    busy: bool,
) -> None:
    """How all fare over the whole range, as far as it is known: not to its ends while `busy`."""
    from mnistcore.data import corruptions
    from mnistcore.viz import learning_curves

    change = corruptions.CORRUPTIONS[kind]
    lines = {
        each.title: [(step, each.known.get((kind, step))) for step in change.severities]
        for each in rivals
    }
    words = "; ".join(f"{name} {dict(line)[amount]:.0%}" for name, line in lines.items())
    st.echarts_chart(
        learning_curves.severity_chart(lines, change.axis, amount, change.tick, count),
        height=340,
        key=state.EVALUATE_RANGE.name,
        alt=f"Share of the images read right, {change.axis} from {change.low:g} to "
        f"{change.high:g}. At {amount:g}: {words}.",
    )
    if busy and filling and not filling.is_alive():
        st.rerun()


def _rival(title: str, which: str, dataset: str) -> _Rival:
    held = model_picker.snapshot(which)
    lessons = _AUGMENTED.get(held.learned.recipe.get("augmentation"), "")
    return _Rival(title, held.model, lessons, _known(which, held.stamp, dataset))


def _other(titles: dict[str, str], exam: EvaluationReport) -> list[_Rival]:
    """The network to compare with, if there is one: the visitor's choice, else the shipped one."""
    if not titles:
        links.train(preset="notebook").show(
            "Train one without augmentation, and come back to see the two side by side",
            ":material/model_training:",
        )
        return []
    if state.EVALUATE_RIVAL.get() not in titles:
        state.EVALUATE_RIVAL.pop()
    other = st.selectbox(
        "Beside it",
        list(titles),
        format_func=lambda name: titles.get(name, name),
        **state.EVALUATE_RIVAL.kept(),
    )
    try:
        rival = _rival(titles[other], other, exam.test.dataset)
    except MnistError as error:
        st.warning(escape_markdown(error), icon=":material/help:")
        return []
    model_picker.refresh_button(other, "Take it as it is now")
    return [rival]


def _one_of_each(test: Digits) -> Digits:
    """The first image of a 0, of a 1, ... of a 9, where there is one."""
    firsts = [(test.labels == digit).nonzero().flatten()[:1] for digit in range(10)]
    places = [int(place) for place in firsts if len(place)]
    return test.select(places)


def _answers(rival: _Rival, shown: Digits) -> None:
    """Some images, what a network says of each, and what it has learned from."""
    from mnistcore.evaluation.metrics import evaluate

    said = evaluate(rival.model.network, shown).predicted.tolist()
    labels = shown.labels.tolist()
    tiles.tiles(
        shown.images,
        [f"a {is_}, read as a {read}" for is_, read in zip(labels, said, strict=True)],
        key=state.evaluate_answers(rival.model.name),
        columns=5,
        captions=[
            f"{'✓' if is_ == read else '✗'} {read}" for is_, read in zip(labels, said, strict=True)
        ],
    )
    if rival.lessons:
        st.caption(rival.lessons)


def _whole_range(
    kind: str, rivals: list[_Rival], test: Digits, near: float
) -> threading.Thread | None:
    """What works out the whole curves, what is near first, so that the slider need not wait.

    None if they are known. What was forgotten meanwhile, to make room, is worked out again.
    """
    from mnistcore.data import corruptions

    steps = [(kind, amount) for amount in corruptions.CORRUPTIONS[kind].severities]
    if all(step in rival.known for rival in rivals for step in steps):
        return None
    key: tuple[str | int, ...] = (kind, *(id(rival.known) for rival in rivals))
    with _FILLING:
        for ended in [each for each, thread in _filling.items() if not thread.is_alive()]:
            del _filling[ended]
        if key not in _filling:
            # Not a daemon, as it would be by inheritance: it has to be waited for.
            thread = threading.Thread(target=_fill, args=(kind, rivals, test, near), daemon=False)
            thread.start()
            _filling[key] = thread
        return _filling[key]


def _fill(kind: str, rivals: list[_Rival], test: Digits, near: float) -> None:
    import torch

    from mnistcore.data import corruptions

    torch.set_num_threads(1)
    with _ONE_AT_A_TIME:
        for amount in sorted(
            corruptions.CORRUPTIONS[kind].severities, key=lambda amount: abs(amount - near)
        ):
            while (wait := _moved[0] + _PAUSE - time.monotonic()) > 0:
                time.sleep(wait)
            # Python waits for this thread when it ends: torch does not bear to be broken off.
            if not threading.main_thread().is_alive():
                return
            _shares(kind, amount, rivals, test)


def _shares(kind: str, amount: float, rivals: list[_Rival], test: Digits) -> list[float]:
    """The share of the changed images that each reads right, worked out once for everybody."""
    from mnistcore.data import corruptions
    from mnistcore.evaluation.metrics import evaluate

    if new := [rival for rival in rivals if (kind, amount) not in rival.known]:
        images = corruptions.corrupt(test, kind, amount)
        for rival in new:
            rival.known[kind, amount] = evaluate(rival.model.network, images).accuracy
    return [rival.known[kind, amount] for rival in rivals]


@st.cache_resource(show_spinner=False, max_entries=32)
def _known(name: str, stamp: int, dataset: str) -> dict[tuple[str, float], float]:
    """What a network with these weights was found to read: empty at first, filled step by step."""
    return {}
