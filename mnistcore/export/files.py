"""The files that a network can be taken home in, by what `export --to` calls them."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mnistcore.errors import ExportError
from mnistcore.export.model_card import make_model_card
from mnistcore.export.notebook import WEIGHTS, make_notebook
from mnistcore.export.onnx import to_onnx
from mnistcore.export.subject import Subject
from mnistcore.models.checkpoint import serialize_network
from mnistcore.runs.store import write_atomically


class ExportFile(NamedTuple):
    """One file: its name, what it is in a few words, and how it is made."""

    name: str
    what: str
    make: Callable[[Subject], bytes]


def _notebook(subject: Subject) -> bytes:
    notebook = make_notebook(subject)
    import nbformat  # which is there, or it would have said so

    text: str = nbformat.writes(notebook)
    return text.encode()


def _weights(subject: Subject) -> bytes:
    return serialize_network(subject.network, subject.card)


def _card(subject: Subject) -> bytes:
    return make_model_card(subject).encode()


EXPORTS: dict[str, tuple[ExportFile, ...]] = {
    "notebook": (
        ExportFile("notebook.ipynb", "trains it anew, step by step, in plain PyTorch", _notebook),
    ),
    "safetensors": (
        ExportFile(WEIGHTS, "its weights", _weights),
        ExportFile("model-card.md", "what it is and how good it is", _card),
    ),
    "onnx": (ExportFile("network.onnx", "the network for any ONNX runtime", to_onnx),),
}


def export(subject: Subject, formats: Sequence[str]) -> Iterator[tuple[ExportFile, bytes]]:
    """Each file with its content, as soon as it is made; raises ExportError."""
    for name in formats:
        for file in EXPORTS[name]:
            yield file, file.make(subject)


def write_files(subject: Subject, formats: Sequence[str], folder: Path) -> Iterator[Path]:
    """The same, each written into `folder`; one that is there already is replaced."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in export(subject, formats):
            write_atomically(folder / file.name, content)
            yield folder / file.name
    except OSError as error:
        raise ExportError(
            f"Nothing can be written into {folder} ({error.strerror or error}): make room there, "
            "or name another folder with --out."
        ) from error
