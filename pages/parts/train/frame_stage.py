"""Stage: how a network learns, played from the frames of its run: cloud, filters, own drawing."""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from mnistcore.config import IMAGE_SIZE
from mnistcore.errors import MnistError
from mnistcore.inspection import frames
from mnistcore.runs.store import LIVE
from mnistcore.serialization import is_number
from mnistcore.viz import probability_cloud, theme
from mnistcore.viz.commentary import capitalized
from mnistcore.viz.twin_commentary import find_winner
from pages.common import links, pictures, state
from pages.common.canvas import current_strokes
from pages.common.datasets import train_and_test
from pages.common.images import ink_uri, sheet_uri
from pages.common.past_answers import PastAnswers
from pages.common.tiles import component
from pages.parts.train.speed import row

if TYPE_CHECKING:
    from torch import Tensor

    from mnistcore.drawing.strokes import Stroke
    from mnistcore.records import RunResult, RunStatus
    from mnistcore.runs.store import Run

_ACROSS = 25  # test images in a row of the picture that holds them all
_DENSE_FILTERS = 12  # of a layer without convolutions; 28 x 28 numbers each
_AT_ONCE = 8  # frames in one message: what a browser has already is not sent again
_BUSY_S = 0.25  # seconds that one look may spend on surveys; the next goes on

_stage = component(__file__)


def send_frames(run: Run, *, live: bool) -> None:
    """Hand the browser what it has not got of the frames of a run and its twin, if there is time.

    live: whether it trains, and so leaves little time for what its frames do not say themselves.
    """
    for each in filter(None, (run, run.twin)):
        _send_frames(each, live)


def _send_frames(run: Run, live: bool) -> None:
    import torch

    torch.set_num_threads(1)
    steps, packs, past = frames.recorded_steps(run.frames), _packs(str(run.path)), _past(run)
    until = time.monotonic() + (0.0 if live else _BUSY_S)
    sent: list[int] = []
    # The newest first: while it trains, there is time for one at a look. Then coarse to fine.
    order = sorted(range(len(steps) - 1), key=lambda place: -(place & -place) if place else -1e9)
    for step in [*steps[-1:], *(steps[place] for place in order)]:
        if step == steps[-1] or _is_ready(step, packs, past) or time.monotonic() < until:
            if step not in packs:
                packs[step] = _pack(run, step)
            if past:
                past.at(step)
            sent.append(step)
    sent.sort()
    said = {step: answer for step in sent if past and (answer := past.at(step))}
    with st.container(gap=None):
        if not run.leader:
            _send(run, "images", _images(run.config().dataset))
        for group, start in enumerate(range(0, len(steps), _AT_ONCE)):
            some = set(steps[start : start + _AT_ONCE]).intersection(sent)
            chunk = [packed for step in sorted(some) if (packed := packs[step])]
            _send(run, f"frames {group}", {"frames": chunk})
        own = {
            str(step): [round(float(share), 4) for share in answer.probabilities]
            for step, answer in said.items()
        }
        _send(run, "own", {"own": own})


def show_cloud(run: Run, titles: Sequence[str], *, live: bool) -> None:
    """The cloud, beside it that of the twin, and below the slider through the moments, with Replay.

    titles: of the clouds.
    """
    results = [run.status().result, run.twin and run.twin.status().result]
    ends = [_wrong(each) if each and not live else "" for each in results]
    winner = find_winner(run.status(), run.twin.status()) if run.twin and not live else None
    more = {"titles": list(titles), "live": live, "moment": asked_moment(), "results": ends}
    more["winner"] = {"this": 0, "twin": 1}.get(winner or "")
    clock = int(_clock(run) != run)
    data = {"run": run.id, "twin": run.twin and run.twin.id, "part": "cloud", "clock": clock} | more
    name = f"Cloud of test images, {run.name}"
    with pictures.can_be_saved(name, "cloud"):
        _stage(key=state.TRAIN_STAGE, data=data, on_moment_change=_keep_moment)


def _wrong(result: RunResult) -> str:
    """How many of all test images were read wrong in the end; empty if nobody knows."""
    if result.test_accuracy is None or not result.test_count:
        return ""
    wrong = round((1 - result.test_accuracy) * result.test_count)
    return f"{wrong:,} of {result.test_count:,} read wrong"


def _clock(run: Run) -> Run:
    """The one whose moments the slider goes through: the twin's, if the run itself broke off."""
    result = run.status().result
    return run.twin if run.twin and result and result.diverged else run


def show_side(run: Run) -> None:
    """What else belongs to the moment: filters, twelve guesses, the visitor's own drawing."""
    image = _drawn(current_strokes())
    patterns, caption = _patterns(run)
    _stage(
        key="stage side",
        data={
            "run": run.id,
            "twin": run.twin and run.twin.id,
            "part": "side",
            "patterns": patterns,
            "caption": caption,
            "drawing": None if image is None else ink_uri((255 * image).byte()[None]),
        },
    )


