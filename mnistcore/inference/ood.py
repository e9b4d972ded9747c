"""When a picture is no digit at all, and how sure a network may say that it is."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mnistcore.data.augment import affine
from mnistcore.data.digits import Digits
from mnistcore.inference import ood_data
from mnistcore.inference.calibration import N_HELD_OUT, held_out
from mnistcore.models.network import Network

N_TRAIN = 10_000  # training images from which a doubt learns what digits are like
N_RERENDERED = 5_000  # of these, drawn anew as the canvas would give them
N_TYPED = 3_000  # digits in type
N_LETTERS = 9_000  # letters, against these
N_SCRIBBLES = 3_000  # drawings without meaning, likewise
MAX_FALSE_REJECTION_RATE = (
    0.006  # share of these that may be taken for no digit: a digit refused annoys more
)
HIDDEN_UNITS = 64  # units: of the doubt's one hidden layer
EPOCHS = 12  # times through all of them
LEARNING_RATE = 3e-3  # at the start; it falls to nothing
MIN_COSINE = (
    0.65  # cosine of two views: 95 % of one letter by one hand reach it, 1 % of two letters
)


class OODHead(nn.Module):
    """`views(network, images)`, (n, inputs) -> (n,) float: above 0 for what is no digit.

    A small network that watches another one at work. The other one stays as it is.
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("spread", torch.ones(inputs))
        self.hidden, self.out = nn.Linear(inputs, HIDDEN_UNITS), nn.Linear(HIDDEN_UNITS, 1)

    def forward(self, seen: Tensor) -> Tensor:
        """As above."""
        usual = functional.dropout(self.standardize(seen), 0.1, self.training)
        return self.out(functional.dropout(self.hidden(usual).relu(), 0.2, self.training))[:, 0]

    def standardize(self, seen: Tensor) -> Tensor:
        """Views measured by what is usual among digits: 0 the mean of digits, 1 a spread off."""
        return ((seen - self.mean) / self.spread).clamp(-8, 8)


@torch.inference_mode()
def ood_features(network: Network, images: Tensor) -> Tensor:
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
class OODDetector:
    """Says of a drawing whether it is a digit at all, whoever reads it.

    It goes by what one network sees, in which it tells digits from other drawings.
    """

    network: Network
    doubt: OODHead

    @torch.inference_mode()
    def is_ood(self, images: Tensor, taught: Tensor | None = None) -> Tensor:
        """(n, 28, 28) float32 in [0, 1] -> (n,) bool: which of them look like no digit.

        taught: (m, 28, 28), drawings that are digits all the same, because somebody writes them
        so; what is much like one of these is not refused.
        """
        seen = ood_features(self.network, images)
        refused = self.doubt(seen) > 0
        if taught is not None and refused.any():
            alike = self._direction(seen) @ self._direction(ood_features(self.network, taught)).T
            refused &= alike.amax(1) < MIN_COSINE
        return refused

    def _direction(self, seen: Tensor) -> Tensor:
        """Views -> vectors of length 1; the more two are alike, the nearer to 1 their product."""
        return functional.normalize(self.doubt.standardize(seen), dim=1)


def fit_ood_head(network: Network, train: Digits, seed: int = 1) -> OODHead:
    """Learn when this network looks at no digit: two minutes, the same for the same `seed`.

    Digits as they are, drawn anew and in type stand against letters, scrawls, and digits that
    are mixed (see specimens.py). At most SENT_AWAY of the held-out training images (see
    `held_out`) are above 0.
    """
    network.eval()
    chance = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        chosen = torch.randperm(max(1, len(train) - N_HELD_OUT))[:N_TRAIN]
        written = train.images[chosen].float() / 255
        redrawn = ood_data.rerendered(train.images[chosen[:N_RERENDERED]], chance)
        digits = torch.cat([written, redrawn, ood_data.typed_digits(N_TYPED, chance)])
        others = torch.cat(
            [
                ood_data.letters(N_LETTERS, chance),
                ood_data.scribbles(N_SCRIBBLES, chance),
                ood_data.composites(written[:N_RERENDERED]),
                ood_data.composites(redrawn),
            ]
        )
        # Moved and slanted, both are more than they were.
        digits, others = (torch.cat([s, affine(s.unsqueeze(1))[:, 0]]) for s in (digits, others))
        seen = torch.cat([_in_batches(network, digits), _in_batches(network, others)])
        wanted = torch.cat([torch.zeros(len(digits)), torch.ones(len(others))])
        doubt = OODHead(seen.shape[1])
        doubt.mean.copy_(seen[: len(digits)].mean(0))
        doubt.spread.copy_(seen[: len(digits)].std(0) + 1e-3)
        optimizer = torch.optim.Adam(
            doubt.parameters(), LEARNING_RATE, weight_decay=1e-4, fused=True
        )
        for done in range(EPOCHS):
            for group in optimizer.param_groups:
                group["lr"] = LEARNING_RATE * (1 - done / EPOCHS)
            for batch in torch.randperm(len(seen)).split(128):
                answer = doubt(seen[batch])
                loss = functional.binary_cross_entropy_with_logits(answer, wanted[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    doubt.eval().requires_grad_(False)
    real = doubt(_in_batches(network, held_out(train)))
    doubt.out.bias -= real.quantile(1 - MAX_FALSE_REJECTION_RATE)
    return doubt


def _in_batches(network: Network, images: Tensor) -> Tensor:
    return torch.cat([ood_features(network, batch) for batch in images.split(250)]).clone()
