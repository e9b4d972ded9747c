"""Distributed data parallelism (Li et al., 2020): several processes share every batch.

Each learns from its share of the images of a step, and gradients are averaged: the weights stay the
same in all, and are those of one process with whole batches, up to rounding. Augmentation and
dropout draw other random numbers in each, so that with these the loss agrees on average only.
Without torchrun, all of this leaves everything as it is.
"""

import contextlib
from collections.abc import Iterator
from datetime import timedelta

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.elastic.utils.store import barrier
from torch.nn.parallel import DistributedDataParallel

from mnistcore.training import torchrun

_TIMEOUT = timedelta(days=1)  # so long others wait while the first is paused, or in the queue


@contextlib.contextmanager
def process_group() -> Iterator[None]:
    """Within it, the processes that torchrun has started train together."""
    if not torchrun.launched():
        yield
        return
    if devices := torch.accelerator.device_count():  # each process takes one; not yet tried
        torch.accelerator.set_device_index(torchrun.rank(here=True) % devices)
    # With keys of its own, or it would find the addresses of processes that are gone.
    store = PrefixStore(f"mnistcore/attempt {torchrun.attempt()}", torchrun.store())
    rank, count = torchrun.rank(), torchrun.count_processes()
    dist.init_process_group(store=store, rank=rank, world_size=count, timeout=_TIMEOUT)
    try:
        yield
        # Who left at once would cut off what it has sent and another still reads.
        barrier(store, count, "leave", _TIMEOUT.total_seconds())
    finally:
        dist.destroy_process_group()


def _together() -> bool:
    return dist.is_initialized() and dist.get_world_size() > 1


def parallel(network: nn.Module) -> nn.Module:
    """`network`, such that its gradients are averaged over all processes."""
    return DistributedDataParallel(network) if _together() else network


def share(batch: Tensor) -> Tensor:
    """(n, ...) -> the part of this process, (n / processes, ...)."""
    return batch.chunk(dist.get_world_size())[dist.get_rank()] if _together() else batch


def gather(values: Tensor) -> Tensor:
    """The inverse of `share`: (n / processes, ...) of each process -> (n, ...) in all of them."""
    if not _together():
        return values
    parts = [torch.empty_like(values) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, values)
    return torch.cat(parts)


def agree(number: int) -> int:
    """The first process's number, in all of them; the others wait for it."""
    if not _together():
        return number
    told = torch.tensor(number)
    dist.broadcast(told, 0)
    return int(told)


def seed_apart(seed: int, step: int) -> None:
    """Give each process random numbers of its own for this step, the same if it is repeated."""
    if _together():
        torch.manual_seed(hash((seed, step, dist.get_rank())))
