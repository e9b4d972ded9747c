"""Workers that have torch loaded from the start: a fresh process would take seconds for each."""

import multiprocessing
import os
import sys
from multiprocessing.connection import Connection

from mnistcore.runs import worker

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(
    ["mnistcore.runs.lane", "mnistcore.runs.slow_motion", "sklearn.datasets", "torch._dynamo"]
)


class ForkedWorker:
    """A worker as the queue starts one, but for where its process comes from."""

    def __init__(self) -> None:
        theirs, ours = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(theirs,))
        process.start()
        theirs.close()
        self.pid, self.wait, self.poll = process.pid, process.join, lambda: process.exitcode
        self.stdin = os.fdopen(os.dup(ours.fileno()), "wb")
        ours.close()


def _work(line: Connection) -> None:
    os.dup2(line.fileno(), 0)
    sys.stdin = os.fdopen(0)
    os.setpriority = lambda *_: None  # type: ignore  # else others on this machine would hold it up
    worker._main()
