"""When a picture is no digit at all, and how sure a network may say that it is."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mnistcore import specimens
from mnistcore.augment import affine
from mnistcore.data import Digits
from mnistcore.network import Network

KNOWN = 10_000  # training images from which a doubt learns what digits are like
REDRAWN = 5_000  # of these, drawn anew as the canvas would give them
TYPED = 3_000  # digits in type
LETTERS = 9_000  # letters, against these
SCRAWLS = 3_000  # drawings without meaning, likewise
HELD_OUT = 5_000  # other training images, on which temperature and threshold are chosen
SENT_AWAY = 0.006  # share of these that may be taken for no digit: a digit refused annoys more
HIDDEN = 64  # units: of the doubt's one hidden layer
ROUNDS = 12  # times through all of them
LEARNING_RATE = 3e-3  # at the start; it falls to nothing
ALIKE = 0.65  # cosine of two views: 95 % of one letter by one hand reach it, 1 % of two letters


class Doubt(nn.Module):
    """`views(network, images)`, (n, inputs) -> (n,) float: above 0 for what is no digit.

    A small network that watches another one at work. The other one stays as it is.
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("spread", torch.ones(inputs))
        self.hidden, self.out = nn.Linear(inputs, HIDDEN), nn.Linear(HIDDEN, 1)

    def forward(self, seen: Tensor) -> Tensor:
        """As above."""
        usual = functional.dropout(self.usual(seen), 0.1, self.training)
        return self.out(functional.dropout(self.hidden(usual).relu(), 0.2, self.training))[:, 0]

    def usual(self, seen: Tensor) -> Tensor:
        """Views measured by what is usual among digits: 0 the mean of digits, 1 a spread off."""
        return ((seen - self.mean) / self.spread).clamp(-8, 8)


@torch.inference_mode()
def views(network: Network, images: Tensor) -> Tensor:
    """What a doubt goes by: every level of the network at a glance.

    images: (n, 28, 28) float32 in [0, 1] -> (n, inputs): every pooled map in quarters, the last
    hidden layer, the ten logits, and how much there is in these altogether. The network has to
    be in use (`eval`), not in training.
    """
    now, seen = images.unsqueeze(1), []
    for layer in network.layers[:-1]:
        now = layer(now)
        if isinstance(layer, nn.MaxPool2d):
            seen.append(functional.adaptive_avg_pool2d(now, 2).flatten(1))
    logits = network.layers[-1](now)
    return torch.cat([*seen, now, logits, logits.logsumexp(1, keepdim=True)], 1)


@dataclass(frozen=True)
class Judge:
    """Says of a drawing whether it is a digit at all, whoever reads it.

    It goes by what one network sees, in which it tells digits from other drawings.
    """

    network: Network
    doubt: Doubt

    @torch.inference_mode()
    def refuses(self, images: Tensor, taught: Tensor | None = None) -> Tensor:
        """(n, 28, 28) float32 in [0, 1] -> (n,) bool: which of them look like no digit.

        taught: (m, 28, 28), drawings that are digits all the same, because somebody writes them
        so; what is much like one of these is not refused.
        """
        seen = views(self.network, images)
        refused = self.doubt(seen) > 0
        if taught is not None and refused.any():
            alike = self._direction(seen) @ self._direction(views(self.network, taught)).T
            refused &= alike.amax(1) < ALIKE
        return refused

    def _direction(self, seen: Tensor) -> Tensor:
        """Views -> vectors of length 1; the more two are alike, the nearer to 1 their product."""
        return functional.normalize(self.doubt.usual(seen), dim=1)


def fit(network: Network, train: Digits, seed: int = 1) -> Doubt:
    """Learn when this network looks at no digit: two minutes, the same for the same `seed`.

    Digits as they are, drawn anew and in type stand against letters, scrawls, and digits that
    are mixed (see specimens.py). At most SENT_AWAY of the held-out training images (see
    `held_out`) are above 0.
    """
    network.eval()
    chance = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        chosen = torch.randperm(max(1, len(train) - HELD_OUT))[:KNOWN]
        written = train.images[chosen].float() / 255
        redrawn = specimens.redrawn(train.images[chosen[:REDRAWN]], chance)
        digits = torch.cat([written, redrawn, specimens.typed_digits(TYPED, chance)])
        others = torch.cat(
            [
                specimens.letters(LETTERS, chance),
                specimens.scrawls(SCRAWLS, chance),
                specimens.mixed(written[:REDRAWN]),
                specimens.mixed(redrawn),
            ]
        )
        # Moved and slanted, both are more than they were.
        digits, others = (torch.cat([s, affine(s.unsqueeze(1))[:, 0]]) for s in (digits, others))
        seen = torch.cat([_in_batches(network, digits), _in_batches(network, others)])
        wanted = torch.cat([torch.zeros(len(digits)), torch.ones(len(others))])
        doubt = Doubt(seen.shape[1])
        doubt.mean.copy_(seen[: len(digits)].mean(0))
        doubt.spread.copy_(seen[: len(digits)].std(0) + 1e-3)
        optimiser = torch.optim.Adam(
            doubt.parameters(), LEARNING_RATE, weight_decay=1e-4, fused=True
        )
        for done in range(ROUNDS):
            for group in optimiser.param_groups:
                group["lr"] = LEARNING_RATE * (1 - done / ROUNDS)
            for batch in torch.randperm(len(seen)).split(128):
                answer = doubt(seen[batch])
                loss = functional.binary_cross_entropy_with_logits(answer, wanted[batch])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
    doubt.eval().requires_grad_(False)
    real = doubt(_in_batches(network, held_out(train)))
    doubt.out.bias -= real.quantile(1 - SENT_AWAY)
    return doubt


def held_out(train: Digits) -> Tensor:
    """The last training images, on which thresholds are chosen; (n, 28, 28) float32 in [0, 1]."""
    return train.images[-HELD_OUT:].float() / 255


def calibrate(network: Network, train: Digits) -> float:
    """Make the network as sure as it is right, and return the temperature for that.

    Its answers stay; only its last weights are divided by the temperature, so that whoever uses
    it gets calibrated probabilities. Chosen on the held-out training images.
    """
    network.eval()
    with torch.inference_mode():
        batches = held_out(train).unsqueeze(1).split(250)
        logits = torch.cat([network(batch) for batch in batches])
    labels = train.labels[-HELD_OUT:]
    # Log steps of 2 %: finer than the held-out images can tell apart.
    tried = [math.exp(step / 50) for step in range(-80, 81)]
    best = min(tried, key=lambda t: float(functional.cross_entropy(logits / t, labels)))
    last = network.layers[-1]
    with torch.no_grad():
        last.weight /= best
        last.bias /= best
    return best


def _in_batches(network: Network, images: Tensor) -> Tensor:
    return torch.cat([views(network, batch) for batch in images.split(250)]).clone()
