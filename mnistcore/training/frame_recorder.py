"""Frame recorder: writes what a network is, and says, at chosen steps of its training."""

import statistics
import time
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from mnistcore.inspection.activations import weight_layers
from mnistcore.inspection.frames import (
    FRAMES_FORMAT,
    MAX_BYTES,
    N_SURVEYED,
    WEIGHTS_PREFIX,
    first_filters,
    frame_path,
    recorded_steps,
    survey,
)
from mnistcore.runs import store
from mnistcore.training.trainer import Trainer, spread_sample

N_FRAMES = 60  # of a run, at the most
N_SLOW_FRAMES = 60  # and as many more, without weights, in slow motion
MAX_TIME_SHARE = 0.02  # of the training time, for all that it does


def frame_steps(total_steps: int) -> list[int]:
    """The steps to record: evenly on a log scale at first, then evenly, both ends included."""
    half = N_FRAMES // 2
    early, late = np.geomspace(1, total_steps, half), np.linspace(0, total_steps, half)
    return sorted({round(step) for step in (*early, *late)})


class FrameRecorder:
    """Writes the frames of a training into a folder: call `record` at each of `steps`.

    The first and the last are always written, the others as far as MAX_TIME_SHARE goes: those with
    the weights, as many as MAX_BYTES holds, and in the time that these leave, others with a survey.
    """

    def __init__(self, folder: Path, training: Trainer) -> None:
        self.steps = frame_steps(training.total_steps)
        self._folder, self._training = folder, training
        self._indices = spread_sample(len(training.test_set), N_SURVEYED)
        self._images = training.test_set.images[self._indices.to(training.device)]
        self._last: dict[str, Tensor] = {}
        # Seconds of the thread for each frame so far, by whether it holds the weights.
        self._took: dict[bool, list[float]] = {True: [], False: []}
        self._slow_frames = sum(step not in self.steps for step in recorded_steps(folder))
        network = training.network
        self._names = [f"layers.{layer.first}.weight" for layer in weight_layers(network)]
        state = list(network.state_dict().values())
        filters = first_filters(network.state_dict()[self._names[0]])
        other = 30 * N_SURVEYED + 2 * filters.numel() + 2_000
        weights = sum(2 * values.numel() for values in state) + 100 * len(state)
        room = MAX_BYTES - (len(self.steps) + N_SLOW_FRAMES) * other
        fit = max(0, min(len(self.steps), room // weights))
        chosen = np.linspace(0, len(self.steps) - 1, fit) if fit > 1 else [-1][:fit]
        self._with_weights = {self.steps[round(place)] for place in chosen}
        for step in recorded_steps(folder):  # of a part that is now repeated
            if step > training.step:
                frame_path(folder, step).unlink(missing_ok=True)

    def record_if_due(self, due: bool | None = None) -> bool:
        """Write a frame at each of `steps`, and in slow motion at others; whether it did.

        due: decided elsewhere. Raises OSError.
        """
        training = self._training
        if due is None and training.every_step and training.step not in self.steps:
            due = self._slow_frames < N_SLOW_FRAMES
            self._slow_frames += due
        elif due is None:
            due = training.step in self.steps and self._may_spend()
        if due:
            self.record()
        return due

    def record(self) -> None:
        """Write the frame of the training's step; raises OSError."""
        started = time.thread_time()
        training, network = self._training, self._training.network
        state = {name: values.cpu() for name, values in network.state_dict().items()}
        before, self._last = self._last, {name: state[name].clone() for name in self._names}
        changes = [(now - before.get(name, now)).abs().mean() for name, now in self._last.items()]
        tensors = {
            "images": torch.tensor(training.step * training.batch_size),
            "test_indices": self._indices,
            "filters": first_filters(self._last[self._names[0]]).half(),
            "changes": torch.stack(changes),
        }
        with_weights = training.step in self._with_weights
        if with_weights:  # then whoever looks can ask the network
            halves = ((n, v.half() if v.is_floating_point() else v) for n, v in state.items())
            tensors |= {WEIGHTS_PREFIX + name: values for name, values in halves}
        else:
            probabilities, silent = survey(network, self._images)
            tensors |= {"probabilities": probabilities.half(), "silent": silent}
        self._folder.mkdir(exist_ok=True)
        content = {name: values.contiguous() for name, values in tensors.items()}
        with store.replacing(frame_path(self._folder, training.step)) as scratch:
            try:
                save_file(content, scratch, {"format": FRAMES_FORMAT})
            except SafetensorError as error:  # as which it tells of a full disk
                raise OSError(str(error)) from error
        if not training.every_step:
            self._took[with_weights].append(time.thread_time() - started)

    def _may_spend(self) -> bool:
        """Whether there is time left of this frame's part of MAX_TIME_SHARE of the run."""
        training = self._training
        if training.every_step or training.step in (0, training.total_steps):
            return True
        budget = MAX_TIME_SHARE * training.busy / training.step * training.total_steps
        done = (self.steps.index(training.step) + 1) / len(self.steps)
        weights, surveys = self._took[True], self._took[False]
        if training.step in self._with_weights:
            return sum(weights) + sum(surveys) <= budget * done
        left = budget - len(self._with_weights) * statistics.median(weights or [0.0])
        # As long as none was made: images go forward in a third of the time that they train in.
        guess = training.busy / (training.step * training.batch_size) * N_SURVEYED / 3
        return sum(surveys) + statistics.median(surveys or [guess]) <= left * done
