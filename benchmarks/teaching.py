"""How well a network learns one person's hand, and what that costs it.

    MNIST_DATA=... python benchmarks/teaching.py STROKES.jsonl.gz [--model NAME] [--lessons 3]

For every writer of the file: the first digits of each kind are the lessons, the rest is the exam.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch

from mnistcore import drawing, predict, strokes
from mnistcore.data import load
from mnistcore.network import Network
from mnistcore.teach import teach
from mnistcore.training import evaluate


def right(network: Network, pictures: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of the pictures that the network reads right."""
    with torch.inference_mode():
        return float((network(pictures.unsqueeze(1)).argmax(1) == labels).float().mean())


def main() -> None:
    """Teach, examine, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("strokes", type=Path)
    parser.add_argument("--model", default="shipped")
    parser.add_argument("--lessons", type=int, default=3, help="digits of each kind")
    options = parser.parse_args()

    train, test = load("mnist")
    network = predict.load_model(options.model).network
    known = evaluate(network, test).accuracy
    digits = strokes.read_strokes(options.strokes)
    writers = sorted({writer for _, writer, _ in digits})
    print(f"{options.lessons} of each digit as lessons; MNIST test before: {known:.2%}")
    print(f"{'writer':>8}{'exam':>8}{'before':>10}{'after':>10}{'MNIST after':>14}{'seconds':>10}")
    before, after, lost, took = [], [], [], []
    for writer in writers:
        seen = dict.fromkeys(range(10), 0)
        lessons, exam = [], []
        for label, who, written in digits:
            if who != writer or label is None:
                continue
            picture = drawing.from_strokes(strokes.layout(written, "as-written"))
            part = lessons if seen[label] < options.lessons else exam
            seen[label] += 1
            if picture is not None:
                part.append((picture, label))
        pictures, labels = (
            torch.stack([p for p, _ in lessons]),
            torch.tensor([x for _, x in lessons]),
        )
        asked, answers = torch.stack([p for p, _ in exam]), torch.tensor([x for _, x in exam])
        started = time.perf_counter()
        *_, learner = teach(network, pictures, labels, train)
        took.append(time.perf_counter() - started)
        before.append(right(network, asked, answers))
        after.append(right(learner, asked, answers))
        lost.append(known - evaluate(learner, test).accuracy)
        print(
            f"{writer:>8}{len(exam):>8}{before[-1]:>10.1%}{after[-1]:>10.1%}"
            f"{known - lost[-1]:>14.2%}{took[-1]:>10.1f}"
        )
    print(
        f"mean {statistics.mean(before):.2%} -> {statistics.mean(after):.2%}, "
        f"worst {min(before):.1%} -> {min(after):.1%}, MNIST test lost {100 * max(lost):.2f} "
        f"points at most, {statistics.median(took):.1f} s at the median"
    )


if __name__ == "__main__":
    main()
