"""Accuracy, cross-entropy, confusion matrix and calibration of a network on some images."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from mnistcore.config import NUM_CLASSES
from mnistcore.data.digits import Digits
from mnistcore.models.network import Network, as_batch, eval_mode


@dataclass(frozen=True, eq=False)
class Score:
    """How a network does on some images."""

    accuracy: float  # share that it reads right, 0 to 1
    loss: float  # mean cross-entropy; not finite where the weights have run away
    count: int
    predicted: Tensor  # (n,) int64
    confidence: Tensor  # (n,) float, of the predicted digit


@torch.inference_mode()
def evaluate(network: Network, digits: Digits, batch_size: int = 100) -> Score:
    """Judge a network on every image of `digits`, without changing it."""
    with eval_mode(network):
        batches = digits.images.split(batch_size)
        logits = torch.cat([network(as_batch(batch, network)) for batch in batches]).float().cpu()
    labels = digits.labels.cpu()
    loss = functional.cross_entropy(logits, labels)
    confidence, predicted = logits.nan_to_num().softmax(1).max(1)
    accuracy = (predicted == labels).double().mean()
    return Score(float(accuracy), float(loss), len(digits), predicted, confidence)


N_BINS = 10  # of confidence: 0 to 10 %, ... 90 to 100 %


@dataclass(frozen=True)
class CalibrationBin:
    """All answers of about the same confidence."""

    low: float  # shares, 0 to 1
    high: float
    count: int  # answers
    confidence: float  # their mean
    accuracy: float  # share of them that is right


def confusion_matrix(labels: Tensor, predicted: Tensor) -> Tensor:
    """(n,) and (n,) int64 -> (10, 10) int64: how many of the digit `row` were read as `column`."""
    pairs = torch.bincount(labels * NUM_CLASSES + predicted, minlength=NUM_CLASSES**2)
    return pairs.view(NUM_CLASSES, NUM_CLASSES)


def by_confidence(score: Score, chosen: Tensor) -> list[int]:
    """The places of the `chosen` images, (n,) bool, those with the surest answer first."""
    places = chosen.nonzero().flatten()
    return places[score.confidence[places].argsort(descending=True, stable=True)].tolist()


def calibration_bins(labels: Tensor, score: Score) -> list[CalibrationBin]:
    """The answers, labels (n,) int64, in N_BINS of equal width by confidence; no empty bins."""
    confidence = score.confidence.nan_to_num()  # of weights that ran away it is no number
    place = (confidence * N_BINS).long().clamp(max=N_BINS - 1)
    right = (score.predicted == labels).double()
    found = []
    for band in range(N_BINS):
        here = place == band
        if count := int(here.sum()):
            means = float(confidence[here].double().mean()), float(right[here].mean())
            found.append(CalibrationBin(band / N_BINS, (band + 1) / N_BINS, count, *means))
    return found


def expected_calibration_error(bands: list[CalibrationBin]) -> float:
    """ECE (Naeini et al., 2015): mean distance of confidence and accuracy, 0 to 1, by answers."""
    total = sum(band.count for band in bands)
    return sum(band.count * abs(band.confidence - band.accuracy) for band in bands) / total


def calibration_in_words(bands: list[CalibrationBin]) -> str:
    """What a confidence of so many percent is worth."""
    top, total = bands[-1], sum(band.count for band in bands)
    off = expected_calibration_error(bands)
    lean = sum(band.count * (band.confidence - band.accuracy) for band in bands) / total
    if off < 0.01:
        trust = "You can take its word for how sure it is"
    elif abs(lean) < off / 2:
        trust = "It is too sure at times and too modest at others"
    else:
        trust = "It is surer than it should be" if lean > 0 else "It is better than it thinks"
    return (
        f"Of the **{top.count:,}** answers that it gave with {top.low:.0%} to {top.high:.0%} "
        f"confidence, **{top.accuracy:.1%}** were right. {trust}: over all {total:,} answers its "
        f"confidence is off by {100 * off:.1f} percentage points on average."
    )
