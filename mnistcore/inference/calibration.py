"""Temperature scaling: probabilities that are as high as the answers are right."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from mnistcore.data.digits import Digits, to_float
from mnistcore.models.network import Network

N_HELD_OUT = 5_000  # the last training images, on which temperature and threshold are chosen
_CANDIDATES = [math.exp(step / 50) for step in range(-80, 81)]  # 2 % apart


def held_out(train: Digits) -> Tensor:
    """The last N_HELD_OUT training images (all, if there are fewer): (n, 28, 28) float32."""
    return to_float(train.images[-N_HELD_OUT:])


def fit_temperature(network: Network, train: Digits) -> float:
    """Fold a temperature into the network's last layer, and return it (Guo et al. 2017).

    Dividing by it, from 0.2 to 5, gives logits the least cross-entropy on `held_out(train)`: every
    answer stays, its probability is calibrated. Leaves the network, changed, in eval mode.
    """
    network.eval()
    with torch.inference_mode():
        batches = held_out(train).unsqueeze(1).split(250)
        logits = torch.cat([network(batch) for batch in batches])
    labels = train.labels[-N_HELD_OUT:]
    best = min(_CANDIDATES, key=lambda t: float(functional.cross_entropy(logits / t, labels)))
    with torch.no_grad():
        for parameter in network.layers[-1].parameters():
            parameter.div_(best)
    return best
