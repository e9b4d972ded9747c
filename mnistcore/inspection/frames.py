"""Frames: snapshots of a network while it trains, one safetensors file per recorded step.

`<run>/frames/<step>.safetensors` holds tensors by these names, and "format" in its metadata:

    images          ()        int64    training images seen
    test_indices    (n,)      int64    the same n <= N_SURVEYED test images in every frame
    filters         (k, h, w) float16  weights of the first layer's first k units
    changes         (layers,) float32  mean |change| of each layer's weights since the last frame
    probabilities   (n, 10)   float16  softmax over those test images  } where time allowed
    silent          (layers,) float32  share of units alike for all n  } (see `survey`)
    weights.<name>  any       float16  the state_dict, where MAX_BYTES allowed

A frame without its survey, but with its weights, is surveyed by whoever looks at it.
"""

import contextlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from mnistcore.config import IMAGE_SIZE, NetworkConfig, layer_summary
from mnistcore.data.digits import Digits
from mnistcore.models.network import Network, as_batch, eval_mode

FRAMES_FORMAT = "1"
N_SURVEYED = 500  # test images
N_FILTERS = 32
MAX_BYTES = 20_000_000  # of all frames of a run
WEIGHTS_PREFIX = "weights."


@dataclass(frozen=True)
class Frame:
    """A network at one step, see above; None for what its file does not hold."""

    step: int
    images: int
    test_indices: Tensor
    filters: Tensor
    changes: Tensor
    probabilities: Tensor | None = None
    silent: Tensor | None = None
    weights: dict[str, Tensor] | None = None

    def network(self, config: NetworkConfig) -> Network | None:
        """The network of that moment in evaluation mode, None without weights that fit."""
        with torch.device("meta"):  # shapes only: the numbers are here already
            network = Network(config)
        try:
            network.load_state_dict(self.weights or {}, assign=True)
        except RuntimeError:
            return None
        return network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]  # torch lacks it

    def surveyed(self, config: NetworkConfig, test_set: Digits) -> "Frame":
        """With its survey, made from its weights if it has none; as it is if that cannot be."""
        network = None if self.probabilities is not None else self.network(config)
        if network is None or int(self.test_indices.max()) >= len(test_set):
            return self
        probabilities, silent = survey(network, test_set.images[self.test_indices])
        return replace(self, probabilities=probabilities, silent=silent)


@torch.no_grad()
def survey(network: Network, images: Tensor) -> tuple[Tensor, Tensor]:
    """What a network says of (n, 28, 28) images: (n, 10) probabilities, and for each layer with an
    activation its share of dead units: their largest activation is the same for all n."""
    peaks: dict[nn.Module, list[Tensor]] = {}

    def note(module: nn.Module, _: object, out: Tensor) -> None:
        peaks.setdefault(module, []).append(out.flatten(2).amax(2) if out.ndim == 4 else out)

    kinds = (layer.kind for layer in layer_summary(network.config)[1:])
    layers = [m for m, kind in zip(network.layers, kinds, strict=True) if kind == "activation"]
    hooks = [layer.register_forward_hook(note) for layer in layers]
    with eval_mode(network):
        batches = as_batch(images, network).split(100)
        logits = torch.cat([network(batch) for batch in batches]).nan_to_num().cpu()
    for hook in hooks:
        hook.remove()
    units = [torch.cat(peaks[layer]) for layer in layers]
    silent = [(each.amax(0) == each.amin(0)).float().mean().cpu() for each in units]
    return logits.softmax(1), torch.stack(silent) if silent else torch.zeros(0)


def first_filters(weight: Tensor) -> Tensor:
    """(k, h, w): kernels of a first convolution, or 28 x 28 weights of dense units, from the
    layer's (units, channels, h, w) or (units, 784)."""
    few = weight[:N_FILTERS]
    return few.sum(1) if few.ndim == 4 else few.unflatten(1, (IMAGE_SIZE, IMAGE_SIZE))


def recorded_steps(folder: Path) -> list[int]:
    """The steps of which a folder has frames, in order."""
    with contextlib.suppress(OSError):
        names = (path.stem for path in folder.glob("*.safetensors"))
        return sorted(int(name) for name in names if name.isdecimal() and len(name) < 10)
    return []


def read_frame(folder: Path, step: int) -> Frame | None:
    """The frame of a step; None if it is missing, torn, or none of this program's."""
    path = frame_path(folder, step)
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        with safe_open(path, "pt") as file:
            if (file.metadata() or {}).get("format") != FRAMES_FORMAT:
                return None
            found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        # As they are reckoned with: the processor is slow with 16 bits.
        found = {n: v.float() if v.is_floating_point() else v for n, v in found.items()}
        weights = {
            n.removeprefix(WEIGHTS_PREFIX): v
            for n, v in found.items()
            if n.startswith(WEIGHTS_PREFIX)
        }
        frame = Frame(
            step,
            int(found["images"]),
            found["test_indices"].long(),
            found["filters"].nan_to_num(),
            found["changes"].nan_to_num(),
            found.get("probabilities"),
            found.get("silent"),
            weights or None,
        )
        n = len(frame.test_indices)
        if (
            not 0 < n <= N_SURVEYED
            or frame.test_indices.amin() < 0
            or frame.filters.ndim != 3
            or not 0 < len(frame.filters) <= N_FILTERS
            or max(frame.filters.shape) > IMAGE_SIZE + N_FILTERS
            or (frame.probabilities is not None and frame.probabilities.shape != (n, 10))
        ):
            return None
    except (OSError, SafetensorError, KeyError, ValueError, RuntimeError):
        return None
    return frame


def frame_path(folder: Path, step: int) -> Path:
    """The file of a frame, be it there or not."""
    return folder / f"{step:07d}.safetensors"


class Answer(NamedTuple):
    """What a network said of one image at one step."""

    step: int
    images: int  # training images seen by then
    probabilities: Tensor  # (10,)


def answer(folder: Path, step: int, config: NetworkConfig, image: Tensor) -> Answer | None:
    """What the network of a step says of (28, 28) float32 in [0, 1]; None if it was not kept."""
    frame = read_frame(folder, step)
    network = frame.network(config) if frame else None
    if frame is None or network is None:
        return None
    with torch.inference_mode():
        logits = network(image[None, None])[0]
    return Answer(step, frame.images, logits.nan_to_num().softmax(0))


def settled_at(answers: Sequence[Answer]) -> Answer:
    """The first of some answers, in order, from which on the digit stays what it is in the end."""
    digits = [int(each.probabilities.argmax()) for each in answers]
    stays = itertools.takewhile(lambda digit: digit == digits[-1], reversed(digits))
    return answers[-sum(1 for _ in stays)]
