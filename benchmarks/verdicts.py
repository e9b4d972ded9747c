"""The verdict on each preset: two overfit, one underfits, one is spoiled, the others about right.

    python benchmarks/verdicts.py --data DIR [--presets NAME ...] [--threads N]

Trains each preset, judges it as the Evaluate page does, and prints a line for it; the exit status
says whether every verdict is the one that was expected.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch

from mnistcore import PRESETS, load_dataset, train
from mnistcore.evaluation.metrics import calibration_bins, expected_calibration_error
from mnistcore.evaluation.provenance import TrainingProvenance
from mnistcore.evaluation.report import diagnose_report, evaluate_model
from mnistcore.models.registry import Model

EXPECTED = {  # all others: about right
    "memoriser": "overfitting",
    "too-simple": "underfitting",
    "wrong-labels": "overfitting",
    "never-saw-7": "spoiled",
}


def main() -> None:
    """Train, judge and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--presets", nargs="+", choices=PRESETS, default=list(PRESETS))
    parser.add_argument("--threads", type=int, default=max(1, torch.get_num_threads() // 2))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    parts = load_dataset("mnist", options.data)
    print(f"{'preset':12}{'training':>10}{'test':>9}{'ECE':>8}   verdict")
    wrong = 0
    for name in options.presets:
        recipe = replace(PRESETS[name].config, device="cpu")
        training = train(recipe, *parts)
        records = list(training)
        learned = TrainingProvenance("mnist", recipe, records[-1].images, None, 0)
        exam = evaluate_model(Model(name, name, training.network.eval()), learned, *parts)
        test = exam.score
        kind = diagnose_report(exam, records).kind
        expected = EXPECTED.get(name, "about right")
        wrong += kind != expected
        print(
            f"{name:12}{exam.train_accuracy:10.2%}{test.accuracy:9.2%}"
            f"{expected_calibration_error(calibration_bins(exam.test.labels, test)):8.2%}   {kind}"
            + ("" if kind == expected else f", expected: {expected}"),
            flush=True,
        )
    print("every verdict as expected" if not wrong else f"{wrong} not as expected")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
