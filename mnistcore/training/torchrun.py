"""torchrun: what it tells each process that it starts, and how these find the run that they train.

It starts all of them anew when one breaks off, so the id of their run is kept in its own key-value
store, which outlives them. Needs no torch until then.
"""

import os
from typing import Any

from mnistcore.config import TrainConfig
from mnistcore.errors import TrainingError

_KEY = "mnistcore/run"  # of the run's id, in the store


def launched() -> bool:
    """Whether torchrun has started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def rank(here: bool = False) -> int:
    """The place of this process among all that train together, or those on this machine."""
    return int(os.environ["LOCAL_RANK" if here else "RANK"]) if launched() else 0


def attempt() -> int:
    """How often torchrun has started all processes anew."""
    return int(os.environ["TORCHELASTIC_RESTART_COUNT"]) if launched() else 0


def is_first() -> bool:
    """Whether this process works on the run and speaks, and does not only train along."""
    return rank() == 0


def count_processes(here: bool = False) -> int:
    """How many train together; `here`, on this machine."""
    return int(os.environ["LOCAL_WORLD_SIZE" if here else "WORLD_SIZE"]) if launched() else 1


def check(config: TrainConfig, images: int = 60_000, twin: bool = False) -> None:
    """Refuse, with TrainingError in words, what these processes cannot train together."""
    batch, count = min(config.batch_size, config.train_size or images, images), count_processes()
    if launched() and twin:
        raise TrainingError("Twins are trained by one process: start them without torchrun.")
    if config.network.batch_norm and count > 1:
        raise TrainingError(
            "Batch normalisation compares the images of a step, and no process has them all: "
            "switch it off, or train without torchrun."
        )
    if batch % count:
        raise TrainingError(
            f"{batch} images per step cannot be shared evenly by {count} processes: use a batch "
            f"size of {batch - batch % count or count}."
        )


def recall_run() -> str | None:
    """The id that `remember_run` was told, for which all but the first process wait.

    None where there is none yet, or without torchrun.
    """
    if not launched() or (is_first() and not store().check([_KEY])):
        return None
    run_id: str = store().get(_KEY).decode()
    return run_id


def remember_run(run_id: str) -> None:
    """Tell the other processes, and those that will be started anew, which run they train."""
    if launched():
        store().set(_KEY, run_id)


def store() -> Any:
    """torchrun's key-value store, a torch.distributed.Store; keys of earlier attempts are in it."""
    from torch.distributed.rendezvous import rendezvous

    found, *_ = next(rendezvous("env://"))
    return found
