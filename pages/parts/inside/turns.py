"""Work of seconds on broken networks: for one visitor at a time, whoever leaves."""

import threading
from collections.abc import Callable
from typing import TypeVar

import torch

from mnistcore.errors import TrainingError
from pages.common.datasets import BackgroundTask, ReportProgress

T = TypeVar("T")
_TURN = threading.Lock()


def begin(do: Callable[[ReportProgress], T]) -> BackgroundTask[T]:
    """`do(report)`, begun at once; TrainingError while something else is being done."""

    def work(report: ReportProgress) -> T:
        torch.set_num_threads(1)
        try:
            return do(report)
        finally:
            _TURN.release()

    if not _TURN.acquire(blocking=False):
        raise TrainingError(
            "Another broken network is being worked on just now: try again in a few seconds."
        )
    return BackgroundTask(work, torch=True)
