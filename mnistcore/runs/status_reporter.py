"""Status reporter: keeps the status.json of a run true while a worker is at it."""

import contextlib
import os
import socket
import threading
import time
from dataclasses import replace
from typing import Any, Self

from mnistcore.records import Progress, State
from mnistcore.runs import store
from mnistcore.runs.store import HEARTBEAT_INTERVAL_S, Run


class StatusReporter:
    """What a worker says of a run; used as a context, with a heartbeat from a thread."""

    def __init__(self, run: Run, state: State) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._over = threading.Event()
        status = run.status()
        queued = status.queued or time.time()
        self.status = replace(status, pid=os.getpid(), host=socket.gethostname(), queued=queued)
        self._written = 0.0
        self.say(state)

    def __enter__(self) -> Self:
        threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        store.release_reserve(self._run)

    def say(self, state: State, message: str = "", **values: Any) -> None:
        """Write a new state, at once."""
        with self._lock:
            self.status = replace(self.status, state=state, message=message, **values)
            self._write(insist=state not in store.LIVE)

    def progress(self, progress: Progress) -> None:
        """Write the newest progress, some five times a second."""
        with self._lock:
            cleared: dict[str, Any] = {"predictions": (), "train_predictions": ()}
            shown = replace(progress, **cleared)
            if progress.test_accuracy is None and (last := self.status.progress):
                tested = ("test_loss", "test_accuracy", "test_count")  # the newest stay
                shown = replace(shown, **{name: getattr(last, name) for name in tested})
            self.status = replace(self.status, progress=shown)
            if progress.predictions:
                newest = {name: getattr(progress, name) for name in cleared}
                seen = progress.images
                self.status = replace(self.status, predictions_images=seen, **newest)
            if time.monotonic() - self._written > 0.2 or progress.step == progress.total_steps:
                self._write()

    def _beat(self) -> None:
        while not self._over.wait(HEARTBEAT_INTERVAL_S):
            with self._lock:
                if self._over.is_set():
                    return
                self._write()

    def _write(self, insist: bool = False) -> None:
        self.status = replace(self.status, heartbeat=time.time())
        self._written = time.monotonic()
        if insist:
            store.write_final_status(self._run, **vars(self.status))
            return
        # A full disk must not end a run that only wanted to say that it lives.
        with contextlib.suppress(OSError):
            store.write_record(self._run.path / "status.json", self.status)
