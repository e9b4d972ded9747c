"""Adversarial examples: the smallest change of an image that makes a network read another digit."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from mnistcore.models.network import Network, as_batch, eval_mode

EPSILONS = tuple(percent / 100 for percent in range(2, 52, 2))
MAX_PIXELS = 60
N_STEPS = 20  # of `pgd`: twice as many succeed as often
N_CANDIDATES = 32  # pixels tried out at each step of `greedy_pixels`
MAX_SECONDS = 4.0  # a whole attack; the app's network takes a tenth


@dataclass(frozen=True)
class Attack:
    """What an attack made of one image at rising strengths, and how it is read."""

    target: int
    strengths: tuple[float, ...]  # n of them: epsilon, or the number of changed pixels
    images: Tensor  # (n, 28, 28) float32 in [0, 1]
    probabilities: Tensor  # (n, 10)
    complete: bool = True  # False where MAX_SECONDS came first

    def smallest(self) -> int | None:
        """The place of the least strength at which the target is read, or None."""
        hits = (self.probabilities.argmax(1) == self.target).nonzero()
        return int(hits[0]) if len(hits) else None


def fgsm(network: Network, image: Tensor, target: int) -> Attack:
    """The fast gradient sign method, one step towards `target` (Goodfellow et al. 2015).

    image: (28, 28) float32 in [0, 1]. No pixel changes by more than epsilon (L-infinity), one of
    EPSILONS for each result.
    """
    epsilons = torch.tensor(EPSILONS).reshape(-1, 1, 1)
    step = _loss_gradient(network, image[None], target).sign()
    return _read(network, (image - epsilons * step).clamp(0, 1), EPSILONS, target)


def pgd(network: Network, image: Tensor, target: int) -> Attack:
    """The same in many small steps: projected gradient descent, without a random start.

    Kurakin et al. 2017 (basic iterative method), Madry et al. 2018. All EPSILONS at once, as one
    batch. After MAX_SECONDS it is left at the step where it is.
    """
    epsilons = torch.tensor(EPSILONS).reshape(-1, 1, 1)
    low, high = (image - epsilons).clamp(min=0), (image + epsilons).clamp(max=1)
    images, taken = image.expand(len(EPSILONS), -1, -1), 0
    for _ in _until_deadline(N_STEPS):
        step = _loss_gradient(network, images, target).sign()
        images = (images - 2.5 / N_STEPS * epsilons * step).clamp(low, high)
        taken += 1
    return _read(network, images, EPSILONS, target, complete=taken == N_STEPS)


def greedy_pixels(network: Network, image: Tensor, target: int) -> Attack:
    """As few pixels as it can, each to full ink or none (L0), one after the other.

    After the saliency map of Papernot et al. 2016, in a greedy variant: the gradient names the
    N_CANDIDATES most promising pixels, all are tried, and the one that brings `target` furthest
    ahead of the next digit stays. The n-th result has n changed pixels, MAX_PIXELS at most, and
    fewer if that takes longer than MAX_SECONDS.
    """
    flat, found = image.flatten(), []
    untouched = torch.ones(len(flat), dtype=torch.bool)
    for _ in _until_deadline(MAX_PIXELS):
        wish = -_loss_gradient(network, flat.reshape(1, 28, 28), target).flatten()
        opposite = (wish > 0).float()
        gain = (wish * (opposite - flat)).masked_fill(~untouched, -1)
        places = gain.topk(N_CANDIDATES).indices
        tried = flat.repeat(N_CANDIDATES, 1)
        tried[torch.arange(N_CANDIDATES), places] = opposite[places]
        best = int(_lead(_logits(network, tried.reshape(-1, 28, 28)), target).argmax())
        flat = tried[best]
        untouched[places[best]] = False
        found.append(flat.reshape(28, 28))
    strengths, complete = tuple(range(1, len(found) + 1)), len(found) == MAX_PIXELS
    return _read(network, torch.stack(found), strengths, target, complete=complete)


def nearest_digit(network: Network, image: Tensor) -> int:
    """The other digit to which the way seems shortest (Moosavi-Dezfooli et al. 2016, DeepFool).

    image: (28, 28) float32 in [0, 1]. By a linear estimate: how far it is behind the answer, over
    how fast that can change where no pixel changes more than another (L-infinity).
    """
    batch = as_batch(image.detach()[None], network).requires_grad_()
    with eval_mode(network):
        logits = network(batch)[0]
    answer = int(logits.argmax())
    ways = {}
    for digit in range(10):
        if digit != answer:
            gap = logits[answer] - logits[digit]
            (gradient,) = torch.autograd.grad(gap, batch, retain_graph=True)
            ways[digit] = float(gap.detach()) / max(float(gradient.abs().sum()), 1e-12)
    return min(ways, key=ways.__getitem__)


ATTACKS: dict[str, Callable[[Network, Tensor, int], Attack]] = {
    "Few pixels": greedy_pixels,
    "One step": fgsm,
    "Many steps": pgd,
}


def _until_deadline(steps: int) -> Iterator[int]:
    """0, 1, ... as far as time allows, the first in any case."""
    deadline = time.monotonic() + MAX_SECONDS
    for step in range(steps):
        yield step
        if time.monotonic() > deadline:
            return


def _read(
    network: Network,
    images: Tensor,
    strengths: tuple[float, ...],
    target: int,
    *,
    complete: bool = True,
) -> Attack:
    probabilities = _logits(network, images).softmax(1)
    return Attack(target, strengths, images, probabilities, complete)


@torch.no_grad()
def _logits(network: Network, images: Tensor) -> Tensor:
    with eval_mode(network):
        logits: Tensor = network(as_batch(images, network))
    return logits.nan_to_num().cpu()


def _lead(logits: Tensor, target: int) -> Tensor:
    """(n, 10) -> (n,): how far the target is ahead of the next digit."""
    others = logits.clone()
    others[:, target] = -torch.inf
    return logits[:, target] - others.amax(1)


def _loss_gradient(network: Network, images: Tensor, target: int) -> Tensor:
    """The cross-entropy loss towards `target` by each pixel, (n, 28, 28); no weight's gradient."""
    batch = as_batch(images.detach(), network).requires_grad_()
    with eval_mode(network):
        logits = network(batch)
    wanted = torch.full((len(batch),), target, device=batch.device)
    loss = functional.cross_entropy(logits, wanted, reduction="sum")
    (gradient,) = torch.autograd.grad(loss, batch)
    return gradient[:, 0].cpu()
