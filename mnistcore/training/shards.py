"""Data parallelism in one process: each thread learns from its shard of a batch.

An operator of networks this small leaves several threads little to share, and they wait for each
other after every one; a thread with images of its own waits once a batch. Gradients are added up in
the order of the shards, so that the same number of threads leads to the same weights.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy

import torch
from torch import Tensor, nn

_MIN_IMAGES = 16  # of a shard; with fewer, starting the operators takes longest
_WHOLE = (nn.BatchNorm1d, nn.BatchNorm2d, nn.Dropout)  # look at the whole batch, or draw lots

Loss = Callable[[Tensor, Tensor], Tensor]  # logits (n, 10), labels (n,) -> their mean loss
Learned = tuple[Tensor, tuple[Tensor, ...]]  # logits (n, 10), and a gradient for each weight


def can_be_sharded(network: nn.Module) -> bool:
    """Whether the shards' gradients add up to the batch's, and always to the same."""
    return not any(isinstance(layer, _WHOLE) for layer in network.modules())


class Shards:
    """Gradients of a network on the processor, by as many threads as this one may use.

    short: whether layers multiply in bfloat16, with copies of the weights, made anew for every
    batch: "Mixed precision training" (Micikevicius et al., 2018).
    """

    def __init__(self, network: nn.Module, batch_size: int, short: bool) -> None:
        is_much = any(isinstance(layer, nn.Conv2d) for layer in network.modules())
        threads = torch.get_num_threads() if is_much else 1
        self.count = max(1, min(threads, batch_size // _MIN_IMAGES))
        self._short = short
        self._network = deepcopy(network).to(torch.bfloat16) if short else network
        self._weights: list[Tensor] = list(network.parameters())
        self._copies: list[Tensor] = list(self._network.parameters())
        self._gradients = [torch.empty_like(weight) for weight in self._weights]
        self._others = ThreadPoolExecutor(
            max(1, self.count - 1), "shard", initializer=torch.set_num_threads, initargs=(1,)
        )

    @contextmanager
    def single_threaded(self) -> Iterator[None]:
        """Within it, this thread's operators ask no other for help; with one shard, as before."""
        threads = torch.get_num_threads()
        if self.count > 1:
            torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)

    def backward(self, mean_loss: Loss, images: Tensor, labels: Tensor) -> Tensor:
        """(n, 1, 28, 28), (n,) -> logits (n, 10); sets the gradients of the batch's mean loss."""
        if self._short:
            images = images.bfloat16()
            with torch.no_grad():
                torch._foreach_copy_(self._copies, self._weights)

        def learn(own_images: Tensor, own_labels: Tensor) -> Learned:
            logits = self._network(own_images).float()
            loss = mean_loss(logits, own_labels) * (len(own_images) / len(images))
            return logits.detach(), torch.autograd.grad(loss, self._copies)

        first, *rest = zip(*(all.tensor_split(self.count) for all in (images, labels)), strict=True)
        others = [self._others.submit(learn, *shard) for shard in rest]
        learned = [learn(*first), *(other.result() for other in others)]
        for number, (_, gradients) in enumerate(learned):
            add = torch._foreach_add_ if number else torch._foreach_copy_
            add(self._gradients, gradients)
        for weight, gradient in zip(self._weights, self._gradients, strict=True):
            weight.grad = gradient
        return torch.cat([logits for logits, _ in learned])
