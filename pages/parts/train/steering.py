"""Steering: what the owner of a run can tell it to do, and what is said when that cannot be."""

from collections.abc import Callable
from typing import cast

import streamlit as st

from mnistcore.errors import MnistError
from mnistcore.records import RunStatus
from mnistcore.runs import queue
from mnistcore.runs.store import RESUMABLE, Run
from pages.common import links, state
from pages.common.identity import visitor_token
from pages.common.text import escape_markdown


def show(run: Run, status: RunStatus) -> None:
    """Pause, go on, stop, for the owner, or see the run that is waited for; and why the last thing
    asked for cannot be."""
    if not run.belongs_to(visitor_token()):
        st.caption("Somebody else started this run: you can watch it, and draw with it.")
        return
    with st.container(horizontal=True):
        if status.state in RESUMABLE:
            label = "Go on" if status.state == "paused" else "Resume"
            _button(label, "play_arrow", queue.resume, run, visitor_token())
        elif ahead := queue.runs_at_work(run.path.parent) if status.state == "queued" else []:
            if st.button("See it", icon=":material/visibility:", width=130):
                links.train(run=ahead[0].id).go()
        else:
            idle = status.state != "running"
            _button("Pause", "pause", run.send, "pause", visitor_token(), disabled=idle)
        over = not run.under_way()
        _button("Stop", "stop", run.send, "stop", visitor_token(), disabled=over)
    if refused := state.TRAIN_STEERING_REFUSED.pop():
        st.error(refused)


def _button(
    label: str, icon: str, act: Callable[..., object], *values: object, disabled: bool = False
) -> None:
    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"steer {label}",
        on_click=cast(Callable[..., None], attempt),
        args=(act, *values),
        disabled=disabled,
        width=130,
    )


def attempt(act: Callable[..., object], *values: object) -> bool:
    """Do it before the page is drawn anew; False if it cannot be done, and the panel says why."""
    try:
        act(*values)
    except MnistError as error:
        state.TRAIN_STEERING_REFUSED.set(escape_markdown(error))
        return False
    return True
