"""How well a network learns one person's hand, and what that costs it.

    MNIST_DATA=... python benchmarks/teaching.py STROKES.jsonl.gz [--lessons 3] [--strict]

For every writer of the file: the first digits of each kind are the lessons, the rest is the exam.
Then lessons that make no sense. With --strict the exit status is 1 if a bar is missed.
"""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

# As in the app: threads that wait sleep, and one of them learns.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import torch
from torch import Tensor

from benchmarks.bars import Bars
from mnistcore.data.digits import Digits
from mnistcore.data.loading import load_dataset
from mnistcore.drawing import strokes
from mnistcore.drawing.rasterize import from_strokes
from mnistcore.evaluation.metrics import calibration_bins, evaluate, expected_calibration_error
from mnistcore.inference import ood_data
from mnistcore.models.network import Network
from mnistcore.models.registry import load_model, shipped_ood_detector
from mnistcore.training.finetune import fine_tune

Lessons = list[tuple[Tensor, int]]  # pictures, (28, 28) each, and their digits


def right(network: Network, lessons: Lessons) -> float:
    """Share of the pictures that the network reads right."""
    pictures, labels = stacked(lessons)
    with torch.inference_mode():
        return float((network(pictures.unsqueeze(1)).argmax(1) == labels).float().mean())


def stacked(lessons: Lessons) -> tuple[Tensor, Tensor]:
    """The same as two tensors, (n, 28, 28) and (n,)."""
    return torch.stack([p for p, _ in lessons]), torch.tensor([digit for _, digit in lessons])


def taught(network: Network, lessons: Lessons, known: Digits) -> tuple[Network, float, float]:
    """A copy that has learned, the part of its way that it went, and how many seconds it took."""
    started, steps = time.perf_counter(), fine_tune(network, *stacked(lessons), known)
    while True:
        try:
            learner = next(steps)
        except StopIteration as end:
            return learner, end.value, time.perf_counter() - started


def parts(path: Path, each: int) -> dict[str, tuple[Lessons, Lessons]]:
    """Lessons and exam of every writer in a file of strokes."""
    found: dict[str, tuple[Lessons, Lessons]] = {}
    for label, writer, written in strokes.read_strokes(path):
        picture = from_strokes(strokes.place_on_canvas(written, "as-written"))
        if label is not None and picture is not None:
            lessons, exam = found.setdefault(f"writer {writer}", ([], []))
            few = sum(digit == label for _, digit in lessons) < each
            (lessons if few else exam).append((picture, label))
    return found


def nonsense(lessons: Lessons) -> dict[str, Lessons]:
    """Lessons that contradict what all others write."""
    first = {digit: picture for picture, digit in reversed(lessons)}
    scrawl = ood_data.scribbles(1, np.random.default_rng(5))[0]
    return {
        "a 3 called an 8": [(first[3], 8)],
        "a 1 called a 7": [(first[1], 7)],
        "a scribble called a 5": [(scrawl, 5)],
        "a 0 called a 6 and a 9": [(first[0], 6), (first[0], 9)],
        "each called the next": [(picture, (digit + 1) % 10) for picture, digit in lessons],
    }


def main() -> int:
    """Teach, examine, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("strokes", type=Path)
    parser.add_argument("--model", default="shipped")
    parser.add_argument("--lessons", type=int, default=3, help="digits of each kind")
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a bar is missed")
    options = parser.parse_args()
    torch.set_num_threads(1)
    train, test = load_dataset("mnist")
    network = load_model(options.model).network
    knew = evaluate(network, test).accuracy
    judge = shipped_ood_detector()

    print(f"{options.lessons} of each digit as lessons; MNIST test before: {knew:.2%}")
    print(f"{'':>22}{'exam':>9}{'after':>9}{'MNIST':>9}{'its error':>11}{'went':>6}{'seconds':>9}")
    before, after, took, refused = [], [], [], 0
    lost: dict[bool, list[float]] = {True: [], False: []}  # by whether the lessons make sense
    errors: dict[bool, list[float]] = {True: [], False: []}

    def one(name: str, lessons: Lessons, exam: Lessons) -> None:
        learner, share, seconds = taught(network, lessons, train)
        score, sense = evaluate(learner, test), bool(exam)
        lost[sense].append(knew - score.accuracy)
        errors[sense].append(expected_calibration_error(calibration_bins(test.labels, score)))
        took.append(seconds)
        if exam:
            before.append(right(network, exam))
            after.append(right(learner, exam))
        read = f"{before[-1]:>9.1%}{after[-1]:>9.1%}" if exam else " " * 18
        cost = f"{score.accuracy:>9.2%}{errors[sense][-1]:>11.2%}"
        print(f"{name:>22}{read}{cost}{share:>6.0%}{seconds:>9.1f}", flush=True)

    writers = parts(options.strokes, options.lessons)
    for name, (lessons, exam) in writers.items():
        one(name, lessons, exam)
        odd = stacked(lessons)[0][judge.is_ood(stacked(lessons)[0])]
        both = stacked(lessons + exam)[0]
        refused += int(judge.is_ood(both, odd if len(odd) else None).sum())
    for name, lessons in nonsense(next(iter(writers.values()))[0]).items():
        one(name, lessons, [])

    print()
    bars = Bars()
    print(f"| exam before, mean and worst | | {statistics.mean(before):.2%}, {min(before):.2%} | |")
    bars.share("exam after, mean of the writers", statistics.mean(after), least=0.99)
    bars.share("exam after, worst writer", min(after), least=0.95)
    for sense, lessons in ((True, "lessons that make sense"), (False, "nonsense")):
        most = max(lost[sense])
        bars.row(f"MNIST test lost, {lessons}", "<= 0.3 points", f"{100 * most:.2f}", most <= 0.003)
        bars.share(f"calibration error on MNIST test, {lessons}", max(errors[sense]), most=0.02)
    middle, longest = statistics.median(took), max(took)
    bars.row("seconds, median and longest", "<= 5", f"{middle:.1f}, {longest:.1f}", middle <= 5)
    everything = sum(len(lessons) + len(exam) for lessons, exam in writers.values())
    bars.share("a writer's digits sent away after teaching", refused / everything, most=0.05)
    return int(options.strict and bars.missed > 0)


if __name__ == "__main__":
    sys.exit(main())
