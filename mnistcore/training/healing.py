"""Healing: a damaged network is fine-tuned for a few seconds on the training images.

What is cut away is partly made up for by what is left, as when a network is pruned and fine-tuned
(Han et al., 2015; Molchanov et al., 2017).
"""

import copy
import time
from collections.abc import Generator

import torch
from torch import nn
from torch.nn import functional

from mnistcore.data.digits import Digits, to_model_input
from mnistcore.errors import DivergenceError
from mnistcore.models.network import Network

N_STEPS = 150
BATCH_SIZE = 64
LEARNING_RATE = 3e-3
MAX_SECONDS = 8.0  # after which it ends with what it has learned; most networks need three


def heal(damaged: Network, train: Digits, seed: int = 1) -> Generator[float, None, Network]:
    """Let a copy of `damaged` learn from training images; yields the share done, 0 to 1.

    Returns the copy. Units that `ablate` has switched off stay off. Batch normalisation takes its
    averages anew, for what it is given has changed; there is no dropout, so that the same seed
    ends in the same weights. Raises DivergenceError.
    """
    learner = copy.deepcopy(damaged).eval()
    for module in learner.modules():
        module.train(isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d))
    optimizer = torch.optim.Adam(learner.parameters(), LEARNING_RATE, fused=True)
    generator = torch.Generator().manual_seed(seed)
    done, seconds = 0.0, 0.0
    for step in range(1, N_STEPS + 1):
        started = time.perf_counter()
        chosen = torch.randint(len(train), (BATCH_SIZE,), generator=generator)
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * (1 - done)
        logits = learner(to_model_input(train.images[chosen]))
        loss = functional.cross_entropy(logits, train.labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seconds += time.perf_counter() - started
        done = max(step / N_STEPS, seconds / MAX_SECONDS)
        if done >= 1:
            break
        yield done
    if not all(bool(weights.isfinite().all()) for weights in learner.state_dict().values()):
        raise DivergenceError("Its weights have run away: it is too damaged to be healed.")
    return learner.eval()
