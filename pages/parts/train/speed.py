"""Speed of a training: full, in slow motion, or step by step; before and while it runs."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mnistcore.records import PaceKind, RunStatus
from mnistcore.runs import queue, slow_motion
from mnistcore.runs.store import Run
from pages.common import state
from pages.common.identity import visitor_token
from pages.parts.train.steering import attempt

_NAMES: dict[PaceKind, str] = {"full": "Full speed", "slow": "Slow", "step": "Step"}
_HELP = (
    "Slow: it learns from ten batches of images a second. Step: from one batch each time that you "
    "press Next batch. You see what it makes of them."
)


def row() -> DeltaGenerator:
    """The row below the cloud; whatever is in it, it has as much room (see app/frame.css)."""
    return st.container(horizontal=True, key="below the cloud")


def choose() -> None:
    """The speed with which the next run begins."""
    key = state.TRAIN_PACE
    st.segmented_control(
        "Speed",
        list(_NAMES),
        default=key.default,
        format_func=_NAMES.__getitem__,
        required=True,
        help=_HELP,
        **key.kept(),
    )


def begin(run: Run) -> None:
    """Let a new run of this visitor's go at the speed that was chosen for it."""
    if state.TRAIN_PACE.get() != "full":
        slow_motion.set_pace(run, state.TRAIN_PACE.get(), visitor_token())


def is_slow(run: Run) -> bool:
    """Whether it goes batch by batch."""
    return slow_motion.read_pace(run).kind != "full"


def show(run: Run, status: RunStatus) -> None:
    """The owner's choice while it runs, and Next batch."""
    key, kind = state.train_pace(run.id), slow_motion.read_pace(run).kind
    if not key.exists() or key.get() != kind:  # else it would take back a choice on its way here
        key.set(kind)
    mine = run.belongs_to(visitor_token())
    # From then on it stays enabled, also while a pause ends, so that it keeps the focus.
    begun = status.progress is not None or status.state in ("running", "paused")
    with row():
        st.segmented_control(
            "Speed",
            list(_NAMES),
            format_func=_NAMES.__getitem__,
            required=True,
            disabled=not mine,
            key=key,
            on_change=_set_pace,
            args=(run,),
            label_visibility="collapsed",
        )
        st.button(
            "Next batch",
            key="next batch",
            type="primary",
            icon=":material/skip_next:",
            disabled=not mine or kind != "step" or not begun,
            on_click=_next_batch,
            args=(run,),
        )


def _set_pace(run: Run) -> None:
    attempt(slow_motion.set_pace, run, state.train_pace(run.id).get(), visitor_token())


def _next_batch(run: Run) -> None:
    if run.status().state == "paused":  # it goes on by a batch, as step by step it does
        attempt(queue.resume, run, visitor_token())
    else:
        attempt(slow_motion.next_batch, run, visitor_token())
