"""Weights on disk: network files (.safetensors) and checkpoints (.pt), read and written here alone.

Neither is ever executed: safetensors holds no code, and checkpoints are read with weights_only.
"""

import io
import json
import logging
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from mnistcore import serialization
from mnistcore.config import IMAGE_SIZE, NetworkConfig, TrainConfig
from mnistcore.errors import ModelError, RunError
from mnistcore.inference.ood import OODHead, ood_features
from mnistcore.models.network import Network
from mnistcore.records import FORMAT, ModelCard, from_dict, to_dict
from mnistcore.runs import store
from mnistcore.runs.store import Run
from mnistcore.serialization import MAX_NUMBER

MAX_FILE_BYTES = 200_000_000  # of either, unpacked: the largest checkpoint has 60 million
_OOD_PREFIX = "doubt."  # opens the names of an OODHead's tensors in a network's file
_ACCEPTED_DRAWINGS = "taught"  # the name of the tensor of accepted drawings in it
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SavedNetwork:
    """A network, what is known of it, and what tells it what is no digit."""

    network: Network
    card: ModelCard
    ood_head: OODHead | None = None  # on this network's features, where it was calibrated
    accepted_drawings: Tensor | None = None  # (m, 28, 28) float32, see Model.accepted_drawings


def save_network(
    network: Network,
    path: Path,
    card: ModelCard | None = None,
    *,
    ood_head: OODHead | None = None,
    accepted_drawings: Tensor | None = None,
) -> None:
    """Write a SavedNetwork of these into one .safetensors file; raises OSError."""
    content = serialize_network(
        network, card, ood_head=ood_head, accepted_drawings=accepted_drawings
    )
    store.write_atomically(path, content)


def serialize_network(
    network: Network,
    card: ModelCard | None = None,
    *,
    ood_head: OODHead | None = None,
    accepted_drawings: Tensor | None = None,
) -> bytes:
    """What `save_network` writes."""
    tensors = {name: tensor.contiguous().cpu() for name, tensor in network.state_dict().items()}
    if ood_head is not None:
        tensors |= {_OOD_PREFIX + name: tensor for name, tensor in ood_head.state_dict().items()}
    if accepted_drawings is not None:
        tensors[_ACCEPTED_DRAWINGS] = accepted_drawings
    metadata = {
        "network": json.dumps(asdict(network.config)),
        "card": json.dumps(to_dict(card or ModelCard()), allow_nan=False),
    }
    return save(tensors, metadata)


def load_network(path: Path) -> SavedNetwork:
    """The inverse of `save_network`; raises ModelError for what it cannot have written.

    A head that an older version fitted, on other features, is left out, and the log says so.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError("it is larger than any network")
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
        accepted = tensors.pop(_ACCEPTED_DRAWINGS, None)
        if accepted is not None:
            size = (IMAGE_SIZE, IMAGE_SIZE)
            if accepted.dtype != torch.float32 or accepted.shape[1:] != size or not len(accepted):
                raise ValueError("these are no drawings")
        ood = {name: tensors.pop(name) for name in [*tensors] if name.startswith(_OOD_PREFIX)}
        network = Network(NetworkConfig.from_dict(serialization.parse_object(metadata["network"])))
        network.load_state_dict(tensors)
        card = from_dict(ModelCard, serialization.parse_object(metadata.get("card", "{}")))
    except FileNotFoundError:
        raise ModelError(f"There is no network file {path}.") from None
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
        raise ModelError(  # shown to visitors, so without the folder
            f"{path.name} is not a network that this program saved, or it is damaged: "
            "choose another."
        ) from error
    _require_finite(network)
    return SavedNetwork(network, card, _ood_head(network, ood, path) if ood else None, accepted)


def _ood_head(network: Network, tensors: Mapping[str, Tensor], path: Path) -> OODHead | None:
    """The head that these make, named as in a file, or None if it is not for this network."""
    features = ood_features(network.eval(), torch.zeros(1, IMAGE_SIZE, IMAGE_SIZE))
    head = OODHead(features.shape[1])
    try:
        head.load_state_dict({name.removeprefix(_OOD_PREFIX): tensors[name] for name in tensors})
    except RuntimeError:
        _log.warning("%s was calibrated by an older version: calibrate it anew.", path)
        return None
    return head.eval().requires_grad_(False)


def _require_finite(network: Network) -> None:
    if not all(values.isfinite().all() for values in network.state_dict().values()):
        raise ModelError(
            "The weights of this network grew beyond all bounds: choose another, or train it anew "
            "with a smaller learning rate."
        )


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write `Trainer.state()`, in one step; raises OSError."""
    content = io.BytesIO()
    torch.save({"format": FORMAT, **state}, content)
    store.write_atomically(path, content.getvalue())


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The state that training wrote, for Trainer.restore; raises RunError if it is damaged."""
    try:
        content = io.BytesIO(serialization.read_bounded(path, MAX_FILE_BYTES))
        if sum(each.file_size for each in zipfile.ZipFile(content).infolist()) > MAX_FILE_BYTES:
            raise ValueError("it would unpack to more than any checkpoint has")
        content.seek(0)
        state: dict[str, Any] = torch.load(content, map_location="cpu", weights_only=True)
        if "optimiser" in state:  # in format 1
            state["optimizer"] = state.pop("optimiser")
    except Exception as error:  # torch raises all kinds for a damaged file
        raise RunError("The checkpoint of this run is damaged: start the run anew.") from error
    return state


def load_from_checkpoint(run: Run) -> SavedNetwork:
    """The network as the run's newest checkpoint has it; raises ModelError."""
    try:
        config = run.train_config()
        network = Network(config.network)
        network.load_state_dict(read_checkpoint(run.checkpoint)["network"])
    except Exception as error:  # torch raises all kinds for what does not fit
        raise ModelError(f"The weights of the run {run.id} are damaged: choose another.") from error
    _require_finite(network)
    return SavedNetwork(network, ModelCard(title=run.name, train=config))


def images_seen(checkpoint: Path, config: TrainConfig) -> int:
    """How many were shown before it was written (its run's status is ahead); 0 if damaged."""
    try:
        images = int(read_checkpoint(checkpoint)["step"]) * config.batch_size
    except (RunError, KeyError, TypeError, ValueError, OverflowError):
        return 0
    return images if 0 <= images <= MAX_NUMBER else 0
