"""Inference: an image -> probabilities, an answer, and a sentence for people."""

from dataclasses import dataclass

from torch import Tensor

from mnistcore.models.registry import Model

CONFIDENCE_THRESHOLD = 0.75  # the probability from which an answer is given without a "perhaps"


@dataclass(frozen=True)
class PredictionResult:
    """What a model says of one image."""

    digit: int | None  # the most probable; None where there is nothing to read
    probabilities: list[float] | None  # one for each digit, adding up to 1
    sure: bool  # in distribution, and CONFIDENCE_THRESHOLD or more
    sentence: str
    in_distribution: bool = True  # False for a scribble, a letter, a face


def predict(
    model: Model,
    image: Tensor | None,
    nothing: str = "Draw a digit first.",
    *,
    averaged: bool = False,
) -> PredictionResult:
    """Read one image, (28, 28) float32 in [0, 1]; None is answered with the sentence `nothing`.

    averaged: see `Model.probabilities`; activations, attributions and attacks are about one pass.
    """
    if image is None:
        return PredictionResult(None, None, False, nothing)
    probabilities = model.probabilities(image[None], averaged)[0]
    first, second = probabilities.topk(2).indices.tolist()
    in_distribution = model.in_distribution(image)
    sure = in_distribution and float(probabilities[first]) >= CONFIDENCE_THRESHOLD
    one, other = (f"{'an' if digit == 8 else 'a'} {digit}" for digit in (first, second))
    sentence = f"This is {one}." if sure else f"Not sure: perhaps {one}, or {other}."
    if not in_distribution:
        sentence = f"This does not look like a digit. If it had to choose: {one}."
    return PredictionResult(first, probabilities.tolist(), sure, sentence, in_distribution)
