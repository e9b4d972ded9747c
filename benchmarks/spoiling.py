"""Spoiled training data: what each kind and amount costs a network, in the test and digit by digit.

    python benchmarks/spoiling.py --data DIR [--seeds 3] [--threads N]

Trains the recipe of Fast on clean data and on data that is spoiled in each way, and the preset
Wrong labels, which sees few images often, once for each seed. Prints a Markdown table, and what one
drawing teaches those that never saw a 7.
"""

import argparse
import statistics
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from torch import Tensor

from mnistcore import PRESETS, Digits, TrainConfig, load_dataset, train
from mnistcore.config import parse_defect
from mnistcore.drawing.rasterize import from_strokes
from mnistcore.evaluation.metrics import confusion_matrix, evaluate
from mnistcore.evaluation.provenance import TrainingProvenance, seen_places
from mnistcore.training.finetune import fine_tune
from mnistcore.training.finetune_session import replay_set

N_TRAIN_EVALUATION = 10_000  # training images on which a training accuracy rests
AMOUNTS = (
    *("none", "label-noise=0.2", "label-noise=0.4", "label-noise=0.6", "label-noise=0.8"),
    *("swapped-labels=4,9", "missing-class=7", "class-imbalance=7,0.01", "class-imbalance=7,0.001"),
    *("thick-only=0.2", "thick-only=0.02", "thin-only=0.2", "thin-only=0.02"),
    *("inverted=0.5", "inverted=0.9", "inverted=1"),
)


def main() -> None:
    """Train, judge and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=max(1, torch.get_num_threads() // 2))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    parts = load_dataset("mnist", options.data)
    print(
        "| recipe | spoiled | test accuracy: mean (each seed) | suffers most | mostly read as "
        "| training images right: as labelled | as what they are |\n"
        "| --- | --- | ---: | --- | --- | ---: | ---: |"
    )
    fast, heart = PRESETS["fast"], PRESETS["wrong-labels"]
    recipes = [(fast.title, replace(fast.config, defect=parse_defect(text))) for text in AMOUNTS]
    recipes += [
        (heart.title, replace(heart.config, defect=parse_defect(text))) for text in AMOUNTS[:3:2]
    ]
    for title, recipe in recipes:
        seeds = range(1, options.seeds + 1)
        judged = [judge(replace(recipe, seed=seed, device="cpu"), *parts) for seed in seeds]
        print(row(title, recipe, *zip(*judged, strict=True)), flush=True)
    print(teach_one_seven(options.seeds, *parts))


def teach_one_seven(seeds: int, train_set: Digits, test_set: Digits) -> str:
    """A sentence on networks that never saw a 7, and then fine-tuned on one drawing of it."""
    drawing = from_strokes([[(80.0, 90.0), (230.0, 90.0), (130.0, 300.0)]])
    sevens, accuracies = [], []
    for seed in range(1, seeds + 1):
        recipe = replace(PRESETS["never-saw-7"].config, seed=seed, device="cpu")
        training = train(recipe, train_set, test_set)
        *_, last = training
        learned = TrainingProvenance(train_set.dataset, recipe, last.images, None, 0)
        replay = replay_set(learned, train_set)
        *_, network = fine_tune(training.network, drawing[None], torch.tensor([7]), replay)
        score = evaluate(network, test_set)
        table = confusion_matrix(test_set.labels, score.predicted)
        sevens.append(float(table[7, 7] / table[7].sum()))
        accuracies.append(score.accuracy)
    each = ", ".join(f"{100 * share:.0f}" for share in sevens)
    return (
        f"\nTaught one drawn 7, those that never saw one read {statistics.mean(sevens):.0%} of the "
        f"sevens in the test ({each}), and {statistics.mean(accuracies):.1%} of all."
    )


def judge(
    recipe: TrainConfig, train_set: Digits, test_set: Digits
) -> tuple[float, float, float, Tensor]:
    """Test accuracy, training accuracy as labelled and by the truth; confusion matrix."""
    training = train(recipe, train_set, test_set)
    *_, last = training
    score = evaluate(training.network, test_set)
    places = seen_places(training.taught, recipe, last.images)[:N_TRAIN_EVALUATION]
    own = evaluate(training.network, training.taught.select(places))
    truly = float((own.predicted == train_set.labels[places]).double().mean())
    table = confusion_matrix(test_set.labels, score.predicted)
    return score.accuracy, own.accuracy, truly, table


def row(
    title: str,
    recipe: TrainConfig,
    test: tuple[float, ...],
    taught: tuple[float, ...],
    truly: tuple[float, ...],
    tables: tuple[Tensor, ...],
) -> str:
    """A line of the table: the means over all seeds."""
    table = torch.stack(tables).sum(0)
    right = table.diagonal() / table.sum(1)
    worst = int(right.argmin())
    wrong = table[worst].clone()
    wrong[worst] = 0
    most = int(wrong.argmax())
    each = ", ".join(f"{100 * accuracy:.2f}" for accuracy in test)
    cells = (
        title,
        str(recipe.defect),
        f"{statistics.mean(test):.2%} ({each})",
        f"{worst}: {right[worst]:.1%} right",
        f"{most}: {wrong[most] / table[worst].sum():.1%}",
        f"{statistics.mean(taught):.1%}",
        f"{statistics.mean(truly):.1%}",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
