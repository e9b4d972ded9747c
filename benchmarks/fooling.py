"""How often, how cheaply and how unnoticed each attack turns test images into other digits.

    MNIST_DATA=... python benchmarks/fooling.py [--images 20] [--model shipped]
                                                [--steps 20] [--candidates 32]

Each of the first test images that is read right is turned into each of the nine other digits.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import torch

from mnistcore.data.digits import to_float
from mnistcore.data.loading import load_dataset
from mnistcore.inspection import adversarial
from mnistcore.models.registry import load_model


def main() -> None:
    """Print a line for each attack."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--model", default="shipped")
    parser.add_argument("--steps", type=int, default=adversarial.N_STEPS, help="of many steps")
    parser.add_argument("--candidates", type=int, default=adversarial.N_CANDIDATES)
    asked = parser.parse_args()
    adversarial.N_STEPS, adversarial.N_CANDIDATES = asked.steps, asked.candidates
    torch.set_num_threads(1)
    model, test = load_model(asked.model), load_dataset()[1].head(asked.images)
    images = to_float(test.images)
    right = (model.probabilities(images).argmax(1) == test.labels).nonzero().flatten().tolist()
    turns = [(n, d) for n in right for d in range(10) if d != int(test.labels[n])]
    print(f"{model.title}: {len(right)} images, {len(turns)} turns")
    for name, attack in adversarial.ATTACKS.items():
        started, strengths, unnoticed = time.thread_time(), [], 0
        for number, digit in turns:
            found = attack(model.network, images[number], digit)
            place = found.smallest()
            if place is not None:
                strengths.append(found.strengths[place])
                unnoticed += model.in_distribution(found.images[place])
        spent = 1000 * (time.thread_time() - started) / len(turns)
        median = statistics.median(strengths) if strengths else float("nan")
        print(
            f"{name:10}  succeeded {len(strengths):4}  median strength {median:5.2f}  "
            f"unnoticed {unnoticed:4}  {spent:4.0f} ms of one thread a turn"
        )


if __name__ == "__main__":
    main()
