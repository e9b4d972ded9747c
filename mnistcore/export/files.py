"""The files of formats.py, made and written."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mnistcore.data.digits import Digits
from mnistcore.errors import DataError, ExportError, NotKeptError
from mnistcore.export import pictures
from mnistcore.export.film import make_film
from mnistcore.export.formats import FILM, FORMATS, PAGE, WEIGHTS, ExportFile
from mnistcore.export.model_card import make_model_card
from mnistcore.export.notebook import make_notebook
from mnistcore.export.onnx import to_onnx
from mnistcore.export.subject import Subject
from mnistcore.export.web_page import make_web_page
from mnistcore.inspection.frames import recorded_steps
from mnistcore.models.checkpoint import serialize_network
from mnistcore.runs.store import write_atomically

Report = Callable[[float, float], None]  # how much is done, and of how much


def make_file(
    subject: Subject,
    file: ExportFile,
    load_test_set: Callable[[], Digits] | None = None,
    report: Report = lambda done, of: None,
) -> bytes:
    """Its content; ONNX takes some seconds, and so does the film, which needs the test set.

    Raises ExportError where a package is missing, NotKeptError where there is nothing to show.
    """
    if missing := file.missing():
        raise ExportError(
            f"{file.name} needs {' and '.join(missing)}: type "
            "`pip install -r requirements-export.txt` first."
        )
    if file.name == FILM:
        if not subject.run or not recorded_steps(subject.run.frames) or not load_test_set:
            raise NotKeptError("There is no film: how it learned was not kept.")
        return make_film(subject.run, load_test_set(), report)
    return _MAKERS[file.name](subject)


def write_files(
    subject: Subject,
    formats: Sequence[str],
    folder: Path,
    load_test_set: Callable[[], Digits] | None = None,
    report: Report = lambda done, of: None,
) -> Iterator[Path]:
    """Each file of these FORMATS, written into `folder`; one that is there already is replaced.

    Of several, those are left out for which nothing was kept, or can be had today. What cannot be
    made keeps nothing else from being written; the first error comes last.
    """
    refused: ExportError | DataError | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in (file for name in formats for file in FORMATS[name]):
            try:
                content = make_file(subject, file, load_test_set, report)
            except (ExportError, DataError) as error:
                if len(formats) == 1 or not isinstance(error, NotKeptError | DataError):
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
    "learning-curves.svg": lambda subject: pictures.draw_curves(subject).encode(),
    "confusion-matrix.svg": lambda subject: pictures.draw_confusion(subject).encode(),
    PAGE: lambda subject: make_web_page(subject).encode(),
}
