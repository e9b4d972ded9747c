"""In which files a network can be taken home, and what it takes to make them (no torch)."""

from importlib.util import find_spec
from typing import NamedTuple

WEIGHTS = "network.safetensors"  # also what the notebook looks for beside itself


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
    "notebook": (
        ExportFile(
            "notebook.ipynb",
            "Notebook",
            "For Jupyter: trains it anew in plain PyTorch, step by step, to change and try.",
            ("nbformat",),
        ),
    ),
    "safetensors": (
        ExportFile(WEIGHTS, "Weights", "Its numbers, for PyTorch and for this app."),
        ExportFile("model-card.md", "Model card", "What it is, and how good: to read beside them."),
    ),
    "onnx": (
        ExportFile(
            "network.onnx",
            "ONNX",
            "For any ONNX runtime, without Python, also in a browser or on a phone.",
            ("onnx", "onnxscript"),
        ),
    ),
}
