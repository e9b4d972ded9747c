"""Stage: how a network learns, played from the frames of its run: cloud, filters, own drawing."""

from __future__ import annotations

import base64
import contextlib
import itertools
import time
from typing import TYPE_CHECKING, Any

import streamlit as st

from mnistcore.errors import MnistError
from mnistcore.inspection import frames
from mnistcore.inspection.frames import Frame
from mnistcore.runs.store import LIVE
from mnistcore.serialization import is_number
from mnistcore.viz import probability_cloud, theme
from pages.common import links, state
from pages.common.canvas import current_strokes
from pages.common.datasets import train_and_test
from pages.common.images import ink_uri
from pages.common.tiles import component
from pages.parts.train.speed import ROW

if TYPE_CHECKING:
    from torch import Tensor

    from mnistcore.config import NetworkConfig
    from mnistcore.drawing.strokes import Stroke
    from mnistcore.records import RunStatus
    from mnistcore.runs.store import Run

_ACROSS = 25  # test images in a row of the picture that holds them all
_DENSE_FILTERS = 12  # of a layer without convolutions; 28 x 28 numbers each
_AT_ONCE = 8  # frames in one message: what a browser has already is not sent again
_BUSY_S = 0.25  # seconds that one look may spend on surveys; the next goes on

_stage = component(__file__)


def send_frames(run: Run, *, live: bool) -> bool:
    """Hand the browser what it has not got of a run's frames; whether all of it is there.

    live: whether it trains, and so leaves little time for what its frames do not say themselves.
    """
    import torch

    torch.set_num_threads(1)
    config, steps = run.train_config().network, frames.recorded_steps(run.frames)
    strokes = current_strokes()
    until = time.monotonic() + (0.0 if live else _BUSY_S)
    shown: dict[int, dict[str, Any]] = {}
    own: dict[int, list[float]] = {}
    complete = True
    # The newest first: while it trains, there is time for one at a look. Then coarse to fine.
    order = sorted(range(len(steps) - 1), key=lambda place: -(place & -place) if place else -1e9)
    for step in [*steps[-1:], *(steps[place] for place in order)]:
        entry = _Entry(run, step)
        if step == steps[-1] or entry.is_ready(strokes) or time.monotonic() < until:
            if packed := entry.packed(config):
                shown[step] = packed
            if strokes and (said := entry.own(config, strokes)):
                own[step] = said
        else:
            complete = False
    with st.container(gap=None):
        _send(run, "images", _images(run.config().dataset))
        for group, some in itertools.groupby(steps, lambda step: steps.index(step) // _AT_ONCE):
            chunk = [shown[step] for step in some if step in shown]
            _send(run, f"frames {group}", {"frames": chunk})
        _send(run, "own", {"own": {str(step): said for step, said in own.items()}})
    return complete


def show_cloud(run: Run, *, live: bool) -> None:
    """The cloud, and below it the slider through the moments, with Play."""
    _stage(
        key=state.TRAIN_STAGE,
        data={"run": run.id, "part": "cloud", "live": live, "moment": asked_moment()},
        on_moment_change=_keep_moment,
    )


def show_side(run: Run) -> None:
    """What else belongs to the moment: filters, twelve guesses, the visitor's own drawing."""
    _stage(
        key="stage side",
        data={"run": run.id, "part": "side", "drawn": bool(current_strokes())},
    )


def has_frames(run: Run, status: RunStatus) -> bool:
    """Whether it has any, or will have: runs from before there were frames have none."""
    return bool(frames.recorded_steps(run.frames)) or status.state in LIVE


def is_complete(run: Run) -> bool:
    """Whether the browser has got all there is of a run that has ended."""
    steps, strokes = frames.recorded_steps(run.frames), current_strokes()
    return all(_Entry(run, step).is_ready(strokes) for step in steps)


def show_links(run: Run) -> None:
    """Further, with the network of the moment that is looked at."""
    step = state.TRAIN_MOMENT.get()
    model = run.id if step is None else f"{run.id}@{step}"
    when = "" if step is None else ", as it was then"
    with st.container(horizontal=True, height=ROW, border=False):
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
    _stage(key=f"stage {part}", data={"run": run.id, "part": part, **data})


class _Entry:
    """What the browser needs of one frame, made once for all visitors."""

    def __init__(self, run: Run, step: int) -> None:
        self._run, self._step = run, step
        self._known = _kept(str(run.path), step)

    def is_ready(self, strokes: list[Stroke]) -> bool:
        return "packed" in self._known and (not strokes or _name(strokes) in self._known)

    def packed(self, config: NetworkConfig) -> dict[str, Any] | None:
        if "packed" not in self._known:
            frame, packed = frames.read_frame(self._run.frames, self._step), None
            with contextlib.suppress(MnistError):  # images that cannot be had today
                test = train_and_test(self._run.config().dataset)[1]
                packed = _pack(frame.surveyed(config, test), test.labels) if frame else None
            self._known["packed"] = packed
        return self._known["packed"]

    def own(self, config: NetworkConfig, strokes: list[Stroke]) -> list[float] | None:
        """The ten probabilities of the visitor's drawing."""
        from mnistcore.drawing.rasterize import from_strokes

        name = _name(strokes)
        if name not in self._known:
            image, said = from_strokes(strokes), None
            if image is not None and (
                found := frames.answer(self._run.frames, self._step, config, image)
            ):
                said = [round(float(share), 4) for share in found.probabilities]
            for old in [key for key in self._known if key != "packed"][:-20]:
                del self._known[old]
            self._known[name] = said
        return self._known[name]


def _name(strokes: list[Stroke]) -> str:
    return str(hash(str(strokes)))


@st.cache_resource(show_spinner=False, max_entries=2_000)
def _kept(folder: str, step: int) -> dict[str, Any]:
    """Where an entry keeps what was made."""
    return {}


def _pack(frame: Frame, labels: Tensor) -> dict[str, Any] | None:
    """A frame as numbers for the browser; None if nobody can say what the network said."""
    if frame.probabilities is None:
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
        "right": round(float((said == labels[frame.test_indices]).float().mean()), 4),
        "filters": _base64((127 * filters / largest).round().to(dtype=_int8())),
        "shape": list(filters.shape),
        "changes": [float(f"{change:.3g}") for change in frame.changes],
        "silent": [] if frame.silent is None else [round(float(s), 3) for s in frame.silent],
    }


def _int8() -> Any:
    import torch

    return torch.int8


def _base64(values: Tensor) -> str:
    return base64.b64encode(values.contiguous().numpy().tobytes()).decode()


@st.cache_data(show_spinner=False, max_entries=4)
def _images(dataset: str | None) -> dict[str, Any]:
    """The test images of the cloud, in one picture, and their labels."""
    from mnistcore.training.trainer import spread_sample

    _, test = train_and_test(dataset)
    places = spread_sample(len(test), frames.N_SURVEYED)
    images = test.images[places]
    rows = -(-len(images) // _ACROSS)
    sheet = images.new_zeros(rows * _ACROSS, *images.shape[1:])
    sheet[: len(images)] = images
    tall = sheet.unflatten(0, (rows, _ACROSS)).transpose(1, 2).flatten(2).flatten(0, 1)
    return {
        "sprite": ink_uri(tall[None]),
        "across": _ACROSS,
        "rows": rows,
        "labels": test.labels[places].tolist(),
        "numbers": places.tolist(),
        "colors": list(theme.DIGIT_COLORS),
    }
