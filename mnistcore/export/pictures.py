"""Charts as SVG, drawn without a browser: the learning curves and the confusion matrix of a run."""

import math
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from mnistcore.errors import NotKeptError
from mnistcore.export.subject import Subject
from mnistcore.viz import learning_curves, theme

_WIDTH, _LEFT, _RIGHT = 720, 70, 690
_HEAD, _PANEL, _PLOT = 44, 330, (60, 270)  # pixels: of the title, of a chart, of its axes in it
_CELL = 56, 36
_DASHES = {"dashed": "9 6", "dotted": "3 5"}


def draw_curves(subject: Subject) -> str:
    """Accuracy and loss over the images seen, as the app draws them; NotKeptError without any."""
    records = subject.run.metrics() if subject.run else []
    images = records[-1].planned_images if records else None
    if images is None:
        raise NotKeptError("There is no curve: how it learned was not kept.")
    curves = [learning_curves.Curve(subject.title, records, images)]
    charts = learning_curves.accuracy_chart(curves), learning_curves.loss_chart(curves)
    parts = [part for at, chart in enumerate(charts) for part in _panel(chart, _HEAD + at * _PANEL)]
    return _sheet(subject.title, parts, _HEAD + len(charts) * _PANEL)


def draw_confusion(subject: Subject) -> str:
    """How many test images of each digit (rows) were read as which; NotKeptError if not counted."""
    counts = subject.result.confusion if subject.result else ()
    if not counts:
        raise NotKeptError("There is no confusion matrix: its test was not counted by digits.")
    most = max(
        1, *(n for true, row in enumerate(counts) for said, n in enumerate(row) if true != said)
    )
    wide, high = _CELL
    parts = [_text("read as", _LEFT + 5 * wide, _HEAD + 12, "middle")]
    parts += [_text("digit", 16, _HEAD + 46)]
    for digit in range(len(counts)):
        above = _LEFT + (digit + 0.5) * wide, _HEAD + 46
        beside = _LEFT - 22, _HEAD + 81 + digit * high
        parts += [_text(str(digit), x, y, "middle", weight=700) for x, y in (above, beside)]
    for place in range(len(counts) ** 2):
        true, said = divmod(place, len(counts))
        count, is_right = counts[true][said], true == said
        share = 0.05 if is_right else max(0.05, 0.65 * math.sqrt(count / most))
        left, top = _LEFT + said * wide, _HEAD + 58 + true * high
        box = f'x="{left + 1}" y="{top + 1}" width="{wide - 2}" height="{high - 2}" rx="4"'
        parts.append(f'<rect {box} fill="{theme.BLUE}" fill-opacity="{share:.2f}"/>')
        words, weight = f"{count:,}" if count else "·", 700 if is_right else 400
        parts.append(_text(words, left + wide / 2, top + 23, "middle", weight=weight))
    return _sheet(f"{subject.title}: what it mixes up", parts, _HEAD + 70 + 10 * high)


def _sheet(title: str, parts: Sequence[str], height: int) -> str:
    head = f'width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {head} font-family="sans-serif" role="img">',
            f"<title>{escape(title)}</title>",
            f'<rect width="100%" height="100%" fill="{theme.PAPER}"/>',
            _text(title, 16, 30, size=20, weight=700),
            *parts,
            "</svg>\n",
        ]
    )


def _text(
    words: str, x: float, y: float, anchor: str = "start", *, size: int = 15, weight: int = 400
) -> str:
    look = f'font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" fill="{theme.INK}"'
    return f'<text x="{x:g}" y="{y:g}" {look}>{escape(words)}</text>'


def _panel(chart: dict[str, Any], top: int) -> list[str]:
    """One chart of ECharts options: title, names of the lines, axes, lines."""
    across, up = chart["xAxis"], chart["yAxis"]
    above, below = (top + edge for edge in _PLOT)
    is_log = up["type"] == "log"
    low, high = (math.log10(up[end]) if is_log else up[end] for end in ("min", "max"))

    def place(x: float, y: float) -> tuple[float, float]:
        y = math.log10(y) if is_log else y
        share = min(max((y - low) / (high - low), 0.0), 1.0)
        right = _LEFT + (_RIGHT - _LEFT) * x / max(across["max"], 1)
        return right, below - (below - above) * share

    parts = [_text(chart["title"]["text"], 16, top + 22, size=16, weight=700)]
    steps = round(high - low) if is_log else 5
    for number in range(steps + 1):
        value = low + (high - low) * number / steps
        value = 10**value if is_log else value
        y = place(0, value)[1]
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_RIGHT}" stroke="{theme.GREY}" opacity="0.3"/>')
        parts.append(_text(f"{value:,g}", _LEFT - 8, y + 5, "end"))
    for number in range(5):
        seen = across["max"] * number / 4
        anchor = "middle" if number < 4 else "end"
        parts.append(_text(f"{seen:,.0f}", place(seen, up["min"])[0], below + 22, anchor))
    parts.append(_text(across["name"], (_LEFT + _RIGHT) / 2, below + 44, "middle"))
    for number, line in enumerate(chart["series"]):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*each) for each in line["data"]))
        dash = _DASHES.get(str(line["lineStyle"].get("type")), "none")
        look = f'fill="none" stroke="{line["color"]}" stroke-width="3" stroke-dasharray="{dash}"'
        parts.append(f'<polyline points="{points}" {look}/>')
        left = _LEFT + 170 * number
        parts.append(f'<path d="M{left} {top + 44}h28" {look}/>')
        parts.append(_text(line["name"], left + 36, top + 49))
    return parts
