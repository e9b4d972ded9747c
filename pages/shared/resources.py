"""What all visitors share, loaded once and never changed: the digits."""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:  # torch takes seconds to import, and the first page does without
    from mnistcore.data import Digits, Loaded


@dataclass
class _Loading:
    """The digits on their way into memory, in a thread of their own."""

    result: Future[Loaded] = field(default_factory=Future)
    progress: tuple[int, int] = (0, 0)  # bytes downloaded, bytes in all

    def run(self) -> None:
        try:
            from mnistcore.data import load_or_fall_back

            self.result.set_result(load_or_fall_back(on_progress=self.report))
        except BaseException as error:
            self.result.set_exception(error)

    def report(self, done: int, total: int) -> None:
        self.progress = (done, total)


_begun = threading.Event()


@st.cache_resource(show_spinner=False)
def _loading() -> _Loading:
    _begun.set()
    loading = _Loading()
    threading.Thread(target=loading.run, daemon=True, name="digits").start()
    return loading


def warm() -> None:
    """Begin to load torch and the digits, and do not wait for them."""
    _loading()


def ready() -> bool:
    """Whether torch and the digits are there already; to ask does not begin to load them."""
    return _begun.is_set() and _ready(_loading(), seconds=0)


def digits() -> Loaded:
    """`train, test, notice = digits()`: MNIST, or what there is instead.

    All visitors share them, so nobody may change them. Whoever has to wait sees how far they are.
    """
    loading = _loading()
    if not _ready(loading, seconds=0.3):
        news = st.empty()
        while not _ready(loading, seconds=0.2):
            done, total = loading.progress
            share = done / total if total else 0.0
            amount = f": {done / 1e6:.1f} of {total / 1e6:.1f} MB" if total else " ..."
            news.progress(share, f"Fetching handwritten digits{amount}")
        news.empty()
    if loading.result.exception():
        _loading.clear()  # so that the next visitor gets another try
    return loading.result.result()


def _ready(loading: _Loading, seconds: float) -> bool:
    return bool(wait([loading.result], timeout=seconds).done)


def show_notice() -> None:
    """If these are not the real MNIST digits, say so, with a way to try again."""
    notice = digits().notice
    if notice:
        st.warning(notice, icon=":material/cloud_off:")
        if st.button("Try again", icon=":material/refresh:", key="try_the_download_again"):
            _loading.clear()
            st.rerun()


def test_images(dataset: str | None) -> Digits:
    """The test images that a run was judged on, also if it was another dataset than today's."""
    test = digits().test
    return test if dataset in (None, test.dataset) else parts(dataset)[1]


@st.cache_resource(show_spinner=False)
def parts(dataset: str) -> tuple[Digits, Digits]:
    """The training and the test images of a dataset by its name, whichever is today's."""
    from mnistcore.data import load

    return load(dataset)
