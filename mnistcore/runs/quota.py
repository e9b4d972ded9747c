"""Disk quotas: how much room visitors' runs may take, and which of them go.

Whenever a visitor's run is created, room is made for it among the visitor's own runs, those from
the visitor's address and those of all visitors. Of runs that have ended, the oldest go first: at
first only their checkpoints and frames, and if that is not enough the runs. Runs under way stay,
and those of the command line are the machine's owner's: nobody's quota touches them.
"""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from mnistcore.records import Creator

# In bytes. A finished run takes 0.2 to 40 MB, one that was stopped up to three times as much.
BYTES_PER_OWNER = 300e6
BYTES_PER_ADDRESS = 3 * BYTES_PER_OWNER  # a new cookie makes a new visitor, but not a new address
BYTES_IN_ALL = 10 * BYTES_PER_OWNER


class Run(Protocol):
    """What a quota has to know of a run, and may do to it."""

    @property
    def path(self) -> Path: ...  # noqa: D102
    def maker(self) -> Creator: ...  # noqa: D102
    def under_way(self) -> bool: ...  # noqa: D102
    def forget_training(self) -> None: ...  # noqa: D102
    def remove(self) -> None: ...  # noqa: D102


def make_room(known: Sequence[Run], maker: Creator) -> None:
    """Let old runs go for a new one of `maker`. known: all runs, newest first."""
    visitors = [(run, by) for run in known if (by := run.maker()).owner]
    _trim([run for run, by in visitors if by.owner == maker.owner], BYTES_PER_OWNER)
    if maker.address:
        _trim([run for run, by in visitors if by.address == maker.address], BYTES_PER_ADDRESS)
    _trim([run for run, _ in visitors], BYTES_IN_ALL)


def _trim(some: Sequence[Run], most: float) -> None:
    over = sum(folder_size(run.path) for run in some) - most
    ended = [run for run in reversed(some) if not run.under_way()]
    steps = [(run, run.forget_training) for run in ended] + [(run, run.remove) for run in ended]
    for run, let_go in steps:
        if over > 0:
            before = folder_size(run.path)
            with contextlib.suppress(OSError):  # what cannot go stays
                let_go()
            over -= before - folder_size(run.path)


def folder_size(folder: Path) -> int:
    """Bytes of the files in a folder; 0 if there is none, or none that may be looked at."""
    try:
        with os.scandir(folder) as entries:
            return sum(
                folder_size(Path(entry))
                if entry.is_dir(follow_symlinks=False)
                else entry.stat(follow_symlinks=False).st_size
                for entry in entries
            )
    except OSError:
        return 0
