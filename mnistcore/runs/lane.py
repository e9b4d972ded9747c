"""Lane: one training and the files that it leaves in its run folder; a worker drives one or two."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mnistcore.data.loading import LoadedDataset
from mnistcore.errors import DivergenceError
from mnistcore.evaluation.metrics import confusion_matrix, evaluate
from mnistcore.evaluation.provenance import seen_places
from mnistcore.models.checkpoint import read_checkpoint, save_checkpoint, save_network
from mnistcore.records import ModelCard, Progress, RunResult, State, to_dict
from mnistcore.runs.status_reporter import StatusReporter
from mnistcore.runs.store import Run
from mnistcore.training.frame_recorder import FrameRecorder
from mnistcore.training.trainer import Trainer, random_state, set_random_state

FINAL_TEST = "It has stopped learning and takes the final test."
N_RECORDS = 300  # records that a run leaves behind, about, however long it is
N_TRAIN_EVALUATION = 10_000  # training images on which the final training accuracy rests


class Lane:
    """One training, from its start or its checkpoint: `advance` until it is `over`, then `finish`.

    Each lane has torch's random numbers for itself: another beside it changes none of its figures.
    """

    def __init__(self, run: Run, reporter: StatusReporter, data: LoadedDataset) -> None:
        self.run = run
        self.progress: Progress | None = None  # the newest
        self.divergence: DivergenceError | None = None  # of which it has ended
        self.own_seconds_left = 0.0  # without the other's
        self.beside: Lane | None = None  # the other one, if there are two
        self._reporter, self._data = reporter, data
        self.training = Trainer(run.train_config(), data.train, data.test)
        self._random = random_state(self.training.device)
        if run.checkpoint.is_file():
            with self._own_random_numbers():
                self.training.restore(read_checkpoint(run.checkpoint))
        if run.curve.is_file():
            _append(run.curve, "")  # a crash may have left half a line: start on a new one
        self._record_due = 0.0  # the step
        self._frames = FrameRecorder(run.frames, self.training)
        self._has_frame = False  # of the newest step
        self.training.stops = frozenset(self._frames.steps)
        self._steps = iter(self.training)

    @property
    def over(self) -> bool:
        """Whether there is nothing left to learn, or no way to."""
        return self.divergence is not None or self.training.step == self.training.total_steps

    @property
    def images(self) -> int:
        """Training images seen so far, repeats included."""
        return self.training.step * self.training.batch_size

    def catch_up(self) -> None:
        """Advance until it has seen as many images as the other lane, or more."""
        while self.beside and not self.over:
            if self.progress and self.images >= self.beside.images:
                break
            self.advance()

    def advance(self) -> None:
        """Train to the next Progress and write it down, and a frame with it if that is due.

        Where the other lane has seen as many images, there is a frame if there is one there, and
        always one at the end.
        """
        beside = self.beside
        try:
            with self._own_random_numbers():
                progress = next(self._steps)
                self.own_seconds_left = progress.seconds_left or 0.0
        except DivergenceError as error:
            self._diverge(error)
            return
        self._has_frame, due = False, None
        if beside and beside.progress:
            if beside.progress.images == progress.images and not self.over:
                due = beside._has_frame
            if progress.seconds_left and not beside.over:  # each waits for the other
                left = progress.seconds_left + beside.own_seconds_left
                progress = replace(progress, seconds_left=left)
        with contextlib.suppress(OSError):  # a full disk costs the replay, not the run
            self._has_frame = self._frames.record_if_due(due)
        self.progress = progress
        # First, so that no figure is shown that the curve does not have.
        if progress.step >= self._record_due or progress.test_accuracy is not None:
            record = to_dict(replace(progress, predictions=(), train_predictions=()))
            _append(self.run.curve, json.dumps(record, allow_nan=False))
            # Every few batches at first, about N_RECORDS in all.
            rest = min(progress.total_steps / N_RECORDS, 0.1 * progress.step)
            self._record_due = progress.step + rest
        self._reporter.progress(progress)

    def save(self) -> None:
        """Write a checkpoint, unless it has diverged."""
        if not self.divergence:
            with self._own_random_numbers():
                save_checkpoint(self.run.checkpoint, self.training.state())

    def finish(self) -> RunResult:
        """Take the final test and save the network; raises DivergenceError if it has diverged."""
        if self.divergence:
            raise self.divergence
        self._reporter.say("testing", FINAL_TEST)
        try:
            result = self._result()
        except DivergenceError as error:
            self._diverge(error)
            raise
        run, training, config = self.run, self.training, self.run.config()
        card = ModelCard(run.name, config.command, training.config, result)
        save_network(training.network, run.model, card)
        done = training.step == training.total_steps
        self._reporter.say("finished" if done else "stopped", result=result)
        if run.status().state == "finished":  # as others read it; then nothing is left to go on
            run.checkpoint.unlink(missing_ok=True)
        return result

    def _result(self) -> RunResult:
        training, progress, config = self.training, self.progress, self.run.config()
        train, test, network = self._data.train, self._data.test, training.network
        if progress and progress.test_count == len(test) and training.last_test:
            labels, score = training.last_test
        else:
            labels, score = test.labels, evaluate(network, test)
            training.require_finite(score.loss)
        taught, defect = training.taught, training.config.defect
        places = seen_places(taught, training.config, self.images) if self.images else taught.places
        places = places[:N_TRAIN_EVALUATION]
        learned = evaluate(network, taught.select(places))
        truly = (learned.predicted == train.labels[places]).double().mean()
        confusion = confusion_matrix(labels, score.predicted).tolist()
        return RunResult(
            run=self.run.id,
            preset=config.preset,
            dataset=train.dataset,
            num_params=sum(p.numel() for p in network.parameters()),
            epochs=training.step / training.batches,
            images=self.images,
            seconds=round(training.seconds, 3),
            images_per_second=round(self.images / training.seconds, 1) if training.seconds else 0.0,
            train_accuracy=learned.accuracy,
            train_count=learned.count,
            test_accuracy=score.accuracy,
            test_loss=score.loss,
            test_count=len(test),
            true_train_accuracy=float(truly) if defect.relabels else None,
            confusion=tuple(map(tuple, confusion)),
        )

    def _diverge(self, error: DivergenceError) -> None:
        """End it. A run is said to be at work still, for its twin may be."""
        self.divergence = error
        state: State = "failed" if self.run.leader else self._reporter.status.state
        result = RunResult(self.run.id, diverged=True)
        self._reporter.say(state, str(error), result=result)

    @contextlib.contextmanager
    def _own_random_numbers(self) -> Iterator[None]:
        """Within it, torch's global random generators go on from where this lane left them."""
        set_random_state(self._random, self.training.device)
        try:
            yield
        finally:
            self._random = random_state(self.training.device)


def _append(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
