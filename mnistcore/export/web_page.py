"""A page to take along: one network in one HTML file, with a sheet to draw on and no server."""

import base64
import hashlib
import html
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from string import Template
from typing import Any

from mnistcore.config import layer_summary
from mnistcore.data.augment import view_matrices
from mnistcore.drawing.sheet import rasterizer, sheet
from mnistcore.export.model_card import learned_from, measured
from mnistcore.export.quantization import QuantizedLayer, bits_for, quantize
from mnistcore.export.subject import Subject
from mnistcore.inference.predict import CONFIDENCE_THRESHOLD
from mnistcore.viz.theme import GREY, HIGHLIGHT

MAX_BYTES = 600_000  # of the whole file
_PAGE = Path(__file__).parent / "page"
_PEN_WIDTH = 20  # of the sheet's 400 units
_MAX_POINTS = 700  # of the drawing that goes along; a digit has a few hundred
_EXACT_BITS = 14  # with so many, rounding changed none of 10,000 answers of any network tried
_AGAIN = '<button type="button" id="again">My drawing</button>'


def make_web_page(subject: Subject, day: date | None = None) -> str:
    """The page, of MAX_BYTES at most, with a Content Security Policy by which it fetches nothing.

    day: on its certificate; today, if left out. Raises ExportError where the network is too large
    or has run away.
    """
    day = day or date.today()
    bits = bits_for(subject.network.config)
    layers = [_written(layer) for layer in quantize(subject.network, bits)]
    views = view_matrices() if subject.reads_views else []
    drawing = _brief(subject)
    content = {
        "bits": bits,
        "layers": layers,
        "views": [each[:, :2].flatten().tolist() for each in views],
        "threshold": CONFIDENCE_THRESHOLD,
        "pen": _PEN_WIDTH,
        "drawing": drawing,
    }
    colors = f":root {{ --highlight: {HIGHLIGHT}; --grey: {GREY}; }}\n"
    style = colors + sheet("css") + _read("page.css")
    script = sheet("js") + rasterizer() + _read("network.js") + _read("page.js")
    told = {
        "title": subject.title,
        "always": _always(subject),
        "achievement": _achievement(subject),
        "day": f"{day.day} {day:%B %Y}",
    }
    return Template(_read("page.html")).substitute(
        {name: html.escape(text) for name, text in told.items()},
        facts="".join(f"<dt>{a}</dt><dd>{html.escape(b)}</dd>" for a, b in _facts(subject, bits)),
        sheet=sheet("html").replace("{more}", _AGAIN if drawing else ""),
        content=json.dumps(content, separators=(",", ":")).replace("<", "\\u003c"),
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def _written(layer: QuantizedLayer) -> dict[str, Any]:
    """As network.js reads it."""
    summary = layer.summary
    if not layer.codes.size:
        return {"kind": summary.text if summary.kind == "activation" else summary.kind}
    numbers = {
        "weights": layer.pack(),
        "scales": layer.scales.astype("<f4").tobytes(),
        "biases": layer.biases.astype("<f4").tobytes(),
    }
    return {
        "kind": summary.kind,
        "shape": layer.codes.shape,
        "border": summary.args[4] if summary.kind == "conv" else 0,
    } | {name: base64.b64encode(content).decode() for name, content in numbers.items()}


def _brief(subject: Subject) -> list[tuple[list[list[float]], float]]:
    """The drawing that goes along, of a scribble only as many points as there is room for."""
    step = 1 + sum(len(stroke) for stroke, _ in subject.drawing) // _MAX_POINTS
    return [
        ([[round(x, 1), round(y, 1)] for x, y in stroke[::step]], width)
        for stroke, width in subject.drawing[:_MAX_POINTS]
    ]


def _facts(subject: Subject, bits: int) -> Iterator[tuple[str, str]]:
    yield "Learned from", f"{learned_from(subject)}."
    if subject.result and subject.result.images:
        yield "Looked at", f"{subject.result.images:,} training images, repeats included."
    yield "How good it is", measured(subject)
    told = f"{_count(subject):,}, of {bits} bits each"
    if bits < _EXACT_BITS:
        told += (
            ": rounded to fit into this page. So it may read a doubtful digit otherwise than the "
            "network that was measured"
        )
    yield "Weights", f"{told}."
    yield "Layers", " → ".join(layer.text for layer in layer_summary(subject.network.config))


def _count(subject: Subject) -> int:
    return sum(each.numel() for each in subject.network.parameters())


def _always(subject: Subject) -> str:
    told = (
        "This page always picks one of the ten digits, also for a face or a letter: only the app "
        "says when something is no digit at all."
    )
    if subject.reads_views:
        told += (
            " When the pen rests, it looks five times, at the digit as it is, slanted and turned a "
            "little both ways: the bars are the mean."
        )
    return told


def _achievement(subject: Subject) -> str:
    """The rest of a sentence that begins with who takes it home."""
    told = f"a neural network of {_count(subject):,} weights. It was trained on"
    told += f" {learned_from(subject)}"
    result = subject.result
    if result is None or result.test_accuracy is None:
        return f"{told}."
    return (
        f"{told}, and reads {result.test_accuracy:.2%} of {result.test_count:,} test images right, "
        "none of which it learned from."
    )


def _read(name: str) -> str:
    return (_PAGE / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
