"""Frame recorder: writes what a network is, and says, at chosen steps of its training."""

import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from mnistcore.inspection.activations import weight_layers, weight_module
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
MAX_TIME_SHARE = 0.02  # of the training time, for surveys between the first and the last


def frame_steps(total_steps: int) -> list[int]:
    """The steps to record: evenly on a log scale at first, then evenly, both ends included."""
    half = N_FRAMES // 2
    early, late = np.geomspace(1, total_steps, half), np.linspace(0, total_steps, half)
    return sorted({round(step) for step in (*early, *late)})


class FrameRecorder:
    """Writes the frames of a training into a folder: call `record` at each of `steps`.

    Beyond the first and the last, frames are surveyed while that took under MAX_TIME_SHARE of the
    training; where all weights do not fit into MAX_BYTES, evenly chosen frames have them.
    """

    def __init__(self, folder: Path, training: Trainer) -> None:
        self.steps = frame_steps(training.total_steps)
        self._folder, self._training = folder, training
        self._indices = spread_sample(len(training.test_set), N_SURVEYED)
        self._images = training.test_set.images[self._indices.to(training.device)]
        self._last: list[Tensor] = []
        self._spent = self._survey_took = 0.0
        network = training.network
        state = list(network.state_dict().values())
        other = 30 * N_SURVEYED + 2 * first_filters(network).numel() + 2_000
        weights = sum(2 * values.numel() for values in state) + 100 * len(state)
        fit = min(len(self.steps), (MAX_BYTES - len(self.steps) * other) // weights)
        chosen = np.linspace(0, len(self.steps) - 1, fit) if fit > 1 else [-1][:fit]
        self._with_weights = {self.steps[round(place)] for place in chosen}
        for step in recorded_steps(folder):  # of a part that is now repeated
            if step > training.step:
                frame_path(folder, step).unlink(missing_ok=True)

    def record(self) -> None:
        """Write the frame of the training's step; raises OSError."""
        training, network = self._training, self._training.network
        weights = [weight_module(network, layer).weight for layer in weight_layers(network)]
        now = [weight.detach().half().cpu() for weight in weights]
        moved = zip(now, self._last or now, strict=True)
        changes = [(new.float() - old.float()).abs().mean() for new, old in moved]
        self._last = now
        tensors = {
            "images": torch.tensor(training.step * training.batch_size),
            "test_indices": self._indices,
            "filters": first_filters(network).half(),
            "changes": torch.stack(changes),
        }
        if self._may_survey():
            started = time.perf_counter()
            probabilities, silent = survey(network, self._images)
            self._survey_took = time.perf_counter() - started
            self._spent += self._survey_took
            tensors |= {"probabilities": probabilities.half(), "silent": silent}
        if training.step in self._with_weights:
            tensors |= {
                WEIGHTS_PREFIX + name: (
                    values.half() if values.is_floating_point() else values
                ).cpu()
                for name, values in network.state_dict().items()
            }
        self._folder.mkdir(exist_ok=True)
        content = {name: values.contiguous() for name, values in tensors.items()}
        store.write_atomically(
            frame_path(self._folder, training.step), save(content, {"format": FRAMES_FORMAT})
        )

    def _may_survey(self) -> bool:
        if self._training.step in (0, self._training.total_steps):
            return True
        return self._spent + self._survey_took <= MAX_TIME_SHARE * self._training.seconds
