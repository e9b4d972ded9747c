"""What all visitors share, loaded once and never changed: the digits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Generic, TypeVar

import streamlit as st

from mnistcore.errors import DataError
from pages.common.text import escape_markdown

if TYPE_CHECKING:  # torch takes seconds to import, and the first page does without
    from mnistcore.data.digits import Digits
    from mnistcore.data.loading import LoadedDataset

T = TypeVar("T")
ReportProgress = Callable[[float, float], None]  # done, and of how much


class BackgroundTask(Generic[T]):
    """`do(report)`, begun at once, whoever leaves; kept in a st.cache_resource, it is there once.

    It is broken off when the server ends, which torch at work does not bear: with `torch`, the
    server waits until it next reports.
    """

    def __init__(self, do: Callable[[ReportProgress], T], *, torch: bool = False) -> None:
        self._result: Future[T] = Future()
        self._progress = (0.0, 0.0)
        threading.Thread(target=self._run, args=(do,), daemon=not torch).start()

    def _run(self, do: Callable[[ReportProgress], T]) -> None:
        try:
            self._result.set_result(do(self._report))
        except BaseException as error:
            self._result.set_exception(error)

    def _report(self, done: float, of: float) -> None:
        self._progress = (done, of)
        if not threading.main_thread().is_alive():
            raise SystemExit

    def share(self) -> float:
        """How much of it is done, 0 to 1."""
        done, of = self._progress
        return min(done / of, 1.0) if of else 0.0

    def ready(self, seconds: float = 0.0) -> bool:
        """Whether it is done, or will be in so many seconds."""
        return bool(wait([self._result], timeout=seconds).done)

    def result(self, news: Callable[[float, float], str]) -> T:
        """What came of it, or its error; whoever has to wait sees a bar with `news(done, of)`."""
        if not self.ready(seconds=0.3):
            bar = st.empty()
            while not self.ready(seconds=0.2):
                done, of = self._progress
                bar.progress(self.share(), news(done, of))
            bar.empty()
        return self._result.result()


_begun = threading.Event()


@st.cache_resource(show_spinner=False)
def _loading() -> BackgroundTask[LoadedDataset]:
    def load(report: ReportProgress) -> LoadedDataset:
        from mnistcore.data.loading import load_or_fall_back

        return load_or_fall_back(on_progress=report)

    _begun.set()
    return BackgroundTask(load)


def start_loading() -> None:
    """Begin to load torch and the digits, and do not wait for them."""
    _loading()


def is_loaded() -> bool:
    """Whether torch and the digits are there already; to ask does not begin to load them."""
    return _begun.is_set() and _loading().ready()


def shared_dataset() -> LoadedDataset:
    """`train, test, notice`: MNIST or what there is instead, shared by all, never to be changed."""
    try:
        return _loading().result(_news)
    except Exception:
        _loading.clear()  # so that the next visitor gets another try
        raise


def _news(done: float, of: float) -> str:
    amount = f": {done / 1e6:.1f} of {of / 1e6:.1f} MB" if of else " ..."
    return f"Fetching handwritten digits{amount}"


def show_fallback_notice() -> None:
    """If these are not the real MNIST digits, say so, with a way to try again."""
    notice = shared_dataset().notice
    if notice:
        st.warning(escape_markdown(notice), icon=":material/cloud_off:")
        if st.button("Try again", icon=":material/refresh:", key="try_the_download_again"):
            _loading.clear()
            st.rerun()


def train_and_test(dataset: str | None) -> tuple[Digits, Digits]:
    """The images of a dataset, also if it is not today's; DataError if it cannot be had."""
    loaded = shared_dataset()
    if dataset in (None, loaded.test.dataset):
        return loaded.train, loaded.test
    if loaded.notice and dataset != "digits":  # to try again takes long, and has its own button
        raise DataError(loaded.notice)
    return dataset_by_name(dataset)


@st.cache_resource(show_spinner=False)
def dataset_by_name(dataset: str) -> tuple[Digits, Digits]:
    """The training and the test images of a dataset by its name, whichever is today's."""
    from mnistcore.data.loading import load_dataset

    return load_dataset(dataset)
