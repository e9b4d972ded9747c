"""Networks by name: the shipped one, files, runs; loaded, ready to read."""

import functools
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mnistcore.config import IMAGE_SIZE
from mnistcore.errors import ModelError
from mnistcore.inference.ood import OODDetector, OODHead, ood_features
from mnistcore.models.checkpoint import (
    ACCEPTED_DRAWINGS,
    OOD_PREFIX,
    build_from_weights,
    foreign_file,
    load_from_checkpoint,
    read_safetensors,
)
from mnistcore.models.network import Network
from mnistcore.runs import store
from mnistcore.runs.store import Run

PRETRAINED = Path(__file__).parent / "pretrained"
SHIPPED = "shipped"


@dataclass(frozen=True)
class Model:
    """A network with a name, ready to read."""

    name: str  # as given to load_model
    title: str  # as shown to a visitor
    network: Network
    judge: OODDetector | None = None  # tells digits from other drawings; None for the shipped one
    taught: Tensor | None = None  # (m, 28, 28): digits all the same, because somebody taught so

    @torch.inference_mode()
    def probabilities(self, images: Tensor) -> Tensor:
        """images: (n, 28, 28) float32 in [0, 1] -> (n, 10), each row adding up to 1."""
        # Weights that have all but run away can give sums that no number holds.
        return self.network(images.unsqueeze(1)).nan_to_num().softmax(1)

    @torch.inference_mode()
    def in_distribution(self, image: Tensor) -> bool:
        """Whether (28, 28) float32 in [0, 1] looks like a digit at all."""
        judge = self.judge or shipped_ood_detector()
        return not bool(judge.is_ood(image[None], self.taught))


def list_models(runs_folder: Path | None = None) -> list[tuple[str, str]]:
    """What `load_model` can be asked for, with titles: the shipped network, then runs by age."""
    known = [(SHIPPED, "The network that comes with the app")]
    for run in store.list_runs(runs_folder):
        if run.model.is_file() or run.checkpoint.is_file():
            state = run.status().state
            known.append((run.id, run.name if state == "finished" else f"{run.name} ({state})"))
    return known


def weights_path(which: str = SHIPPED, runs_folder: Path | None = None) -> Path:
    """The file that holds the newest weights of a model; changes while its run is under way."""
    if which == SHIPPED:
        return PRETRAINED / "shipped.safetensors"
    if which.endswith(".safetensors"):
        return Path(which)
    run = store.find_run(which, runs_folder)
    if run.model.is_file() and run.status().state in ("finished", "stopped"):
        return run.model
    if run.checkpoint.is_file():
        return run.checkpoint
    raise ModelError(f"The run {run.id} has not learned anything yet: wait for its start.")


def load_model(which: str = SHIPPED, runs_folder: Path | None = None) -> Model:
    """The shipped network, one from a .safetensors file, or that of a run, even while it learns.

    Raises ModelError or RunError, in one sentence, if it cannot be had.
    """
    path, judge, taught = weights_path(which, runs_folder), None, None
    if path.suffix == ".safetensors":
        weights, metadata = read_safetensors(path)
        network, card = build_from_weights(path, weights, metadata)
        title = str(card.get("title") or path.stem)
        judge, taught = _ood_detector(path, weights, network), _accepted_drawings(path, weights)
    else:
        network = load_from_checkpoint(Run(path.parent))
        title = ""
    if which != SHIPPED and not which.endswith(".safetensors"):
        title = Run(path.parent).name
    # Channels last is how processors like it: one image or many, it reads twice as fast.
    network = network.eval().to(memory_format=torch.channels_last)
    return Model(which, title, network, judge, taught)


@functools.cache
def shipped_ood_detector() -> OODDetector:
    """Says for every network what is no digit: that does not depend on who reads it."""
    judge = load_model().judge
    assert judge is not None
    return judge


def _ood_detector(path: Path, weights: dict[str, Tensor], network: Network) -> OODDetector | None:
    """Who tells digits from other drawings, if `save_network` was given a doubt."""
    own = {n.removeprefix(OOD_PREFIX): w for n, w in weights.items() if n.startswith(OOD_PREFIX)}
    if not own:
        return None
    doubt = OODHead(ood_features(network.eval(), torch.zeros(1, IMAGE_SIZE, IMAGE_SIZE)).shape[1])
    try:
        doubt.load_state_dict(own)
    except RuntimeError as error:
        raise ModelError(f"{path} is damaged: fit its doubt anew with calibrate.") from error
    return OODDetector(network, doubt.eval().requires_grad_(False))


def _accepted_drawings(path: Path, weights: dict[str, Tensor]) -> Tensor | None:
    taught = weights.get(ACCEPTED_DRAWINGS)
    if taught is None:
        return None
    if (taught.dtype, taught.shape[1:]) != (torch.float32, (IMAGE_SIZE, IMAGE_SIZE)) or not len(
        taught
    ):
        raise foreign_file(path)
    return taught
