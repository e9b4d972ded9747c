"""Work in a thread of its own, run by Streamlit's own tester."""

import threading

import pytest
from streamlit.testing.v1 import AppTest

from pages.common.datasets import BackgroundTask, ReportProgress


def words(done: float, of: float) -> str:
    return f"{done:g} of {of:g}"


def page(work: BackgroundTask[str]) -> AppTest:
    def script() -> None:
        import streamlit as st

        st.write(st.session_state["work"].result(st.session_state["words"]))

    app = AppTest.from_function(script, default_timeout=10)
    app.session_state["work"], app.session_state["words"] = work, words
    return app


def test_all_who_wait_get_what_was_done_once() -> None:
    begun = []

    def do(report: ReportProgress) -> str:
        begun.append(threading.current_thread())
        return "a map"

    work = BackgroundTask(do)
    assert [page(work).run().markdown[0].value for _ in range(2)] == ["a map", "a map"]
    assert len(begun) == 1
    assert begun[0] is not threading.current_thread()


def test_whoever_has_to_wait_is_told_how_far_it_is() -> None:
    told, go_on = [], threading.Event()

    def do(report: ReportProgress) -> str:
        report(3, 4)
        go_on.wait(10)
        return "a map"

    def news(done: float, of: float) -> str:
        told.append((done, of))
        go_on.set()
        return words(done, of)

    assert BackgroundTask(do).result(news) == "a map"
    assert told[0] == (3, 4)


def test_an_error_reaches_whoever_waits() -> None:
    def do(report: ReportProgress) -> str:
        raise ValueError("no map")

    with pytest.raises(ValueError, match="no map"):
        BackgroundTask(do).result(words)
