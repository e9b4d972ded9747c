"""From a picture to an answer: networks by name, their probabilities, and a sentence."""

import functools
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from mnistcore import runs
from mnistcore.doubt import Doubt, Judge
from mnistcore.errors import ModelError
from mnistcore.network import Network, NetworkConfig
from mnistcore.runs import Run, write_atomically

PRETRAINED = Path(__file__).parent / "pretrained"
SHIPPED = "shipped"
_DOUBT = "doubt."  # opens the names of a doubt's weights in a network's file
_TAUGHT = "taught"  # the name of the drawings in it that are digits whatever the doubt says
SURE = 0.75  # the probability from which an answer is given without a "perhaps"


@dataclass(frozen=True)
class Model:
    """A network with a name, ready to read."""

    name: str  # as given to load_model
    title: str  # as shown to a visitor
    network: Network
    judge: Judge | None = None  # tells digits from other drawings; None for the shipped one
    taught: Tensor | None = None  # (m, 28, 28): digits all the same, because somebody taught so

    @torch.inference_mode()
    def probabilities(self, images: Tensor) -> Tensor:
        """images: (n, 28, 28) float32 in [0, 1] -> (n, 10), each row adding up to 1."""
        return self.network(images.unsqueeze(1)).softmax(1)

    @torch.inference_mode()
    def digit_like(self, image: Tensor) -> bool:
        """Whether (28, 28) float32 in [0, 1] looks like a digit at all."""
        judge = self.judge or shipped_judge()
        return not bool(judge.refuses(image[None], self.taught))


@dataclass(frozen=True)
class Reading:
    """What a model says of one picture, for people."""

    digit: int | None  # the best guess; None where there is nothing to read
    probabilities: list[float] | None  # one for each digit
    sure: bool
    sentence: str
    digit_like: bool = True  # False for a scribble, a letter, a face


def read(model: Model, image: Tensor | None, nothing: str = "Draw a digit first.") -> Reading:
    """image: (28, 28) float32 in [0, 1], or None if there is no digit; `nothing` says so."""
    if image is None:
        return Reading(None, None, False, nothing)
    probabilities = model.probabilities(image[None])[0]
    first, second = probabilities.topk(2).indices.tolist()
    digit_like = model.digit_like(image)
    sure = digit_like and float(probabilities[first]) >= SURE
    one, other = (f"{'an' if digit == 8 else 'a'} {digit}" for digit in (first, second))
    sentence = f"This is {one}." if sure else f"Not sure: perhaps {one}, or {other}."
    if not digit_like:
        sentence = f"This does not look like a digit. Perhaps {one}?"
    return Reading(first, probabilities.tolist(), sure, sentence, digit_like)


def models(runs_folder: Path | None = None) -> list[tuple[str, str]]:
    """What `load_model` can be asked for, with titles: the shipped network, then runs by age."""
    known = [(SHIPPED, "The network that comes with the app")]
    for run in runs.list_runs(runs_folder):
        if run.model.is_file() or run.checkpoint.is_file():
            state = run.status().state
            known.append((run.id, run.name if state == "finished" else f"{run.name} ({state})"))
    return known


def source(which: str = SHIPPED, runs_folder: Path | None = None) -> Path:
    """The file that holds the newest weights of a model; changes while its run is under way."""
    if which == SHIPPED:
        return PRETRAINED / "shipped.safetensors"
    if which.endswith(".safetensors"):
        return Path(which)
    run = runs.find(which, runs_folder)
    if run.model.is_file() and run.status().state in ("finished", "stopped"):
        return run.model
    if run.checkpoint.is_file():
        return run.checkpoint
    raise ModelError(f"The run {run.id} has not learned anything yet: wait for its start.")


def load_model(which: str = SHIPPED, runs_folder: Path | None = None) -> Model:
    """The shipped network, one from a .safetensors file, or that of a run, even while it learns.

    Raises ModelError or RunError, in one sentence, if it cannot be had.
    """
    path, judge, taught = source(which, runs_folder), None, None
    if path.suffix == ".safetensors":
        network, card = load_network(path)
        title = card.get("title") or path.stem
        if (doubt := load_doubt(path)) is not None:
            judge = Judge(network, doubt)
        taught = _contents(path)[0].get(_TAUGHT)
    else:
        network = _from_checkpoint(Run(path.parent))
        title = ""
    if which != SHIPPED and not which.endswith(".safetensors"):
        title = Run(path.parent).name
    # Channels last is how processors like it: one image or many, it reads twice as fast.
    network = network.eval().to(memory_format=torch.channels_last)
    return Model(which, title, network, judge, taught)


@functools.cache
def shipped_judge() -> Judge:
    """Says for every network what is no digit: that does not depend on who reads it."""
    judge = load_model().judge
    assert judge is not None
    return judge


def save_network(
    network: Network,
    path: Path,
    *,
    doubt: Doubt | None = None,
    taught: Tensor | None = None,
    **card: Any,
) -> None:
    """Write weights, architecture and what else is worth knowing into one .safetensors file.

    `doubt` goes by this network's views; `taught` is kept for `Model.taught`.
    """
    weights = {name: tensor.contiguous().cpu() for name, tensor in network.state_dict().items()}
    if doubt is not None:
        weights |= {_DOUBT + name: tensor for name, tensor in doubt.state_dict().items()}
    if taught is not None:
        weights[_TAUGHT] = taught
    metadata = {"network": json.dumps(asdict(network.config)), "card": json.dumps(card)}
    write_atomically(path, save(weights, metadata))


def load_network(path: Path) -> tuple[Network, dict[str, Any]]:
    """The inverse of `save_network`: the network and its card."""
    try:
        weights, metadata = _contents(path)
        weights = {n: w for n, w in weights.items() if not n.startswith(_DOUBT) and n != _TAUGHT}
        network = Network(NetworkConfig.from_dict(json.loads(metadata["network"])))
        network.load_state_dict(weights)
    except FileNotFoundError:
        raise ModelError(f"There is no network file {path}.") from None
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"{path} is not a network that this program saved, or it is damaged."
        ) from error
    return network, json.loads(metadata.get("card", "{}"))


def load_doubt(path: Path) -> Doubt | None:
    """What tells digits from other drawings, if `save_network` was given it."""
    weights, _ = _contents(path)
    own = {n.removeprefix(_DOUBT): w for n, w in weights.items() if n.startswith(_DOUBT)}
    if not own:
        return None
    try:
        doubt = Doubt(len(own["mean"]))
        doubt.load_state_dict(own)
    except (KeyError, RuntimeError) as error:
        raise ModelError(f"{path} is damaged: fit its doubt anew with calibrate.") from error
    return doubt.eval().requires_grad_(False)


def _contents(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    with safe_open(path, "pt") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return weights, file.metadata() or {}


def _from_checkpoint(run: Run) -> Network:
    network = Network(NetworkConfig.from_dict(run.config()["recipe"].get("network")))
    try:
        content = io.BytesIO(run.checkpoint.read_bytes())
        state = torch.load(content, map_location="cpu", weights_only=True)
        network.load_state_dict(state["network"])
    except Exception as error:  # torch raises all kinds for a damaged file
        raise ModelError(f"The weights of the run {run.id} are damaged: choose another.") from error
    return network
