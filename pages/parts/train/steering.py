"""Steering: what the owner of a run can tell it to do, and what is said when that cannot be."""

from collections.abc import Callable
from typing import cast

import streamlit as st

from mnistcore.errors import MnistError, RunError
from mnistcore.records import RunStatus
from mnistcore.runs import queue, slow_motion
from mnistcore.runs.store import RESUMABLE, Run
from pages.common import links, state
from pages.common.identity import visitor_token
from pages.common.text import escape_markdown
from pages.common.widgets import announce

_WIDTH = 130  # pixels of a button, so that none moves when it comes or goes


def show(run: Run, status: RunStatus, on_another: Callable[[], None]) -> None:
    """Pause, go on and stop, for the owner, or see the run that is waited for; when nothing is left
    to stop, train another. And why the last thing asked for cannot be."""
    if not run.belongs_to(visitor_token()):
        st.caption("Somebody else started this run: you can watch it, and draw with it.")
        _offer_another(on_another)
        return
    under_way = run.under_way()
    announce(_in_words(run, status), "steering")
    with st.container(horizontal=True):
        if status.state in RESUMABLE:
            label = "Go on" if status.state == "paused" else "Resume"
            _button(label, "play_arrow", queue.resume, run, visitor_token(), key="steer")
        elif ahead := queue.runs_at_work(run.path.parent) if status.state == "queued" else []:
            if st.button("See it", icon=":material/visibility:", width=_WIDTH):
                links.train(run=ahead[0].id).go()
        elif under_way:
            _button("Pause", "pause", _pause, run, key="steer")
        if under_way:
            _button("Stop", "stop", run.send, "stop", visitor_token())
        else:
            _offer_another(on_another)
            st.empty()  # where Stop was, so that it goes at once
    if refused := state.TRAIN_STEERING_REFUSED.pop():
        st.error(refused)


def _in_words(run: Run, status: RunStatus) -> str:
    """How it stands, and step by step what came of the newest batch."""
    told = {"queued": "Waiting", "running": "Learning"}.get(status.state, status.state.capitalize())
    batch = slow_motion.last_batch(run) if slow_motion.read_pace(run).kind == "step" else None
    if status.state == "running" and batch:
        right = f"{batch.right} of {batch.count} right, loss {batch.loss:.2f}"
        return f"{told}. Batch {batch.step:,}: {right}."
    return told


def _offer_another(on_another: Callable[[], None]) -> None:
    if st.button("Train another", icon=":material/add:"):
        on_another()
        st.rerun()  # all of the page


def _pause(run: Run) -> None:
    if run.status().state == "queued":  # the button is not disabled: that would take the focus
        raise RunError("It is not running yet: press Pause when it does.")
    run.send("pause", visitor_token())


def _button(
    label: str, icon: str, act: Callable[..., object], *values: object, key: str = ""
) -> None:
    """A button; key: one for all labels that a button has in turn, so that it keeps the focus."""
    st.button(
        label,
        icon=f":material/{icon}:",
        key=key or f"steer {label}",
        on_click=cast(Callable[..., None], attempt),
        args=(act, *values),
        width=_WIDTH,
    )


def attempt(act: Callable[..., object], *values: object) -> bool:
    """Do it before the page is drawn anew; False if it cannot be done, and the panel says why."""
    try:
        act(*values)
    except MnistError as error:
        state.TRAIN_STEERING_REFUSED.set(escape_markdown(error))
        return False
    return True
