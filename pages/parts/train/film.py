"""Film: how a run learned, as an animated picture to take along, made once for all visitors."""

from __future__ import annotations

import threading

import streamlit as st

from mnistcore.errors import MnistError
from mnistcore.export.formats import FILM
from mnistcore.inspection import frames
from mnistcore.runs.store import Run
from pages.common.datasets import BackgroundTask, ReportProgress, train_and_test
from pages.common.text import escape_markdown

_ONE_AT_A_TIME = threading.Lock()


def show(run: Run) -> None:
    """A button that has it made once the run is over, a bar meanwhile, then the download."""
    if run.under_way():
        _ask(run, [], disabled=True)
        return
    kept = _films(str(run.path), *frames.recorded_steps(run.frames)[-1:])
    if not kept:
        _ask(run, kept)
    elif kept[0].ready():
        _hand_over(run, kept)
    else:
        with st.container(width=280):
            st.fragment(_wait, run_every=0.5)(kept[0])


def _ask(run: Run, kept: list[BackgroundTask[bytes]], disabled: bool = False) -> None:
    st.button(
        "Take the film along",
        icon=":material/movie:",
        help="How it learned, as an animated picture for chats and slides.",
        on_click=_begin,
        args=(run, kept, kept.copy()),
        disabled=disabled,
    )


def _begin(run: Run, kept: list[BackgroundTask[bytes]], seen: list[BackgroundTask[bytes]]) -> None:
    if kept == seen:  # somebody else may have been sooner
        kept[:] = [BackgroundTask(lambda report: _make(run, report), torch=True)]


def _wait(task: BackgroundTask[bytes]) -> None:
    if task.ready():
        st.rerun()
    st.progress(task.share(), "Making the film; you can go on meanwhile.")


def _hand_over(run: Run, kept: list[BackgroundTask[bytes]]) -> None:
    try:
        film = kept[0].result(lambda done, of: "")
    except MnistError as error:
        _ask(run, kept)  # it can be tried again
        st.caption(escape_markdown(error))
        return
    st.download_button(
        f"Download the film ({len(film) / 1e6:.1f} MB GIF)",
        film,
        FILM,
        "image/gif",
        icon=":material/download:",
        on_click="ignore",
    )


@st.cache_resource(show_spinner=False, max_entries=16)
def _films(folder: str, last_step: int = 0) -> list[BackgroundTask[bytes]]:
    """Where the film of a run is kept, be it asked for; a run that went on has another."""
    return []


def _make(run: Run, report: ReportProgress) -> bytes:
    from mnistcore.export.film import make_film

    with _ONE_AT_A_TIME:
        return make_film(run, train_and_test(run.config().dataset)[1], report)
