"""Lessons of one visitor: drawings with their digits, learned by a copy and kept as a run."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mnistcore import serialization
from mnistcore.data.digits import Digits
from mnistcore.data.loading import DATASETS
from mnistcore.drawing import strokes
from mnistcore.drawing.rasterize import from_strokes
from mnistcore.drawing.strokes import Stroke
from mnistcore.errors import TrainingError
from mnistcore.evaluation.metrics import evaluate
from mnistcore.evaluation.provenance import seen_subset, training_provenance
from mnistcore.models.checkpoint import save_network
from mnistcore.models.network import Network
from mnistcore.models.registry import SHIPPED, load_model, shipped_ood_detector
from mnistcore.runs import store
from mnistcore.runs.store import Run, write_atomically
from mnistcore.training.finetune import N_STEPS, REPLAY_PER_BATCH, fine_tune

N_EVALUATION = (
    1_000  # images each of the test and the training part: more would take longer than learning
)
MAX_DRAWINGS = 200  # lessons in one teaching; nobody draws more, and a file should not either
MAX_TOTAL_POINTS = 100_000  # in the strokes of all of them together, for the same reason


@dataclass(frozen=True)
class LabeledDrawing:
    """One drawing, and which digit it is."""

    digit: int
    strokes: list[Stroke]  # in canvas pixels


def rasterize_drawings(lessons: Sequence[LabeledDrawing]) -> tuple[Tensor, Tensor]:
    """What a network sees of them, (n, 28, 28) float32 in [0, 1], and their digits, (n,) int64."""
    seen = [(from_strokes(lesson.strokes), lesson.digit) for lesson in lessons]
    seen = [(image, digit) for image, digit in seen if image is not None]
    if not seen:
        raise TrainingError("Draw at least one digit, and say which it is, to teach the network.")
    return torch.stack([image for image, _ in seen]), torch.tensor([digit for _, digit in seen])


def is_full(lessons: Sequence[LabeledDrawing]) -> bool:
    """Whether that is as much as one teaching takes."""
    points = sum(len(stroke) for lesson in lessons for stroke in lesson.strokes)
    return len(lessons) >= MAX_DRAWINGS or points >= MAX_TOTAL_POINTS


class FineTuneSession:
    """One network learning these lessons; it can be left between two steps and gone on with.

    `for share in teaching` gives how much is done, from 0 to 1. Then `keep` makes a run of it.
    """

    def __init__(self, which: str, lessons: Sequence[LabeledDrawing], known: Digits) -> None:
        self.which, self.lessons, self.known = which, list(lessons)[:MAX_DRAWINGS], known
        self.model, self.learned = load_model(which), training_provenance(which)
        self.drawings, self.digits = rasterize_drawings(self.lessons)
        self.network: Network | None = None
        self.share = 1.0  # of the way that it went, see teach.hold_back
        self._seconds = 0.0
        self._done = 0
        self._steps = fine_tune(self.model.network, self.drawings, self.digits, known)

    def __iter__(self) -> Iterator[float]:
        while True:
            started = time.monotonic()
            try:
                self.network = next(self._steps)
            except StopIteration as end:
                self.share = self.share if end.value is None else end.value
                return
            self._done += 1
            self._seconds += time.monotonic() - started
            yield self._done / N_STEPS

    def keep(
        self, test: Digits, owner: str, folder: Path | None = None, *, address: str | None = None
    ) -> Run:
        """Examine the network before and after, and keep it as a finished run of its owner.

        owner, address: see runs.create. Raises RunError if the disk does not play along; then
        nothing is left behind.
        """
        network = self.network
        assert network is not None
        dataset, title = test.dataset, self.model.title or "Shipped"
        clean = seen_subset(self.learned, self.known)
        test, train = (
            test.head(N_EVALUATION),
            (self.known if clean is None else clean).head(N_EVALUATION),
        )
        before, after = evaluate(self.model.network, test), evaluate(network, test)
        recipe = {**self.learned.recipe, "network": asdict(network.config)}
        name = f"{(title if self.which != SHIPPED else 'Shipped')[:40]}, taught my hand"
        # What somebody writes so is a digit, also where nobody else would see one in it.
        odd = self.drawings[shipped_ood_detector().is_ood(self.drawings)]
        result = {
            "preset": None,
            "dataset": dataset,
            "images": self._done * REPLAY_PER_BATCH,
            "seconds": round(self._seconds, 3),
            "train_accuracy": evaluate(network, train).accuracy,
            "train_count": len(train),
            "test_accuracy": after.accuracy,
            "test_loss": serialization.finite_or_none(after.loss),
            "test_count": len(test),
            "taught_from": self.which,
            "test_accuracy_before": before.accuracy,
            "lessons_before": _predicted(self.model.network, self.drawings),
            "lessons_after": _predicted(network, self.drawings),
            "lessons_digits": self.digits.tolist(),
            "taught_share": self.share,
        }
        lines = (
            json.dumps({"label": lesson.digit, "strokes": lesson.strokes})
            for lesson in self.lessons
        )

        def fill(run: Run) -> None:
            told = {"run": run.id, **result}
            card = {"title": name, "recipe": recipe, **told}
            save_network(network, run.model, taught=odd if len(odd) else None, **card)
            write_atomically(run.path / store.DRAWINGS_FILE, "\n".join(lines).encode())
            store.write_json(run.path / "status.json", {"state": "finished", "result": told})

        return store.create_run(
            recipe, fill, name=name, dataset=dataset, owner=owner, address=address, folder=folder
        )


def read_drawings(run: Run) -> list[LabeledDrawing]:
    """The lessons that a taught network learned from."""
    read = strokes.read_strokes(run.path / store.DRAWINGS_FILE)[:MAX_DRAWINGS]
    return [LabeledDrawing(digit, drawn) for digit, _, drawn in read if digit is not None]


def fine_tune_result(run: Run) -> dict[str, Any] | None:
    """The result that `Teaching.keep` wrote; None where a run was not taught, or is damaged."""
    told = run.status().result
    answers = [told.get(f"lessons_{each}") for each in ("before", "after", "digits")]
    figures = ("test_accuracy", "test_accuracy_before", "test_count", "taught_share")
    whole = (
        all(isinstance(each, list) and each and set(map(type, each)) == {int} for each in answers)
        and len({len(each) for each in answers}) == 1
        and all(serialization.is_number(told.get(name)) for name in figures)
        and all(isinstance(told.get(name), str) for name in ("taught_from", "dataset"))
        and told["dataset"] in DATASETS
    )
    return told if whole else None


def _predicted(network: Network, drawings: Tensor) -> list[int]:
    with torch.inference_mode():
        return network(drawings.unsqueeze(1)).argmax(1).tolist()
