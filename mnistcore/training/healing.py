"""Healing: a damaged network is fine-tuned for a few seconds on the training images.

What is left takes over some of the work of what is gone, as when a network is pruned and then
fine-tuned (Han et al., 2015; Molchanov et al., 2017).
"""

import copy
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from mnistcore.config import count_mult_adds
from mnistcore.data.digits import Digits, to_model_input
from mnistcore.errors import DivergenceError
from mnistcore.models.network import Network

N_STEPS = 150
BATCH_SIZE = 64
LEARNING_RATE = 3e-3
_MAX_MULT_ADDS = 2e11  # for which slow networks take fewer steps: some 15 s of a thread


class Healed(NamedTuple):
    """What came of it."""

    network: Network
    images: int  # that it learned from, repeats included


def heal(
    damaged: Network,
    train: Digits,
    on_progress: Callable[[float], None] = lambda share: None,
    seed: int = 1,
) -> Healed:
    """A copy of `damaged` that has learned from training images; raises DivergenceError.

    Units that `ablate` has switched off stay off. Batch normalisation takes its averages anew, for
    what it is given has changed. There is no dropout, and no clock: the same seed ends in the same
    weights.

    on_progress: called after every step with the share that is done, 0 to 1.
    """
    learner = copy.deepcopy(damaged)
    for module in learner.modules():
        module.train(isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d))
    optimizer = torch.optim.Adam(learner.parameters(), LEARNING_RATE, fused=True)
    generator = torch.Generator().manual_seed(seed)
    affordable = int(_MAX_MULT_ADDS / (BATCH_SIZE * count_mult_adds(damaged.config)))
    steps = min(N_STEPS, max(1, affordable))
    for step in range(steps):
        chosen = torch.randint(len(train), (BATCH_SIZE,), generator=generator)
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * (1 - step / steps)
        logits = learner(to_model_input(train.images[chosen]))
        loss = functional.cross_entropy(logits, train.labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        on_progress((step + 1) / steps)
    if not all(bool(weights.isfinite().all()) for weights in learner.state_dict().values()):
        raise DivergenceError("Its weights ran away while it healed: mend some of it first.")
    return Healed(learner.eval(), steps * BATCH_SIZE)
