"""Weights on disk: network files (.safetensors) and checkpoints, read and written here alone."""

import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from mnistcore import serialization
from mnistcore.config import NetworkConfig
from mnistcore.errors import ModelError, RunError
from mnistcore.inference.ood import OODHead
from mnistcore.models.network import Network
from mnistcore.runs.store import Run, write_atomically


def images_seen(checkpoint: Path, recipe: Mapping[str, Any]) -> int:
    """How many images were shown before it was written: the status of its run is ahead of it."""
    try:
        step = torch.load(checkpoint, map_location="cpu", weights_only=True)["step"]
        return int(step) * int(recipe["batch_size"])
    except Exception:  # torch raises all kinds for a damaged file; whoever loads it says so
        return 0


OOD_PREFIX = "doubt."  # opens the names of a doubt's weights in a network's file
ACCEPTED_DRAWINGS = (
    "taught"  # the name of the drawings in it that are digits whatever the doubt says
)


def save_network(
    network: Network,
    path: Path,
    *,
    doubt: OODHead | None = None,
    taught: Tensor | None = None,
    **card: Any,
) -> None:
    """Write weights, architecture and what else is worth knowing into one .safetensors file.

    `doubt` goes by this network's views; `taught` is kept for `Model.taught`.
    """
    weights = {name: tensor.contiguous().cpu() for name, tensor in network.state_dict().items()}
    if doubt is not None:
        weights |= {OOD_PREFIX + name: tensor for name, tensor in doubt.state_dict().items()}
    if taught is not None:
        weights[ACCEPTED_DRAWINGS] = taught
    metadata = {
        "network": json.dumps(asdict(network.config)),
        "card": json.dumps(card, allow_nan=False),
    }
    write_atomically(path, save(weights, metadata))


def load_network(path: Path) -> tuple[Network, dict[str, Any]]:
    """The inverse of `save_network`: the network and its card."""
    return build_from_weights(path, *read_safetensors(path))


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Every tensor in a .safetensors file by its name, and what is written beside them."""
    try:
        with safe_open(path, "pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return weights, file.metadata() or {}
    except FileNotFoundError:
        raise ModelError(f"There is no network file {path}.") from None
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise foreign_file(path) from error


def build_from_weights(
    path: Path, weights: dict[str, Tensor], metadata: dict[str, str]
) -> tuple[Network, dict[str, Any]]:
    """The network and its card from what `read_safetensors` gave."""
    own = {
        n: w for n, w in weights.items() if not n.startswith(OOD_PREFIX) and n != ACCEPTED_DRAWINGS
    }
    try:
        network = Network(NetworkConfig.from_dict(serialization.parse_object(metadata["network"])))
        network.load_state_dict(own)
        card = serialization.parse_object(metadata.get("card", "{}"))
    except (KeyError, ValueError, RuntimeError) as error:
        raise foreign_file(path) from error
    _require_finite(network)
    return network, card


def foreign_file(path: Path) -> ModelError:
    """What is raised for a file that does not hold a network of ours."""
    return ModelError(f"{path} is not a network that this program saved, or it is damaged.")


def load_from_checkpoint(run: Run) -> Network:
    """The network as the run's newest checkpoint has it; raises ModelError."""
    recipe = run.config()["recipe"]
    try:
        network = Network(NetworkConfig.from_dict(recipe["network"]))
        content = io.BytesIO(run.checkpoint.read_bytes())
        state = torch.load(content, map_location="cpu", weights_only=True)
        network.load_state_dict(state["network"])
    except Exception as error:  # torch raises all kinds for a damaged file
        raise ModelError(f"The weights of the run {run.id} are damaged: choose another.") from error
    _require_finite(network)
    return network


def _require_finite(network: Network) -> None:
    if not all(values.isfinite().all() for values in network.state_dict().values()):
        raise ModelError(
            "The weights of this network grew beyond all bounds: choose another, or train it anew "
            "with a smaller learning rate."
        )


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The state that training wrote, for Trainer.restore; raises RunError if it is damaged."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises all kinds for a damaged file
        raise RunError("The checkpoint of this run is damaged: start the run anew.") from error
