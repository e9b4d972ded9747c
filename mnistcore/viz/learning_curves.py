"""Learning curves of runs as ECharts options; the axes stand still while the lines grow."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from mnistcore.records import Progress
from mnistcore.serialization import is_finite
from mnistcore.viz.theme import BLUE, GREY, LINE_COLORS, LINE_DASHES, ORANGE

CORNER = 40  # pixels to the right of a title, for a button
LINE = 18  # pixels that a name above a chart takes
MAX_POINTS = 400  # drawn per line at the most; more only cost time
LOSS_AXES = (2.5, 5, 10)  # where a loss axis may end: a guess, at 2.3, stays well above the floor
LEAST, MOST = 1e-3, 1e6  # the ends of an axis by powers of ten: whatever is beyond lies on them


class Curve(NamedTuple):
    """One run to be drawn."""

    name: str
    records: Sequence[Progress]  # in order
    images: int  # that the whole run will see
    is_twin: bool = False  # of the run before it
    ceiling: float | None = None  # of its training accuracy, but for labels learned by heart


def accuracy_chart(
    curves: Sequence[Curve], least: float = 0.0, bet: float | None = None
) -> dict[str, Any]:
    """Accuracy over images seen, `least` to 100 %: the first run's two lines, others' test line.

    Of twins it is the test line of either, by its name. bet: percent at which a visitor expects
    the test line to end.
    """
    series = _pair(curves, "accuracy", 100.0)
    if bet is not None:
        label = {"formatter": f"your bet: {bet:g} %", "position": "insideStartTop"}
        series[0]["markLine"] = _mark({"yAxis": max(bet, least)}, label, "dashed")
    ceiling = 100 * (curves[0].ceiling or 0.0)
    if ceiling > least and not _are_twins(curves):
        label = {"formatter": f"true labels: {ceiling:.0f} %", "position": "insideEndBottom"}
        series[1]["markLine"] = _mark({"yAxis": ceiling}, label, "dotted")
    what = "Share of test images" if _are_twins(curves) else "Share"
    return _chart(f"{what} read right (%)", series, curves, least, 100)


def loss_chart(curves: Sequence[Curve]) -> dict[str, Any]:
    """Mean cross-entropy over images seen, likewise; the axis grows until all points are on it.

    Beyond LOSS_AXES it goes by powers of ten, so that one spike does not press the rest to the
    floor; a point beyond MOST lies on the upper edge, and the title says so.
    """
    series = _pair(curves, "loss", 1.0)
    values = [value for line in series for _, value in line["data"]]
    highest = max(values, default=0.0)
    for end in LOSS_AXES:
        if highest <= end:
            where = " of test images" if _are_twins(curves) else ""
            return _chart(f"Loss{where} (how wrong, 0 is perfect)", series, curves, 0, end)
    low = 10.0 ** math.floor(math.log10(max(min(values), LEAST)))
    end = 10.0 ** math.ceil(math.log10(min(highest, MOST)))
    for line in series:  # there is no 0 on such an axis
        line["data"] = [[x, min(max(value, LEAST), MOST)] for x, value in line["data"]]
    edge = "; top: a million or more" if highest > MOST else ""
    chart = _chart(f"Loss (by powers of ten{edge})", series, curves, low, end)
    chart["yAxis"]["type"] = "log"
    return chart


def describe_curves(records: Sequence[Progress]) -> str:
    """What the curves say, for those who cannot see them."""
    tested = [(r.test_accuracy, r.images) for r in records if r.test_accuracy is not None]
    if not tested:
        return "No points yet."
    (first, _), (last, images) = tested[0], tested[-1]
    best, early = max(tested, key=lambda each: each[0])
    known = [r.train_accuracy for r in records if r.train_accuracy is not None]
    training = f", training accuracy {known[-1]:.0%}" if known else ""
    return (
        f"Test accuracy went from {first:.0%} to {last:.1%} "
        f"while the network saw {images:,} training images"
        f"{training}; test best {best:.1%} after {early:,} images."
    )


def describe_loss(records: Sequence[Progress]) -> str:
    """The same of the loss."""
    losses = [(r.loss, r.images) for r in records if r.loss is not None]
    if not losses:
        return "No loss yet."
    (first, _), (last, images) = losses[0], losses[-1]
    return f"Training loss went from {first:.2g} to {last:.2g} in {images:,} training images."


def severity_chart(
    lines: dict[str, list[tuple[float, float | None]]],
    axis: str,
    here: float,
    every: float,
    count: int,
) -> dict[str, Any]:
    """How the share read right of `count` images changes with the images, from (amount, share).

    lines: by the network's name, None where it is not known yet; here: the amount that is being
    looked at; every: between two numbers on the axis.
    """
    series = []
    for number, (name, points) in enumerate(lines.items()):
        known = [[x, None if share is None else round(100 * share, 2)] for x, share in points]
        color, dash = ((BLUE, "solid"), (LINE_COLORS[0], "dashed"))[number]
        series.append(_line(name, known, color, dash, symbolSize=6))
    series[0]["markLine"] = _mark({"xAxis": here}, {"show": False}, "solid")
    chart = _chart(f"Share of {count:,} images read right (%)", series, [Curve("", [], 1)], 0, 100)
    amounts = [x for x, _ in next(iter(lines.values()))]
    chart["xAxis"] |= {"min": min(amounts), "max": max(amounts), "name": axis}
    chart["xAxis"] |= {"interval": every, "axisLabel": {"fontSize": 14, "hideOverlap": True}}
    return _names_below_each_other(chart)


def _mark(place: dict[str, float], label: dict[str, Any], kind: str) -> dict[str, Any]:
    style = {"color": GREY, "width": 2, "type": kind}
    return {"symbol": "none", "silent": True, "data": [place], "label": label, "lineStyle": style}


def chart_height(curves: int) -> int:
    """Pixels that a chart of so many runs needs, with room for their names."""
    return 300 + (LINE * curves if curves > 1 else 0)


def _names_below_each_other(chart: dict[str, Any]) -> dict[str, Any]:
    """For names that may be too long to stand side by side above the lines."""
    chart["legend"] |= {"orient": "vertical", "itemGap": 4}
    chart["grid"]["top"] += LINE * (len(chart["series"]) - 1)
    return chart


def _are_twins(curves: Sequence[Curve]) -> bool:
    return len(curves) > 1 and curves[1].is_twin


def _pair(curves: Sequence[Curve], what: str, scale: float) -> list[dict[str, Any]]:
    series, first = [], 1 + _are_twins(curves)  # of those that are laid over
    for number, curve in enumerate(curves):
        points = _points(curve.records, f"test_{what}", scale)
        if first == 2 and number < 2:
            look = (ORANGE, BLUE)[number], ("solid", "dashed")[number]
            series.append(_line(curve.name, points, *look, symbolSize=7, z=3 - number))
        elif number == 0:
            learned = _points(curve.records, f"train_{what}" if what == "accuracy" else what, scale)
            series.append(_line("Training images", learned, BLUE))
            series.append(_line("Test images", points, ORANGE, symbolSize=7, z=3))
        else:
            place = (number - first) % len(LINE_COLORS)
            name, color = f"{curve.name}, test", LINE_COLORS[place]
            series.append(_line(name, points, color, LINE_DASHES[place]))
    return series


def _points(records: Sequence[Progress], name: str, scale: float) -> list[list[float]]:
    # Whatever a record says, only what is a number is drawn: a chart breaks over anything else.
    known = [(r.images, y) for r in records if is_finite(y := getattr(r, name))]
    points = [[x, round(y * scale, 3)] for x, y in known if is_finite(x) and is_finite(y * scale)]
    if len(points) <= MAX_POINTS:
        return points
    stride = -(-len(points) // MAX_POINTS)
    return [*points[:-1:stride], points[-1]]


def _line(
    name: str,
    points: Sequence[Sequence[float | None]],
    color: str,
    dash: Any = None,
    **dots: int,
) -> dict[str, Any]:
    line = {"type": "line", "name": name, "data": points, "color": color, "clip": True}
    style = {"width": 3} | ({"type": dash} if dash else {})
    return line | {"lineStyle": style, "showSymbol": bool(dots)} | dots


def _chart(
    title: str, series: list[dict[str, Any]], curves: Sequence[Curve], low: float, high: float
) -> dict[str, Any]:
    text = {"fontSize": 14}
    across = {"type": "value", "min": 0, "max": max(curve.images for curve in curves)}
    across |= {"name": "training images seen", "nameLocation": "middle", "nameGap": 28}
    across |= {"nameTextStyle": text, "splitNumber": 4}
    across["axisLabel"] = text | {"hideOverlap": True, "showMaxLabel": False}
    chart = {
        "title": {"text": title, "left": 0, "top": 6, "textStyle": {"fontSize": 16}},
        "legend": {"top": 32, "left": 0, "itemGap": 16, "textStyle": text},
        "grid": {"left": 4, "right": 24, "top": 70, "bottom": 4},
        "animation": False,
        "tooltip": {"trigger": "axis", "valueFormatter": "localized"},
        "xAxis": across,
        "yAxis": {"type": "value", "min": low, "max": high, "axisLabel": text},
        "series": series,
    }
    if len(curves) > 1:
        return _names_below_each_other(chart)
    beside = {"legend": {"top": 6, "left": "auto", "right": CORNER}, "grid": {"top": 40}}
    return chart | {"media": [{"query": {"minWidth": 500}, "option": beside}]}
