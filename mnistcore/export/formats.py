"""In which files a network can be taken home, and what it takes to make them (no torch)."""

from importlib.util import find_spec
from typing import NamedTuple

FILM = "film.gif"
WEIGHTS = "network.safetensors"  # also what the notebook looks for beside itself
PAGE = "network.html"


class ExportFile(NamedTuple):
    """One file: its name, a title, what opens it, and the packages that only this needs."""

    name: str
    title: str
    what: str
    packages: tuple[str, ...] = ()

    def missing(self) -> list[str]:
        """Those of the packages that are not installed."""
        return [package for package in self.packages if find_spec(package) is None]


# By what `export --to` calls them.
FORMATS: dict[str, tuple[ExportFile, ...]] = {
    "html": (
        ExportFile(
            PAGE,
            "Page",
            "To draw on, with this network in it and a certificate. Opens in any browser, without "
            "the internet, also on a phone.",
        ),
    ),
    "notebook": (
        ExportFile(
            "notebook.ipynb",
            "Notebook",
            "Text and code that train it anew, step by step, to change and try. Opens in "
            "Jupyter, Google Colab or VS Code.",
            ("nbformat",),
        ),
    ),
    "safetensors": (
        ExportFile(
            WEIGHTS, "Weights", "All that it has learned, as numbers, for programs in PyTorch."
        ),
        ExportFile("model-card.md", "Model card", "What it is, and how good: to read beside them."),
    ),
    "onnx": (
        ExportFile(
            "network.onnx",
            "ONNX",
            "The network for other programs, without Python: in a browser, on a phone. Takes some "
            "seconds.",
            ("onnx", "onnxscript"),
        ),
    ),
    "pictures": (
        ExportFile(
            "learning-curves.svg",
            "Learning curves",
            "Accuracy and loss, as a picture (SVG) for slides.",
        ),
        ExportFile("confusion-matrix.svg", "Confusion matrix", "What it mixes up, likewise."),
    ),
    "film": (ExportFile(FILM, "Film", "How it learned, as an animated picture."),),
}
