"""Make Home's game: every MNIST test image that the pretrained network misreads.

    MNIST_DATA=... python benchmarks/misread.py

Writes pages/parts/home/misread.png, the images one below the other, and misread.json: a list of
label, what it was read as, and the confidence in percent, in the same order. To be run whenever the
pretrained network has changed; a test tells.
"""

import json
import random
from pathlib import Path

import torch
from PIL import Image

from mnistcore.data.loading import load_dataset
from mnistcore.evaluation.metrics import evaluate
from mnistcore.models.registry import load_model

FOLDER = Path(__file__).parents[1] / "pages" / "parts" / "home"
# Test images that people read at once: with these the game begins.
EASY = (4571, 3422, 674, 1014, 716, 5937, 625, 8408, 321, 445, 3762, 2597, 2035, 1621)


def main() -> None:
    """Read all test images, and write down the mistakes."""
    torch.set_num_threads(1)
    test = load_dataset("mnist")[1]
    score = evaluate(load_model("shipped").network, test)
    wrong = (score.predicted != test.labels).nonzero().flatten().tolist()
    random.Random(0).shuffle(wrong)
    wrong.sort(key=lambda place: EASY.index(place) if place in EASY else len(EASY))
    pixels = test.images[wrong].flatten(0, 1)
    Image.fromarray(pixels.numpy()).save(FOLDER / "misread.png", optimize=True)
    rows = zip(test.labels[wrong], score.predicted[wrong], score.confidence[wrong], strict=True)
    said = [[int(label), int(read), round(100 * float(sure), 1)] for label, read, sure in rows]
    text = json.dumps(said).replace("], ", "],\n ")
    (FOLDER / "misread.json").write_text(text + "\n")
    print(f"{len(wrong)} of {len(test):,} test images misread")


if __name__ == "__main__":
    main()
