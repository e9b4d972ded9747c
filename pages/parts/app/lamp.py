"""Lamp: on every page, whether the network in use is learning now; pressed, it says what of."""

import streamlit as st

from mnistcore.errors import MnistError
from mnistcore.runs.store import AT_WORK, LIVE, Run, find_run, split_moment
from pages.common import state
from pages.common.tiles import component

_pill = component(
    __file__, "<button type='button'><i></i><b>Network</b><span></span></button><p></p>"
)
_RESTING = "not learning now"


def show(page: str) -> None:
    """The lamp of the network that this page, by its title, is about."""
    name = (page == "Train" and state.TRAIN_RUN.get()) or state.MODEL.get()
    try:
        run = find_run(name) if name not in ("", "shipped") else None
    except MnistError:
        run = None
    moment = split_moment(name)[1] is not None
    live = run is not None and not moment and run.status().state in LIVE
    every = None if run is None or moment else 1.0 if live else 5.0
    st.fragment(_lamp, run_every=every)(run, moment, live)


def _lamp(run: Run | None, moment: bool, live: bool) -> None:
    if run and not moment and (run.status().state in LIVE) != live:
        st.rerun()
    learning, words, about = describe(run, moment)
    _pill(key="lamp", data={"learning": learning, "words": words, "about": about})


def describe(run: Run | None, moment: bool = False) -> tuple[bool, str, str]:
    """Whether it learns this moment, the lamp's words, and a sentence that says what they mean.

    run: whose network it is, None for the one that comes with the app; moment: as it was once.
    """
    name = f"“{run.name}”" if run else "The app's network"
    status = run.status() if run and not moment else None
    if status is None or status.state not in (*AT_WORK, "queued", "paused"):
        about = f"{name} stays as it is: it learns nothing from what you show or draw."
        return False, _RESTING, about
    progress = status.progress
    steps = f"{progress.step:,} updates" if progress and progress.step else "no updates yet"
    if status.state == "running":
        about = f"{name} learns now: each batch of images changes its weights."
        return True, f"learning: {steps}", about
    words, what = {
        "testing": (_RESTING, "being tested"),
        "paused": (f"paused: {steps}", "paused"),
    }.get(status.state, ("will learn soon", "about to learn"))
    return False, words, f"{name} is {what}: its weights stand still."
