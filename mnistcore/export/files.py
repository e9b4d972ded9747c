"""The files of formats.py, made and written."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mnistcore.errors import ExportError
from mnistcore.export.formats import FORMATS, PAGE, WEIGHTS, ExportFile
from mnistcore.export.model_card import make_model_card
from mnistcore.export.notebook import make_notebook
from mnistcore.export.onnx import to_onnx
from mnistcore.export.subject import Subject
from mnistcore.export.web_page import make_web_page
from mnistcore.models.checkpoint import serialize_network
from mnistcore.runs.store import write_atomically


def make_file(subject: Subject, file: ExportFile) -> bytes:
    """Its content; ONNX takes some seconds. Raises ExportError where a package is missing."""
    if missing := file.missing():
        raise ExportError(
            f"{file.name} needs {' and '.join(missing)}: type "
            "`pip install -r requirements-export.txt` first."
        )
    return _MAKERS[file.name](subject)


def write_files(subject: Subject, formats: Sequence[str], folder: Path) -> Iterator[Path]:
    """Each file of these FORMATS, written into `folder`; one that is there already is replaced.

    What cannot be made keeps nothing else from being written; the first ExportError comes last.
    """
    refused = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in (file for name in formats for file in FORMATS[name]):
            try:
                content = make_file(subject, file)
            except ExportError as error:
                refused = refused or error
                continue
            write_atomically(folder / file.name, content)
            yield folder / file.name
    except OSError as error:
        raise ExportError(
            f"Nothing can be written into {folder} ({error.strerror or error}): make room there, "
            "or name another folder with --out."
        ) from error
    if refused:
        raise refused


def _notebook(subject: Subject) -> bytes:
    import nbformat

    text: str = nbformat.writes(make_notebook(subject))
    return text.encode()


_MAKERS: dict[str, Callable[[Subject], bytes]] = {
    "notebook.ipynb": _notebook,
    WEIGHTS: lambda subject: serialize_network(subject.network, subject.card),
    "model-card.md": lambda subject: make_model_card(subject).encode(),
    "network.onnx": to_onnx,
    PAGE: lambda subject: make_web_page(subject).encode(),
}
