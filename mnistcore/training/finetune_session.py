"""Fine-tuning session: one visitor's labelled drawings, learned by a copy, kept as a run."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from mnistcore.data.defects import taught_set
from mnistcore.data.digits import Digits
from mnistcore.data.loading import DATASETS
from mnistcore.drawing import strokes
from mnistcore.drawing.rasterize import from_strokes
from mnistcore.drawing.strokes import Stroke
from mnistcore.errors import TrainingError
from mnistcore.evaluation.metrics import evaluate
from mnistcore.evaluation.provenance import TrainingProvenance, seen_subset, training_provenance
from mnistcore.models.checkpoint import save_network
from mnistcore.models.network import Network
from mnistcore.models.registry import Model, load_model, shipped_ood_detector
from mnistcore.records import FineTuneResult, ModelCard, RunResult, RunStatus
from mnistcore.runs import store
from mnistcore.runs.store import Run
from mnistcore.serialization import finite_or_none
from mnistcore.training.finetune import N_STEPS, REPLAY_PER_BATCH, fine_tune

N_EVALUATION = 1_000  # images of test and training part each: more take longer than learning
N_SPOILED_REPLAY = 10_000  # images: 8 MB
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
    images = [image for image, _ in seen if image is not None]
    if not images:
        raise TrainingError("Draw at least one digit, and say which it is, to teach the network.")
    return torch.stack(images), torch.tensor([digit for image, digit in seen if image is not None])


def is_full(lessons: Sequence[LabeledDrawing]) -> bool:
    """Whether that is as much as one teaching takes."""
    points = sum(len(stroke) for lesson in lessons for stroke in lesson.strokes)
    return len(lessons) >= MAX_DRAWINGS or points >= MAX_TOTAL_POINTS


def replay_set(learned: TrainingProvenance, train: Digits) -> Digits:
    """What a network is reminded of: all of `train`, or of spoiled images some as it was taught.

    Else one that never saw a 7 would learn it from there, and not from a drawing.
    """
    config = learned.config
    if config is None or not config.defect or not learned.met(train.dataset):
        return train
    taught = taught_set(train, config)
    return taught.select(taught.order(config.seed, 0)[:N_SPOILED_REPLAY]) or train


class FineTuneSession:
    """Learns these lessons while iterated, for the share done, with breaks; `keep` makes a run."""

    def __init__(self, model_id: str, lessons: Sequence[LabeledDrawing], replay: Digits) -> None:
        self.lessons, self.replay = list(lessons)[:MAX_DRAWINGS], replay
        self.model, self.learned = load_model(model_id), training_provenance(model_id)
        self.drawings, self.digits = rasterize_drawings(self.lessons)
        self.network: Network | None = None
        self.alpha = 1.0  # of the way that it went, see limit_forgetting
        self._seconds = 0.0
        self._done = 0
        taught = replay_set(self.learned, replay)
        self._steps = fine_tune(self.model.network, self.drawings, self.digits, taught)

    def __iter__(self) -> Iterator[float]:
        while True:
            started = time.monotonic()
            try:
                self.network = next(self._steps)
            except StopIteration as end:
                self.alpha = self.alpha if end.value is None else end.value
                return
            self._done += 1
            self._seconds += time.monotonic() - started
            yield self._done / N_STEPS

    def learner(self) -> Model:
        """The copy as it stands, after the first step; none of these drawings is refused."""
        assert self.network is not None
        return replace(self.model, network=self.network, accepted_drawings=self.drawings)

    def keep(
        self, test: Digits, owner: str, folder: Path | None = None, *, address: str | None = None
    ) -> Run:
        """Examine the network before and after, and keep it as a finished run; raises RunError."""
        network = self.network
        assert network is not None
        clean = seen_subset(self.learned, self.replay)
        train = (self.replay if clean is None else clean).head(N_EVALUATION)
        test = test.head(N_EVALUATION)
        before, after = evaluate(self.model.network, test), evaluate(network, test)
        base = self.learned.config
        config = base and replace(base, network=network.config)
        name = f"{self.model.title[:40]}, taught my hand"
        # What somebody writes so is a digit, also where nobody else would see one in it.
        odd = self.drawings[shipped_ood_detector().is_ood(self.drawings)]
        result = RunResult(
            dataset=test.dataset,
            images=self._done * REPLAY_PER_BATCH,
            seconds=round(self._seconds, 3),
            train_accuracy=evaluate(network, train).accuracy,
            train_count=len(train),
            test_accuracy=after.accuracy,
            test_loss=finite_or_none(after.loss),
            test_count=len(test),
            fine_tune=FineTuneResult(
                self.model.model_id,
                before.accuracy,
                tuple(self.digits.tolist()),
                _predicted(self.model.network, self.drawings),
                _predicted(network, self.drawings),
                self.alpha,
            ),
        )
        lines = [
            json.dumps({"label": each.digit, "strokes": each.strokes}) for each in self.lessons
        ]

        def fill(run: Run) -> None:
            known = replace(result, run=run.id)
            card = ModelCard(name, train=config, result=known)
            save_network(network, run.model, card, accepted_drawings=odd if len(odd) else None)
            store.write_atomically(run.path / store.DRAWINGS_FILE, "\n".join(lines).encode())
            store.write_record(run.path / "status.json", RunStatus("finished", result=known))

        dataset = test.dataset
        return store.create_run(
            config, fill, name=name, dataset=dataset, owner=owner, address=address, folder=folder
        )


def read_drawings(run: Run) -> list[LabeledDrawing]:
    """The lessons that a taught network learned from."""
    read = strokes.read_strokes(run.path / store.DRAWINGS_FILE)[:MAX_DRAWINGS]
    return [LabeledDrawing(digit, drawn) for digit, _, drawn in read if digit is not None]


def fine_tune_result(run: Run) -> tuple[RunResult, FineTuneResult] | None:
    """What `FineTuneSession.keep` wrote; None where a run was not taught, or is damaged."""
    result = run.status().result
    if result is None or result.fine_tune is None:
        return None
    whole = result.test_accuracy is not None and result.test_count and result.dataset in DATASETS
    return (result, result.fine_tune) if whole else None


def _predicted(network: Network, drawings: Tensor) -> tuple[int, ...]:
    with torch.inference_mode():
        return tuple(network(drawings.unsqueeze(1)).argmax(1).tolist())
