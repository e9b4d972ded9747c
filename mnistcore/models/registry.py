"""Model registry: networks by their id, the shipped one, files and runs, loaded for inference."""

import functools
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from mnistcore.data.augment import views
from mnistcore.errors import ModelError
from mnistcore.inference.ood import OODDetector
from mnistcore.inspection.frames import frame_path, read_frame
from mnistcore.models.checkpoint import SavedNetwork, load_from_checkpoint, load_network
from mnistcore.models.network import Network
from mnistcore.records import ModelCard
from mnistcore.runs import store
from mnistcore.runs.store import Run

PRETRAINED = Path(__file__).parent / "pretrained"
SHIPPED = "shipped"
SHIPPED_TITLE = "The app's network"


@dataclass(frozen=True)
class Model:
    """A network under a name, in evaluation mode. Shared by all visitors: never change it."""

    model_id: str  # as given to load_model
    title: str  # as shown to a visitor
    network: Network
    ood_detector: OODDetector | None = None  # its own; without one, the shipped network's counts
    accepted_drawings: Tensor | None = None  # (m, 28, 28): in distribution, for somebody drew them

    @property
    def reads_views(self) -> bool:
        """Whether it may average; a taught copy has learned a drawing as it is, not its views."""
        return self.model_id == SHIPPED

    @torch.inference_mode()
    def probabilities(self, images: Tensor, averaged: bool = False) -> Tensor:
        """images: (n, 28, 28) float32 in [0, 1] -> (n, 10), each row adding up to 1.

        averaged: if it `reads_views`, the mean over these of each image (test-time augmentation).
        """
        if averaged and self.reads_views:
            return torch.stack([self.probabilities(v[:, 0]) for v in views(images[:, None])]).mean(
                0
            )
        # Weights that have all but run away can give sums that no number holds.
        logits: Tensor = self.network(images.unsqueeze(1))
        return logits.nan_to_num().softmax(1)

    @torch.inference_mode()
    def in_distribution(self, image: Tensor) -> bool:
        """Whether (28, 28) float32 in [0, 1] looks like a digit at all."""
        detector = self.ood_detector or shipped_ood_detector()
        return not bool(detector.is_ood(image[None], self.accepted_drawings))


def list_models(runs_folder: Path | None = None) -> list[tuple[str, str]]:
    """What `load_model` can be asked for, with titles: the shipped network, then runs by age."""
    known = [(SHIPPED, SHIPPED_TITLE)]
    runs = [each for run in store.list_runs(runs_folder) for each in (run, run.twin) if each]
    for run in runs:
        if run.model.is_file() or run.checkpoint.is_file():
            state = run.status().state
            known.append((run.id, run.name if state == "finished" else f"{run.name} ({state})"))
    return known


def weights_path(model_id: str = SHIPPED, runs_folder: Path | None = None) -> Path:
    """The file that holds the newest weights of a model; changes while its run is under way."""
    if model_id == SHIPPED:
        return PRETRAINED / "shipped.safetensors"
    if model_id.endswith(".safetensors"):
        return Path(model_id)
    run, (_, step) = store.find_run(model_id, runs_folder), store.split_moment(model_id)
    if step is not None:
        path = frame_path(run.frames, step)
        if not path.is_file():
            raise _not_kept(run)
        return path
    if run.model.is_file() and run.status().state in ("finished", "stopped"):
        return run.model
    if run.checkpoint.is_file():
        return run.checkpoint
    raise ModelError(f"The run {run.id} has not learned anything yet: wait for its start.")


def load_model(model_id: str = SHIPPED, runs_folder: Path | None = None) -> Model:
    """The shipped network, a file's or a run's, even while it learns; else ModelError, RunError."""
    saved = load_saved(model_id, runs_folder)
    # Channels last is how processors like it: one image or many, it reads twice as fast.
    network = saved.network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch lacks it
    detector = OODDetector(network, saved.ood_head) if saved.ood_head is not None else None
    return Model(model_id, saved.card.title, network, detector, saved.accepted_drawings)


def load_saved(model_id: str = SHIPPED, runs_folder: Path | None = None) -> SavedNetwork:
    """The same as it is kept, its card under the title that it has today."""
    path = weights_path(model_id, runs_folder)
    _, step = store.split_moment(model_id)
    if step is not None:
        saved = _load_moment(store.find_run(model_id, runs_folder), step)
    elif path.suffix == ".safetensors":
        saved = load_network(path)
    else:
        saved = load_from_checkpoint(Run(path.parent))
    title = SHIPPED_TITLE if model_id == SHIPPED else saved.card.title or path.stem
    if step is None and model_id != SHIPPED and not model_id.endswith(".safetensors"):
        title = Run(path.parent).name  # which may have changed since
    return replace(saved, card=replace(saved.card, title=title))


def _load_moment(run: Run, step: int) -> SavedNetwork:
    frame, config = read_frame(run.frames, step), run.config().train
    network = frame.network(config.network) if frame and config else None
    if frame is None or network is None:
        raise _not_kept(run)
    title = f"{run.name}, after {frame.images:,} images"
    return SavedNetwork(network, ModelCard(title=title, train=config))


def _not_kept(run: Run) -> ModelError:
    return ModelError(f"The network of that moment was not kept: choose {run.id} itself.")


@functools.cache
def shipped_ood_detector() -> OODDetector:
    """Says for every network what is no digit: that does not depend on who reads it."""
    detector = load_model().ood_detector
    assert detector is not None
    return detector
