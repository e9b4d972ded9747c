"""How well a network reads drawings, wherever and however drawn, and knows what is none.

    MNIST_DATA=... python benchmarks/drawing_accuracy.py STROKES.jsonl.gz [--model NAME] [--strict]

With --strict the exit status is 1 if a bar is missed.
"""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import not_digits
from benchmarks.bars import Bars
from mnistcore.data.loading import load_dataset
from mnistcore.drawing.rasterize import from_bitmap, from_strokes
from mnistcore.drawing.strokes import CANVAS_SIZE, LAYOUTS, Stroke, place_on_canvas, read_strokes
from mnistcore.evaluation.metrics import Score, calibration_bins, expected_calibration_error
from mnistcore.models.registry import Model, load_model, weights_path

SCALES = (0.4, 0.7, 1.5)
PENS = (6, 12, 24, 40)  # canvas pixels
EVERY = 5  # bitmaps are slow to read: every fifth digit is enough for those
EACH = 40  # drawings of each kind that is no digit


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("strokes", type=Path)
    parser.add_argument("--model", default="shipped")
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a bar is missed")
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model(options.model)
    known = [(n, w, s) for n, w, s in read_strokes(options.strokes) if n is not None]
    labels, names = torch.tensor([label for label, _, _ in known]), [w for _, w, _ in known]
    writers = torch.tensor([names.index(name) for name in names])
    placed = {how: [place_on_canvas(s, how) for _, _, s in known] for how in LAYOUTS}

    bars = Bars()
    size = weights_path(options.model).stat().st_size
    bars.row("the network's file", "<= 2 MB", f"{size / 1e6:.2f} MB", size <= 2e6)
    for how in LAYOUTS:
        pictures = drawn(placed[how])
        found = judge(model, pictures, labels)
        right = (found.predicted == labels).double()
        worst = min(float(right[writers == writer].mean()) for writer in writers.unique())
        single = judge(model, pictures, labels, averaged=False).accuracy
        bars.share(f"strokes read right, {how}", found.accuracy, least=0.985)
        bars.share(f"those of the worst writer, {how}", worst, least=0.95)
        bars.share(f"strokes read right in one pass, {how}", single)
        bars.share(f"their calibration error, {how}", error(found, labels), most=0.02)
        bars.share(f"real digits sent away, {how}", sent_away(model, pictures), most=0.008)
    pairs = Counter(
        (int(true), int(said))
        for true, said in zip(labels, found.predicted, strict=True)
        if true != said
    )

    plain = found.predicted
    for scale in SCALES:
        for corner in ((0.0, 0.0), (1.0, 1.0)):
            moved = judge(model, drawn([at(s, scale, corner) for s in placed["filling"]]), labels)
            changed = float((moved.predicted != plain).float().mean())
            where = "upper left" if corner == (0.0, 0.0) else "lower right"
            bars.share(f"answers changed, {scale} times, {where}", changed, most=0.01)

    some, truth = placed["filling"][::EVERY], labels[::EVERY]
    vectors = float((plain[::EVERY] == truth).float().mean())
    for pen in PENS:
        pictures = [from_bitmap(rendered(strokes, pen)) for strokes in some]
        lost = vectors - judge(model, stacked(pictures), truth).accuracy
        bars.share(f"lost from a bitmap alone, pen {pen} px", lost, most=0.02)

    _, test = load_dataset("mnist")
    images = test.images.float() / 255
    found = judge(model, images, test.labels)
    single = judge(model, images, test.labels, averaged=False).accuracy
    bars.share("MNIST test read right", found.accuracy, least=0.995)
    bars.share("MNIST test read right in one pass", single)
    bars.share("its calibration error", error(found, test.labels), most=0.02)
    bars.share("MNIST test digits sent away", sent_away(model, images), most=0.008)

    shares = {}
    for kind, draw in not_digits.KINDS.items():
        chance = random.Random(f"not a digit: {kind}")
        shares[kind] = sent_away(model, drawn([draw(chance) for _ in range(EACH)]))
    letters = [share for kind, share in shares.items() if kind in not_digits.LETTERS]
    bars.share("letters recognised as no digits", sum(letters) / len(letters))
    for kind in [kind for kind in shares if kind not in not_digits.LETTERS]:
        bars.share(f"{kind} recognised as no digit", shares[kind])
    print("\nletters:", ", ".join(f"{k} {shares[k]:.0%}" for k in not_digits.LETTERS))
    print("mixed up most (true -> read), filling:", end=" ")
    print(", ".join(f"{true} -> {said}: {count}" for (true, said), count in pairs.most_common(8)))
    return int(options.strict and bars.missed > 0)


def drawn(drawings: Sequence[Sequence[Stroke]]) -> torch.Tensor:
    """What a network sees of them, (n, 28, 28) float32 in [0, 1]."""
    return stacked([from_strokes(strokes) for strokes in drawings])


def stacked(pictures: Sequence[torch.Tensor | None]) -> torch.Tensor:
    """The same as one tensor; a blank sheet where there is nothing to read."""
    return torch.stack([torch.zeros(28, 28) if p is None else p for p in pictures])


def judge(
    model: Model, pictures: torch.Tensor, labels: torch.Tensor, averaged: bool = True
) -> Score:
    """What the model says of pictures with these labels: as Draw reads, or in one pass."""
    shares = torch.cat([model.probabilities(batch, averaged) for batch in pictures.split(250)])
    confidence, predicted = shares.max(1)
    accuracy = float((predicted == labels).double().mean())
    return Score(accuracy, float("nan"), len(labels), predicted, confidence)


def error(found: Score, labels: torch.Tensor) -> float:
    """The expected calibration error, in ten bands."""
    return expected_calibration_error(calibration_bins(labels, found))


def sent_away(model: Model, pictures: torch.Tensor) -> float:
    """Share of the pictures of which it says that they do not look like a digit."""
    return sum(not model.in_distribution(picture) for picture in pictures) / len(pictures)


def at(strokes: Sequence[Stroke], scale: float, corner: tuple[float, float]) -> list[Stroke]:
    """The drawing scaled and pushed into a corner of the canvas, over its edge if it must."""
    points = [point for stroke in strokes for point in stroke]
    low = [min(point[axis] for point in points) * scale for axis in (0, 1)]
    high = [max(point[axis] for point in points) * scale for axis in (0, 1)]
    by = [corner[a] * (CANVAS_SIZE - high[a]) - (1 - corner[a]) * low[a] for a in (0, 1)]
    return [[(x * scale + by[0], y * scale + by[1]) for x, y in stroke] for stroke in strokes]


def rendered(strokes: Sequence[Stroke], pen: int) -> Image.Image:
    """The drawing as the canvas shows it, dark on white, with a round pen so many pixels wide."""
    image = Image.new("L", (int(CANVAS_SIZE), int(CANVAS_SIZE)), 255)
    brush = ImageDraw.Draw(image)
    for stroke in strokes:
        brush.line([tuple(point) for point in stroke], fill=0, width=pen, joint="curve")
        for x, y in stroke:
            brush.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), fill=0)
    return image


if __name__ == "__main__":
    sys.exit(main())
