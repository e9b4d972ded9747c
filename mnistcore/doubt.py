"""When a picture is no digit at all, and how sure a network may say that it is."""

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mnistcore.augment import affine
from mnistcore.data import Digits
from mnistcore.drawing import from_strokes
from mnistcore.network import Network

KNOWN = 5_000  # training images from which a doubt learns what digits are like
HELD_OUT = 5_000  # others, on which temperature and threshold are chosen
SENT_AWAY = 0.004  # share of these that may be taken for no digit: a digit refused annoys more
SCRAWLS = 3_000  # drawings of no meaning from which it learns what else there is
HIDDEN = 32  # units: of the doubt's one hidden layer
ROUNDS = 12  # times through all of them


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
        usual = ((seen - self.mean) / self.spread).clamp(-8, 8)
        return self.out(functional.dropout(self.hidden(usual).relu(), 0.2, self.training))[:, 0]


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


def fit(network: Network, train: Digits, seed: int = 1) -> Doubt:
    """Learn when this network looks at no digit: half a minute, the same for the same `seed`.

    Against digits stand scrawls, and digits that are mixed: one on top of another, or half of one
    beside half of another. No letter is among them. At most SENT_AWAY of the held-out training
    images (see `held_out`) are above 0.
    """
    network.eval()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        chosen = torch.randperm(max(1, len(train) - HELD_OUT))[:KNOWN]
        digits = train.images[chosen].float() / 255
        others = torch.cat([scrawls(SCRAWLS * len(digits) // KNOWN, seed), _mixed(digits)])
        # Moved and slanted, both are more than they were.
        digits, others = (torch.cat([s, affine(s.unsqueeze(1))[:, 0]]) for s in (digits, others))
        seen = torch.cat([_in_batches(network, digits), _in_batches(network, others)])
        wanted = torch.cat([torch.zeros(len(digits)), torch.ones(len(others))])
        doubt = Doubt(seen.shape[1])
        doubt.mean.copy_(seen[: len(digits)].mean(0))
        doubt.spread.copy_(seen[: len(digits)].std(0) + 1e-3)
        optimiser = torch.optim.Adam(doubt.parameters(), 3e-3, weight_decay=1e-4, fused=True)
        for _ in range(ROUNDS):
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


def scrawls(count: int, seed: int) -> Tensor:
    """Drawings without meaning, as the canvas would give them: (count, 28, 28) in [0, 1]."""
    chance = np.random.default_rng(seed)
    drawn = []
    while len(drawn) < count:
        box = np.array([chance.uniform(0.5, 1.0), 1.0]) * 200
        strokes = [list(map(tuple, _part(chance) * box)) for _ in range(chance.integers(1, 6))]
        picture = from_strokes(strokes)
        if picture is not None:
            drawn.append(picture)
    return torch.stack(drawn) if drawn else torch.empty(0, 28, 28)


def _part(chance: np.random.Generator) -> np.ndarray:
    """One stroke of a scrawl, (n, 2), in a box of about 1 x 1."""
    kind = chance.integers(4)
    if kind == 0:  # a line
        return chance.uniform(0, 1, (2, 2))
    if kind == 1:  # an arc, or more than a full turn
        way = np.linspace(0, chance.uniform(1.5, 7), 20) * chance.choice((-1, 1))
        angle = chance.uniform(0, 2 * np.pi) + way
        ring = np.stack([np.cos(angle), np.sin(angle)], 1) * chance.uniform(0.1, 0.5, 2)
        return chance.uniform(0, 1, 2) + ring
    if kind == 2:  # corners
        return chance.uniform(0, 1, (chance.integers(3, 6), 2))
    line = chance.normal(0, 1, (chance.integers(4, 12), 2)).cumsum(0)  # a pen that wanders about
    line = (line - line.min(0)) / np.ptp(line, axis=0).max()
    for _ in range(3):  # its corners are cut off
        first, second = line[:-1], line[1:]
        cut = np.stack([0.75 * first + 0.25 * second, 0.25 * first + 0.75 * second], 1)
        line = np.concatenate([line[:1], cut.reshape(-1, 2), line[-1:]])
    return line


def _mixed(digits: Tensor) -> Tensor:
    """Half as many pictures, each of parts of two digits."""
    count = len(digits) // 2
    ours, theirs = (digits[torch.randperm(len(digits))[:count]] for _ in range(2))
    mixed = torch.maximum(ours, theirs)
    mixed[1::3] = torch.cat([ours[1::3, :14], theirs[1::3, 14:]], 1)
    mixed[2::3] = torch.cat([ours[2::3, :, :14], theirs[2::3, :, 14:]], 2)
    return mixed


def _in_batches(network: Network, images: Tensor) -> Tensor:
    return torch.cat([views(network, batch) for batch in images.split(250)]).clone()
