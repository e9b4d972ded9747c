"""Slow motion: a training that goes batch by batch, or ten batches a second, as its owner says.

The owner writes the pace, the worker heeds it after every batch and tells of the batch it has done.
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mnistcore import serialization
from mnistcore.records import BatchRecord, Pace, PaceKind, Prediction, from_dict
from mnistcore.runs import store
from mnistcore.runs.store import Run

if TYPE_CHECKING:  # torch takes seconds to import
    from torch import Tensor

    from mnistcore.training.trainer import Trainer

SLOW_S = 0.1  # from one batch to the next, at the least
MAX_HOLD_S = 180.0  # that a run waits for the next step in its place; then it is paused
YIELD_S = 10.0  # likewise while other runs wait for a place
N_SHOWN = 24  # images of a batch in its record
_PACE, _BATCH = "pace.json", "batch.json"


def read_pace(run: Run) -> Pace:
    """The pace that its owner chose; "full" where none was."""
    try:
        return from_dict(Pace, serialization.read_object(run.path / _PACE))
    except (OSError, ValueError):
        return Pace()


def set_pace(run: Run, kind: PaceKind, visitor: str | None) -> None:
    """Let it go at this pace from its next batch on, before or while it runs; RunError if not the
    owner's. At "step" it waits for `next_batch`."""
    run.require_owner(visitor)
    if kind != read_pace(run).kind:
        with store.disk_errors_as_run_errors(run.path):
            store.write_record(run.path / _PACE, Pace(kind))


def next_batch(run: Run, visitor: str | None) -> None:
    """Let it do one batch more if it goes step by step; RunError if not the owner's.

    At any other pace nothing: a press that comes late never takes a pace back.
    """
    run.require_owner(visitor)
    pace = read_pace(run)
    if pace.kind == "step":
        with store.disk_errors_as_run_errors(run.path):
            store.write_record(run.path / _PACE, Pace("step", pace.until + 1))


def last_batch(run: Run) -> BatchRecord | None:
    """The newest batch, as long as it goes batch by batch; None before the first."""
    try:
        return from_dict(BatchRecord, serialization.read_object(run.path / _BATCH))
    except (OSError, ValueError):
        return None


class SlowMotion:
    """The worker's side: call `after_batch` with every Progress of the first training.

    trainings: a run, whose pace counts, and its twin, if there is one.
    """

    def __init__(self, trainings: Sequence[tuple[Run, "Trainer"]]) -> None:
        self._run, self._training = trainings[0]
        self._tellers = [_BatchTeller(run, training) for run, training in trainings]
        self._forget()

    def after_batch(self) -> None:
        """Tell of the batch, and wait as the pace has it, or until another command comes."""
        begun, patience = time.monotonic(), YIELD_S
        while (pace := read_pace(self._run)).kind != "full":
            for teller in self._tellers:
                teller.tell()
            waited = time.monotonic() - begun
            if (self._run.path / "control").exists() or not self._run.path.is_dir():
                break
            if pace.kind == "slow" and waited >= SLOW_S:
                break
            if pace.kind == "step" and self._training.step < pace.until:
                break
            if pace.kind == "step" and self._training.step > pace.until:  # from here on it counts
                store.write_record(self._run.path / _PACE, Pace("step", self._training.step))
            if pace.kind == "step" and waited > patience:
                if store.queue_order(self._run.path.parent)[1]:
                    store.write_atomically(self._run.path / "control", b"make way")
                    break
                patience += 1.0
            if waited > MAX_HOLD_S:
                store.write_record(self._run.path / _PACE, Pace())
                store.write_atomically(self._run.path / "control", b"pause")
                break
            time.sleep(0.02)
        if pace.kind == "full" and self._training.every_step:
            self._forget()
        for teller in self._tellers:
            teller.training.every_step = pace.kind != "full"

    def _forget(self) -> None:
        """Of a batch that others have followed, or will that nobody tells of, nothing is said."""
        for teller in self._tellers:
            (teller.run.path / _BATCH).unlink(missing_ok=True)


class _BatchTeller:
    def __init__(self, run: Run, training: "Trainer") -> None:
        self.run, self.training = run, training
        self._weights: list[Tensor] = []
        self._step = -1

    def tell(self) -> None:
        """Write the record of this batch, once."""
        import torch

        from mnistcore.inspection.activations import weight_layers, weight_module

        training, network = self.training, self.training.network
        if self._step == training.step:
            return
        layers = [weight_module(network, layer).weight for layer in weight_layers(network)]
        weights = [weight.detach().clone() for weight in layers]
        if training.every_step and training.last_batch:  # else there were others between
            indices, logits, labels = training.last_batch
            confidence, digits = logits.softmax(1).nan_to_num().max(1)
            said = zip(indices.tolist(), digits.tolist(), confidence.tolist(), strict=True)
            moved = zip(weights, self._weights, strict=True)
            record = BatchRecord(
                step=training.step,
                count=len(labels),
                loss=float(torch.nn.functional.cross_entropy(logits, labels)),
                right=int((digits == labels).sum()),
                predictions=tuple(
                    Prediction(index, digit, round(min(share, 1.0), 4))
                    for index, digit, share in list(said)[:N_SHOWN]
                ),
                changes=tuple(float((new - old).abs().mean()) for new, old in moved),
            )
            store.write_record(self.run.path / _BATCH, record)
        self._weights, self._step = weights, training.step