def _patterns(run: Run) -> tuple[str, str]:
    """What the pictures of the first layer's weights are: a heading, and how to read them."""
    read = "blue wants ink there, orange wants none."
    if not run.twin:  # with one, all of it would not be on one screen
        read += " They begin random and change a little."
    who, runs = ("they look" if run.twin else "it looks"), filter(None, (run, run.twin))
    try:
        networks = [each.train_config().network for each in runs]
    except MnistError:  # a damaged run
        return f"What {who} for first", capitalized(read)
    first = [next(iter(network.convolutions), None) for network in networks]
    sizes = [
        f"{conv.kernel_size} x {conv.kernel_size} pixels and slides over the whole picture"
        if conv
        else f"{IMAGE_SIZE} x {IMAGE_SIZE} pixels, as large as the picture"
        for conv in first
    ]
    small = "small " * all(first)
    which = f"The {small}patterns"
    if first[0] and not run.twin and first[0].filters <= frames.N_FILTERS:
        which = f"The {first[0].filters} small patterns"
    return f"{which} {who} for first", f"Each is {' or '.join(dict.fromkeys(sizes))}: {read}"


def has_frames(run: Run, status: RunStatus) -> bool:
    """Whether it has any, or will have: runs from before there were frames have none."""
    return bool(frames.recorded_steps(run.frames)) or status.state in LIVE


def is_complete(run: Run) -> bool:
    """Whether the browser has got all there is of a run that has ended."""
    return all(
        _is_ready(step, _packs(str(each.path)), _past(each))
        for each in filter(None, (run, run.twin))
        for step in frames.recorded_steps(each.frames)
    )


def show_links(run: Run) -> None:
    """Further, with the network of the moment that is looked at."""
    step = state.TRAIN_MOMENT.get()
    model = run.id if step is None else f"{_clock(run).id}@{step}"
    when = "" if step is None else ", as it was then"
    with row():
        links.inside(model=model).show(f"Look inside{when}", ":material/network_node:")
        links.draw(model=model).show(f"Draw for it{when}", ":material/draw:")


def asked_moment() -> int | None:
    """The step that is looked at: chosen here, or asked for by the address; None for the newest."""
    asked = state.TRAIN_MOMENT.asked()
    known = state.TRAIN_MOMENT.exists()
    if not known and asked is not None and asked.isdecimal() and len(asked) < 10:
        state.TRAIN_MOMENT.set(int(asked))
    return state.TRAIN_MOMENT.get()


def leave_moment() -> None:
    """Forget it: another run is opened."""
    state.TRAIN_MOMENT.pop()
    state.TRAIN_MOMENT.tell(None)


def _keep_moment() -> None:
    step = (state.TRAIN_STAGE.get() or {}).get("moment")
    if step is None or (type(step) is int and is_number(step) and step >= 0):
        state.TRAIN_MOMENT.set(step)
        state.TRAIN_MOMENT.tell(None if step is None else str(step))


def _send(run: Run, part: str, data: dict[str, Any]) -> None:
    """Hand something to the stage: an element that shows nothing, sent only when it changed."""
    twin = "twin " if run.leader else ""
    _stage(key=f"stage {twin}{part}", data={"run": run.id, "part": part, **data})


_Pack = dict[str, Any] | None  # what the browser needs of a frame


@st.cache_resource(show_spinner=False, max_entries=30)
def _packs(folder: str) -> dict[int, _Pack]:
    """Where those of a run are kept by the step, made once for all visitors."""
    return {}


def _past(run: Run) -> PastAnswers | None:
    """What was said of the visitor's own drawing, if there is one."""
    image = _drawn(current_strokes())
    return None if image is None else PastAnswers(run, image)


@st.cache_resource(show_spinner=False, max_entries=100)
def _drawn(strokes: list[Stroke]) -> Tensor | None:
    from mnistcore.drawing.rasterize import from_strokes

    return from_strokes(strokes)


def _is_ready(step: int, packs: dict[int, _Pack], past: PastAnswers | None) -> bool:
    return step in packs and (past is None or past.knows(step))


def _pack(run: Run, step: int) -> _Pack:
    """A frame as numbers for the browser; None if nobody can say what the network said."""
    frame = frames.read_frame(run.frames, step)
    try:
        _, test = train_and_test(run.config().dataset)
        frame = frame and frame.surveyed(run.train_config().network, test)
    except MnistError:  # images that cannot be had today
        return None
    if frame is None or frame.probabilities is None:
        return None
    probabilities = frame.probabilities.nan_to_num()
    points = probability_cloud.positions(probabilities)
    filters = frame.filters if frame.filters.shape[1] < 28 else frame.filters[:_DENSE_FILTERS]
    largest = float(filters.abs().amax()) or 1.0
    said = probabilities.argmax(1)
    return {
        "step": frame.step,
        "images": frame.images,
        "points": _base64((points.clamp(-1, 1) * 32_767).short()),
        "said": _base64(said.byte()),
        "right": round(float((said == test.labels[frame.test_indices]).float().mean()), 4),
        "filters": _base64((127 * filters / largest).round().char()),
        "shape": list(filters.shape),
    }


def _base64(values: Tensor) -> str:
    return base64.b64encode(values.contiguous().numpy().tobytes()).decode()


@st.cache_data(show_spinner=False, max_entries=4)
def _images(dataset: str | None) -> dict[str, Any]:
    """The test images of the cloud, in one picture, and their labels."""
    from mnistcore.training.trainer import spread_sample

    _, test = train_and_test(dataset)
    places = spread_sample(len(test), frames.N_SURVEYED)
    images = test.images[places]
    return {
        "sprite": sheet_uri(images, _ACROSS),
        "across": _ACROSS,
        "rows": -(-len(images) // _ACROSS),
        "labels": test.labels[places].tolist(),
        "numbers": places.tolist(),
        "total": len(test),
        "colors": list(theme.DIGIT_COLORS),
    }
