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
            "Something is still being measured or healed, perhaps your own bet: try again in a few "
            "seconds."
        )
    try:
        return BackgroundTask(work, torch=True)
    except RuntimeError as error:  # there is no thread left
        _TURN.release()
        raise TrainingError("The machine is too busy for it: try again in a minute.") from error
