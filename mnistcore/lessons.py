"""Lessons of one visitor: drawings with their digits, learned by a copy and kept as a run."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mnistcore import exam, plain, predict, runs, strokes
from mnistcore.data import TITLES, Digits
from mnistcore.drawing import from_strokes
from mnistcore.errors import TrainingError
from mnistcore.network import Network
from mnistcore.runs import Run, write_atomically
from mnistcore.strokes import Stroke
from mnistcore.teach import KNOWN_PER_BATCH, STEPS, teach
from mnistcore.training import evaluate

EXAM = 1_000  # images each of the test and the training part: more would take longer than learning
MOST = 200  # lessons in one teaching; nobody draws more, and a file should not either
MOST_POINTS = 100_000  # in the strokes of all of them together, for the same reason


@dataclass(frozen=True)
class Lesson:
    """One drawing, and which digit it is."""

    digit: int
    strokes: list[Stroke]  # in canvas pixels


def pictures(lessons: Sequence[Lesson]) -> tuple[Tensor, Tensor]:
    """What a network sees of them, (n, 28, 28) float32 in [0, 1], and their digits, (n,) int64."""
    seen = [(from_strokes(lesson.strokes), lesson.digit) for lesson in lessons]
    seen = [(image, digit) for image, digit in seen if image is not None]
    if not seen:
        raise TrainingError("Draw at least one digit, and say which it is, to teach the network.")
    return torch.stack([image for image, _ in seen]), torch.tensor([digit for _, digit in seen])


def is_full(lessons: Sequence[Lesson]) -> bool:
    """Whether that is as much as one teaching takes."""
    points = sum(len(stroke) for lesson in lessons for stroke in lesson.strokes)
    return len(lessons) >= MOST or points >= MOST_POINTS


class Teaching:
    """One network learning these lessons; it can be left between two steps and gone on with.

    `for share in teaching` gives how much is done, from 0 to 1. Then `keep` makes a run of it.
    """

    def __init__(self, which: str, lessons: Sequence[Lesson], known: Digits) -> None:
        self.which, self.lessons, self.known = which, list(lessons)[:MOST], known
        self.model, self.learned = predict.load_model(which), exam.origin(which)
        self.drawings, self.digits = pictures(self.lessons)
        self.network: Network | None = None
        self.share = 1.0  # of the way that it went, see teach.hold_back
        self._seconds = 0.0
        self._done = 0
        self._steps = teach(self.model.network, self.drawings, self.digits, known)

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
            yield self._done / STEPS

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
        clean = exam.known(self.learned, self.known)
        test, train = test.first(EXAM), (self.known if clean is None else clean).first(EXAM)
        before, after = evaluate(self.model.network, test), evaluate(network, test)
        recipe = {**self.learned.recipe, "network": asdict(network.config)}
        name = f"{(title if self.which != predict.SHIPPED else 'Shipped')[:40]}, taught my hand"
        # What somebody writes so is a digit, also where nobody else would see one in it.
        odd = self.drawings[predict.shipped_judge().refuses(self.drawings)]
        result = {
            "preset": None,
            "dataset": dataset,
            "images": self._done * KNOWN_PER_BATCH,
            "seconds": round(self._seconds, 3),
            "train_accuracy": evaluate(network, train).accuracy,
            "train_count": len(train),
            "test_accuracy": after.accuracy,
            "test_loss": plain.finite_or_none(after.loss),
            "test_count": len(test),
            "taught_from": self.which,
            "test_accuracy_before": before.accuracy,
            "lessons_before": _answers(self.model.network, self.drawings),
            "lessons_after": _answers(network, self.drawings),
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
            predict.save_network(network, run.model, taught=odd if len(odd) else None, **card)
            write_atomically(run.path / runs.LESSONS, "\n".join(lines).encode())
            runs.write_json(run.path / "status.json", {"state": "finished", "result": told})

        return runs.create(
            recipe, fill, name=name, dataset=dataset, owner=owner, address=address, folder=folder
        )


def of(run: Run) -> list[Lesson]:
    """The lessons that a taught network learned from."""
    read = strokes.read_strokes(run.path / runs.LESSONS)[:MOST]
    return [Lesson(digit, drawn) for digit, _, drawn in read if digit is not None]


def outcome(run: Run) -> dict[str, Any] | None:
    """The result that `Teaching.keep` wrote; None where a run was not taught, or is damaged."""
    told = run.status().result
    answers = [told.get(f"lessons_{each}") for each in ("before", "after", "digits")]
    figures = ("test_accuracy", "test_accuracy_before", "test_count", "taught_share")
    whole = (
        all(isinstance(each, list) and each and set(map(type, each)) == {int} for each in answers)
        and len({len(each) for each in answers}) == 1
        and all(plain.is_number(told.get(name)) for name in figures)
        and all(isinstance(told.get(name), str) for name in ("taught_from", "dataset"))
        and told["dataset"] in TITLES
    )
    return told if whole else None


def _answers(network: Network, drawings: Tensor) -> list[int]:
    with torch.inference_mode():
        return network(drawings.unsqueeze(1)).argmax(1).tolist()
