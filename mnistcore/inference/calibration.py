"""TODO."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from mnistcore.data.digits import Digits
from mnistcore.models.network import Network

N_HELD_OUT = 5_000  # other training images, on which temperature and threshold are chosen


def held_out(train: Digits) -> Tensor:
    """The last training images, on which thresholds are chosen; (n, 28, 28) float32 in [0, 1]."""
    return train.images[-N_HELD_OUT:].float() / 255


def fit_temperature(network: Network, train: Digits) -> float:
    """Make the network as sure as it is right, and return the temperature for that.

    Its answers stay; only its last weights are divided by the temperature, so that whoever uses
    it gets calibrated probabilities. Chosen on the held-out training images.
    """
    network.eval()
    with torch.inference_mode():
        batches = held_out(train).unsqueeze(1).split(250)
        logits = torch.cat([network(batch) for batch in batches])
    labels = train.labels[-N_HELD_OUT:]
    # Log steps of 2 %: finer than the held-out images can tell apart.
    tried = [math.exp(step / 50) for step in range(-80, 81)]
    best = min(tried, key=lambda t: float(functional.cross_entropy(logits / t, labels)))
    last = network.layers[-1]
    with torch.no_grad():
        last.weight /= best
        last.bias /= best
    return best
