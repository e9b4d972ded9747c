"""Which network reads: the choice among them, and the loaded ones, shared by all visitors."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from mnistcore.errors import ModelError, RunError
from mnistcore.presets import PRESETS
from mnistcore.runs import store
from pages.common import state
from pages.common.identity import visitor_token

if TYPE_CHECKING:  # torch takes seconds to import, and the page can be there before
    from mnistcore.evaluation.provenance import TrainingProvenance
    from mnistcore.models.registry import Model

_SHIPPED = "shipped"


class Snapshot(NamedTuple):
    """A network as it was at one time; all that is found out about it goes by `stamp`."""

    model: Model
    learned: TrainingProvenance
    stamp: int  # when its weights were written


def selected_model() -> str:
    """The name of the network that this visitor chose: here, by a link (?model=), or not at all."""
    which = state.MODEL.get() or state.MODEL.asked() or _SHIPPED
    try:
        if which != _SHIPPED:
            run_by_id(which)
        state.MODEL.set(which)
    except RunError:
        st.toast("That network is no longer there: the app's network reads instead.")
        state.MODEL.set(_SHIPPED)
    return state.MODEL.get()


def run_by_id(name: str) -> store.Run:
    """The run with this id; by its name nobody finds it here: names can be guessed."""
    found = store.find_run(name)
    if found.id != store.split_moment(name)[0]:
        raise RunError("There is no run with this id.")
    return found


def preset_id(which: str) -> str:
    """The preset that a network's training began from, or the first one."""
    name = None
    with suppress(RunError):
        name = None if which == _SHIPPED else store.find_run(which).config().preset
    return name if name in PRESETS else next(iter(PRESETS))


def is_listed(run: store.Run) -> bool:
    """Whether this visitor finds a run in lists: all but what somebody else taught by hand."""
    return not (run.path / store.DRAWINGS_FILE).is_file() or run.belongs_to(visitor_token())


def model_titles() -> dict[str, str]:
    """What can be chosen, by name, newest first; no two titles are the same."""
    from mnistcore.models.registry import list_models

    folder = store.runs_folder()
    known = {
        name: title
        for name, title in list_models()
        if name in (_SHIPPED, state.MODEL.get()) or is_listed(store.Run(folder / name))
    }
    often = Counter(known.values())
    for name, title in known.items():
        if often[title] > 1:
            known[name] = f"{title}, {name}"
    return known


def model_selectbox() -> None:
    """A box with the shipped network and every run that has learned something, newest first."""
    which, known = selected_model(), model_titles()
    run_id, step = store.split_moment(which)
    known.setdefault(which, f"{which} (has only just begun)")
    if step is not None:
        known[which] = f"{store.find_run(run_id).name}, after {step:,} updates"
    st.selectbox(
        "Network that reads",
        list(known),
        format_func=lambda name: known.get(name, name),
        help="Every run of the Train page can read, even while it is still learning.",
        **state.MODEL.kept(),
    )
    state.MODEL.tell(None if which == _SHIPPED else which)


def training_progress(which: str) -> str | None:
    """How far the training of this network is, in a sentence; None if none is at work on it."""
    with suppress(RunError):
        is_run = which != _SHIPPED and store.split_moment(which)[1] is None
        status = store.find_run(which).status() if is_run else None
        if status and status.state in store.LIVE:
            images = status.progress.images if status.progress else 0
            return f"It is still learning: {images:,} images seen so far."
    return None


def snapshot(which: str) -> Snapshot:
    """The network by this name; while it is learning, as it was when it was first asked for.

    What is shown does not change underfoot: `refresh_button` takes its newest weights. Raises
    MnistError if it cannot be had.
    """
    stamps = state.SNAPSHOTS.get()
    if which not in stamps or training_progress(which) is None:
        state.SNAPSHOTS.set(stamps := {**stamps, which: weights_mtime_ns(which)})
    stamp = stamps[which]
    learned = _learned(which, stamp)  # first: later weights have learned from these images, too
    return Snapshot(_load(which, stamp), learned, stamp)


def refresh_button(which: str, label: str) -> None:
    """While a network is learning: how far it is, and a button for its newest weights."""
    if news := training_progress(which):
        st.caption(f"{news} What you see here is from before that.")
        st.button(
            label,
            key=f"renew {which}",
            icon=":material/refresh:",
            on_click=lambda: state.SNAPSHOTS.set(
                {name: stamp for name, stamp in state.SNAPSHOTS.get().items() if name != which}
            ),
        )


def latest_model(which: str) -> Model:
    """The network by this name with its newest weights, never to be changed; or MnistError."""
    return _load(which, weights_mtime_ns(which))


def weights_mtime_ns(which: str) -> int:
    """When the newest weights of a network were written, in nanoseconds."""
    from mnistcore.models.registry import weights_path

    try:
        return weights_path(which).stat().st_mtime_ns
    except OSError as error:  # its run was deleted this very moment
        raise ModelError("This network is no longer there: choose another.") from error


@st.cache_resource(show_spinner=False, max_entries=32)
def _learned(which: str, stamp: int) -> TrainingProvenance:
    from mnistcore.evaluation.provenance import training_provenance

    return training_provenance(which)


def _load(which: str, stamp: int) -> Model:
    import torch

    # One picture is too little to share among processors. This holds for the thread that says it,
    # and every run of a page is a thread of its own: without it, reading takes 25 ms, not 1.
    torch.set_num_threads(1)
    return _loaded(which, stamp)


@st.cache_resource(show_spinner=False, max_entries=32)
def _loaded(which: str, stamp: int) -> Model:
    from mnistcore.models.registry import load_model

    return load_model(which)
