"""Speed of a training: full, in slow motion, or step by step; before and while it runs."""

import streamlit as st

from mnistcore.records import PaceKind, RunStatus
from mnistcore.runs import slow_motion
from mnistcore.runs.store import Run
from pages.common import state
from pages.common.identity import visitor_token
from pages.parts.train.steering import attempt

_NAMES: dict[PaceKind, str] = {"full": "Full speed", "slow": "Slow", "step": "Step"}
ROW = 56  # pixels of the row below the cloud, whatever is in it
_HELP = (
    "Slow: it learns from ten batches of images a second. Step: from one batch each time that you "
    "press Next batch. You see what it makes of them."
)


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
    if not key.exists() or key.get() != kind:  # to send it anew would take back a newer choice
        key.set(kind)
    mine = run.belongs_to(visitor_token())

    def choose() -> None:
        attempt(slow_motion.set_pace, run, key.get(), visitor_token())

    def press() -> None:
        attempt(slow_motion.next_batch, run, visitor_token())

    with st.container(horizontal=True, height=ROW, border=False):
        st.segmented_control(
            "Speed",
            list(_NAMES),
            format_func=_NAMES.__getitem__,
            required=True,
            disabled=not mine,
            key=key,
            on_change=choose,
            label_visibility="collapsed",
        )
        st.button(
            "Next batch",
            key="next batch",
            type="primary",
            icon=":material/skip_next:",
            disabled=not mine or kind != "step" or status.state != "running",
            on_click=press,
        )
