"""Background tasks: done once for all visitors, in a thread of their own, with their progress."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

import streamlit as st

T = TypeVar("T")
ReportProgress = Callable[[float, float], None]  # done, and of how much


class BackgroundTask(Generic[T]):
    """`do(report)`, begun at once, whoever leaves; kept in a st.cache_resource, it is there once.

    It is broken off when the server ends, which torch at work does not bear.
    """

    def __init__(self, do: Callable[[ReportProgress], T]) -> None:
        self._result: Future[T] = Future()
        self._progress = (0.0, 0.0)
        threading.Thread(target=self._run, args=(do,), daemon=True).start()

    def _run(self, do: Callable[[ReportProgress], T]) -> None:
        try:
            self._result.set_result(do(self._report))
        except BaseException as error:
            self._result.set_exception(error)

    def _report(self, done: float, of: float) -> None:
        self._progress = (done, of)

    def ready(self, seconds: float = 0.0) -> bool:
        """Whether it is done, or will be in so many seconds."""
        return bool(wait([self._result], timeout=seconds).done)

    def result(self, news: Callable[[float, float], str]) -> T:
        """What came of it, or its error; whoever has to wait sees a bar with `news(done, of)`."""
        if not self.ready(seconds=0.3):
            bar = st.empty()
            while not self.ready(seconds=0.2):
                done, of = self._progress
                bar.progress(done / of if of else 0.0, news(done, of))
            bar.empty()
        return self._result.result()
