"""Frame recorder: writes what a network is, and says, at chosen steps of its training."""

import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
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
MIN_TIME_S = 0.1  # seconds of its thread that any run may spend on its frames
MAX_TIME_SHARE = 0.02  # of the training time, for all that it does; writing comes first


def frame_steps(total_steps: int) -> list[int]:
    """The steps to record: evenly on a log scale at first, then evenly, both ends included."""
    half = N_FRAMES // 2
    early, late = np.geomspace(1, total_steps, half), np.linspace(0, total_steps, half)
    return sorted({round(step) for step in (*early, *late)})


class FrameRecorder:
    """Writes the frames of a training into a folder: call `record` at each of `steps`.

    The first and the last are always written, the others as far as MAX_TIME_SHARE or MIN_TIME_S
    goes; with the weights as far as MAX_BYTES goes, and otherwise with a survey.
    """

    def __init__(self, folder: Path, training: Trainer) -> None:
        self.steps = frame_steps(training.total_steps)
        self._folder, self._training = folder, training
        self._indices = spread_sample(len(training.test_set), N_SURVEYED)
        self._images = training.test_set.images[self._indices.to(training.device)]
        self._last: dict[str, Tensor] = {}
        self._spent = 0.0
        self._slow_frames = sum(step not in self.steps for step in recorded_steps(folder))
        network = training.network
        state = list(network.state_dict().values())
        other = 30 * N_SURVEYED + 2 * first_filters(network).numel() + 2_000
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
        state = {
            name: (values.half() if values.is_floating_point() else values).cpu()
            for name, values in network.state_dict().items()
        }
        names = [f"layers.{layer.first}.weight" for layer in weight_layers(network)]
        before, self._last = self._last or state, {name: state[name] for name in names}
        changes = [(state[n].float() - before[n].float()).abs().mean() for n in names]
        tensors = {
            "images": torch.tensor(training.step * training.batch_size),
            "test_indices": self._indices,
            "filters": first_filters(network).half(),
            "changes": torch.stack(changes),
        }
        if training.step in self._with_weights:  # then whoever looks can ask the network
            tensors |= {WEIGHTS_PREFIX + name: values for name, values in state.items()}
        else:
            probabilities, silent = survey(network, self._images)
            tensors |= {"probabilities": probabilities.half(), "silent": silent}
        self._folder.mkdir(exist_ok=True)
        content = {name: values.contiguous() for name, values in tensors.items()}
        store.write_atomically(
            frame_path(self._folder, training.step), save(content, {"format": FRAMES_FORMAT})
        )
        if not training.every_step:
            self._spent += time.thread_time() - started

    def _may_spend(self) -> bool:
        """Whether there is time left of this frame's part of MAX_TIME_SHARE of the run."""
        training = self._training
        if training.every_step or training.step in (0, training.total_steps):
            return True
        expected = training.seconds / training.step * training.total_steps
        done = (self.steps.index(training.step) + 1) / len(self.steps)
        return self._spent <= max(MIN_TIME_S, MAX_TIME_SHARE * expected) * done
