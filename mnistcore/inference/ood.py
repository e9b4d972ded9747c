"""Out-of-distribution detection: whether a picture is a digit at all."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mnistcore.data.augment import affine
from mnistcore.data.digits import Digits, to_float
from mnistcore.drawing import allographs
from mnistcore.inference import ood_data
from mnistcore.inference.calibration import N_HELD_OUT, held_out
from mnistcore.models.network import Network

# What the head is trained on: digits, in distribution, against what is none.
N_TRAIN = 20_000  # training images
N_RERENDERED = 12_000  # of these, drawn anew as the canvas would give them
N_COMPOSED = 5_000  # of either, put together from parts of two
N_TYPED = 3_000  # digits in type
N_HANDWRITTEN = 12_000  # digits as different hands write them
N_TYPED_LETTERS = 9_000
N_LETTERS = 36_000  # as different hands write them
N_FONT_DIGITS = 6_000  # where fonts are given: handwriting in type
N_FONT_LETTERS = 50_000
N_SCRIBBLES = 12_000
MAX_FALSE_REJECTION_RATE = 0.00312  # of held-out digits: a digit that is refused annoys more
HIDDEN_UNITS = 64
EPOCHS = 6
BATCH_SIZE = 512
LEARNING_RATE = 5e-3  # at the start; it falls to nothing
MIN_COSINE = 0.6  # 95 % of one letter by one hand reach it, 1 % of two letters
_MAX_Z_SCORE = 8.0  # what is further from the mean of digits says no more than this


class OODHead(nn.Module):
    """One-hidden-layer MLP on `ood_features`: (n, d) -> (n,) logits, > 0 is no digit."""

    mean: Tensor
    spread: Tensor

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("spread", torch.ones(num_features))
        self.hidden, self.out = nn.Linear(num_features, HIDDEN_UNITS), nn.Linear(HIDDEN_UNITS, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Features -> logits, in the shapes above."""
        standardized = functional.dropout(self.standardize(features), 0.1, self.training)
        hidden: Tensor = self.hidden(standardized).relu()
        logits: Tensor = self.out(functional.dropout(hidden, 0.2, self.training))
        return logits[:, 0]

    def standardize(self, features: Tensor) -> Tensor:
        """Features as z-scores among digits: 0 is their mean, 1 a standard deviation off."""
        return ((features - self.mean) / self.spread).clamp(-_MAX_Z_SCORE, _MAX_Z_SCORE)


@torch.inference_mode()
def ood_features(network: Network, images: Tensor) -> Tensor:
    """What the head goes by: every level of the classifier, in eval mode, at a glance.

    images: (n, 28, 28) float32 in [0, 1] -> (n, d): every convolution's map, as the next layer is
    given it, in quarters, the last hidden layer, the ten logits and their log-sum-exp (the negative
    energy of Liu et al. 2020).
    """
    out, features = images.unsqueeze(1), []
    for layer, following in itertools.pairwise(network.layers):
        out = layer(out)
        if isinstance(following, nn.Conv2d | nn.Flatten):
            features.append(functional.adaptive_avg_pool2d(out, 2).flatten(1))
    logits = network.layers[-1](out)
    return torch.cat([*features, out, logits, logits.logsumexp(1, keepdim=True)], 1)


@dataclass(frozen=True)
class OODDetector:
    """A classifier and the head on its features: together they tell digits from other drawings."""

    network: Network
    head: OODHead

    @torch.inference_mode()
    def is_ood(self, images: Tensor, accepted: Tensor | None = None) -> Tensor:
        """(n, 28, 28) float32 in [0, 1] -> (n,) bool: which of them look like no digit.

        accepted: (m, 28, 28), drawings that are digits all the same: what has a cosine similarity
        of MIN_COSINE or more to one of these is not refused.
        """
        features = ood_features(self.network, images)
        refused: Tensor = self.head(features) > 0
        if accepted is not None and refused.any():
            directions = self._direction(ood_features(self.network, accepted))
            refused &= (self._direction(features) @ directions.T).amax(1) < MIN_COSINE
        return refused

    def _direction(self, features: Tensor) -> Tensor:
        """Features -> vectors of length 1, whose products are cosine similarities."""
        return functional.normalize(self.head.standardize(features), dim=1)


def fit_ood_head(
    network: Network, train: Digits, seed: int = 1, fonts: Sequence[ood_data.Typeface] = ()
) -> OODHead:
    """Train a head on this network's features: some minutes, the same for the same `seed`.

    Digits as they are, drawn anew, in type and by other hands stand against letters in type and
    handwriting, scribbles and composites of digits. Fonts bring further type, best handwriting.
    The bias is set so that MAX_FALSE_REJECTION_RATE of `held_out(train)` are above 0.
    """
    network.eval()
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        chosen = torch.randperm(max(1, len(train) - N_HELD_OUT))[:N_TRAIN]
        written = to_float(train.images[chosen])
        rerendered = ood_data.rerendered(train.images[chosen[:N_RERENDERED]], rng)
        typed = ood_data.typed_digits(N_TYPED, rng)
        handwritten = ood_data.handwritten(allographs.DIGITS, N_HANDWRITTEN, rng)
        digits = [written, rerendered, typed, handwritten]
        drawn = [ood_data.letters(N_TYPED_LETTERS, rng), ood_data.scribbles(N_SCRIBBLES, rng)]
        drawn.append(ood_data.handwritten(allographs.LETTERS, N_LETTERS, rng))
        drawn += map(ood_data.composites, (written[:N_COMPOSED], rerendered[:N_COMPOSED]))
        if fonts:
            digits.append(ood_data.typed_digits(N_FONT_DIGITS, rng, fonts))
            drawn.append(ood_data.letters(N_FONT_LETTERS, rng, fonts))
        # Moved and slanted, both are more than they were.
        known, others = (
            _in_batches(network, torch.cat([images, affine(images.unsqueeze(1))[:, 0]]))
            for images in (torch.cat(digits), torch.cat(drawn))
        )
        features = torch.cat([known, others])
        targets = torch.cat([torch.zeros(len(known)), torch.ones(len(others))])
        head = OODHead(features.shape[1])
        head.mean.copy_(known.mean(0))
        head.spread.copy_(known.std(0) + 1e-3)
        _train(head, features, targets)
    head.eval().requires_grad_(False)
    logits = head(_in_batches(network, held_out(train)))
    head.out.bias.sub_(logits.quantile(1 - MAX_FALSE_REJECTION_RATE))
    return head


def _train(head: OODHead, features: Tensor, targets: Tensor) -> None:
    optimizer = torch.optim.Adam(head.parameters(), LEARNING_RATE, weight_decay=1e-4, fused=True)
    for epoch in range(EPOCHS):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * (1 - epoch / EPOCHS)
        for batch in torch.randperm(len(features)).split(BATCH_SIZE):
            logits = head(features[batch])
            loss = functional.binary_cross_entropy_with_logits(logits, targets[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def _in_batches(network: Network, images: Tensor) -> Tensor:
    return torch.cat([ood_features(network, batch) for batch in images.split(250)]).clone()
