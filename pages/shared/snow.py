"""Sunshine and snow: test images changed by a slider, and what that does to two networks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from mnistcore.errors import MnistError
from pages.shared import models, pictures

if TYPE_CHECKING:  # torch takes seconds to import
    from mnistcore.data import Digits
    from mnistcore.exam import Exam
    from mnistcore.predict import Model

_AUGMENTED = {
    None: "",
    "none": "It learned from the images as they are.",
    "affine": "It learned from images that were turned, stretched and moved a little each time.",
}


class _Rival(NamedTuple):
    """One of the two networks."""

    title: str
    model: Model
    stamp: int  # the time of its weights
    lessons: str  # how it learned, in a sentence


@st.fragment
def snow(exam: Exam, stamp: int) -> None:
    """A change, a slider for how much of it, some of the images, and how two networks fare."""
    import torch

    from mnistcore import curves, shift

    torch.set_num_threads(1)  # 500 images are too few to share among processors; see models
    st.markdown(
        "A car that has learned to drive in sunshine will not stay on the road in snow. Change the "
        "test images, and see how far a network can follow that never met the like."
    )
    address = {"bind": "query-params", "persist_state": "session"}
    kinds = {each.title.lower(): name for name, each in shift.SHIFTS.items()}
    title = st.segmented_control(
        "Change",
        list(kinds),
        default="turn",
        required=True,
        wrap=True,
        key="kind",
        **address,
    )
    kind = kinds[title or "turn"]  # an address may say "kind=" and no more
    change = shift.SHIFTS[kind]
    how_much, beside = st.columns([2, 1], gap="medium")
    with how_much:
        amount = st.select_slider(
            change.axis[0].upper() + change.axis[1:],
            change.amounts,
            change.start,
            format_func=lambda value: f"{value:g}",
            key=kind,
            **address,
        )
    with beside:
        rivals = [_chosen(exam, stamp), *_other(exam)]
    test = shift.sample(exam.test)
    shown = shift.shifted(_one_of_each(test), kind, amount)
    shares = [_share(kind, amount, each, test) for each in rivals]
    for column, rival, share in zip(st.columns(2, gap="medium"), rivals, shares, strict=False):
        with column:
            _answers(rival, shown, share, len(test))
    lines = _curves(kind, rivals, test)
    words = "; ".join(f"{name} {share:.0%}" for name, share in zip(lines, shares, strict=True))
    st.echarts_chart(
        curves.over_a_range(lines, change.axis, amount, change.tick, len(test)),
        height=340,
        key="range",
        alt=f"Share of the images read right, {change.axis} from {change.low:g} to "
        f"{change.high:g}. At {amount:g}: {words}.",
    )
    st.caption(
        f"Each step rests on the same {len(test):,} of {len(exam.test):,} test images, so chance "
        "alone can move it by a point or two."
    )


def _chosen(exam: Exam, stamp: int) -> _Rival:
    which = exam.model.name
    return _Rival(models.titles().get(which, which), exam.model, stamp, _lessons(which))


def _other(exam: Exam) -> list[_Rival]:
    """The network to compare with, if there is one: the visitor's choice, else the shipped one."""
    from mnistcore import predict

    titles = {name: title for name, title in models.titles().items() if name != exam.model.name}
    if not titles:
        st.page_link(
            "pages/train.py",
            label="Train one without augmentation, and come back to see the two side by side",
            icon=":material/model_training:",
            query_params={"preset": "Notebook"},
        )
        return []
    if st.session_state.get("against") not in titles:
        st.session_state.pop("against", None)
    other = st.selectbox(
        "Beside it",
        list(titles),
        format_func=lambda name: titles.get(name, name),
        key="against",
        persist_state="session",
    )
    try:
        stamp = predict.source(other).stat().st_mtime_ns
        return [_Rival(titles[other], models.model(other), stamp, _lessons(other))]
    except MnistError as error:
        st.warning(str(error), icon=":material/help:")
        return []


def _lessons(which: str) -> str:
    from mnistcore.exam import origin

    return _AUGMENTED.get(origin(which).augmentation, "")


def _one_of_each(test: Digits) -> Digits:
    """The first image of a 0, of a 1, ... of a 9, where there is one."""
    from mnistcore.data import Digits

    firsts = [(test.labels == digit).nonzero().flatten()[:1] for digit in range(10)]
    places = [int(place) for place in firsts if len(place)]
    return Digits(test.images[places], test.labels[places], test.dataset)


def _answers(rival: _Rival, shown: Digits, share: float, count: int) -> None:
    from mnistcore.training import evaluate

    said = evaluate(rival.model.network, shown).predicted.tolist()
    labels = shown.labels.tolist()
    st.metric(f"{rival.title}: read right, of {count:,}", f"{share:.1%}")
    pictures.tiles(
        shown.images,
        [f"a {is_}, read as a {read}" for is_, read in zip(labels, said, strict=True)],
        key=f"snow {rival.model.name}",
        columns=5,
        captions=[
            f"{'✓' if is_ == read else '✗'} {read}" for is_, read in zip(labels, said, strict=True)
        ],
    )
    if rival.lessons:
        st.caption(rival.lessons)


def _curves(kind: str, rivals: list[_Rival], test: Digits) -> dict[str, list[tuple[float, float]]]:
    """Both curves over the whole range. A moved slider interrupts this; what is done is kept."""
    from mnistcore import shift

    lines: dict[str, list[tuple[float, float]]] = {rival.title: [] for rival in rivals}
    amounts, news, begun = shift.SHIFTS[kind].amounts, st.empty(), time.monotonic()
    for number, amount in enumerate(amounts):
        for rival in rivals:
            lines[rival.title].append((amount, _share(kind, amount, rival, test)))
        if time.monotonic() - begun > 0.2:
            news.progress((number + 1) / len(amounts), "The whole range of the slider ...")
    news.empty()
    return lines


def _share(kind: str, amount: float, rival: _Rival, test: Digits) -> float:
    return _judge(kind, amount, rival.model.name, rival.stamp, test.dataset, rival.model, test)


@st.cache_data(show_spinner=False, max_entries=5_000)
def _judge(
    kind: str, amount: float, name: str, stamp: int, dataset: str, _model: Model, _test: Digits
) -> float:
    """The share of the changed images that is read right, worked out once for everybody."""
    from mnistcore import shift
    from mnistcore.training import evaluate

    return evaluate(_model.network, shift.shifted(_test, kind, amount)).accuracy
