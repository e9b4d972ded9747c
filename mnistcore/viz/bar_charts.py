"""Bar charts (Plotly): class counts, error rates, reliability diagram, grey-value histogram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from mnistcore.viz.theme import BLUE, ORANGE

if TYPE_CHECKING:
    from mnistcore.evaluation.metrics import CalibrationBin

FEW_ANSWERS = 30  # below which a share is mostly chance: drawn pale
_FONT_SIZE = 16  # pixels: what can be read from the back of a room


def class_counts_chart(counts: Sequence[int], of: str) -> go.Figure:
    """A bar for each digit: how many images there are of it. `of` says which images."""
    hover = "%{x:,} images of a %{y}"
    figure = _digit_bars("How many of each digit", list(counts), of, "%{x:,}", hover)
    return figure.update_xaxes(tickformat=",")


def error_rate_chart(wrong: Sequence[int], counts: Sequence[int]) -> go.Figure:
    """A bar for each digit: its error rate. wrong, counts: images misread and in all, by digit."""
    both = list(zip(wrong, counts, strict=True))
    shares = [100 * w / n if n else 0.0 for w, n in both]
    axis = "share of the digit's test images misread (%)"
    hover = "%{customdata[0]:,} of %{customdata[1]:,} images of a %{y} misread"
    figure = _digit_bars("Which digits it misreads", shares, axis, "%{x:.1f} %", hover)
    return figure.update_traces(customdata=both).update_xaxes(rangemode="tozero")


def reliability_diagram(bins: Sequence[CalibrationBin]) -> go.Figure:
    """Accuracy beside mean confidence, bin by bin (Niculescu-Mizil and Caruana 2005)."""
    confidences = [100 * each.confidence for each in bins]
    opacity = [0.4 if each.count < FEW_ANSWERS else 1 for each in bins]
    bars = go.Bar(
        x=[50 * (each.low + each.high) for each in bins],
        y=[100 * each.accuracy for each in bins],
        width=[100 * (each.high - each.low) * 0.9 for each in bins],
        customdata=[each.count for each in bins],
        hovertemplate="%{customdata:,} answers, %{y:.1f} % of them right<extra></extra>",
        marker={"color": BLUE, "opacity": opacity},
        name="were right",
    )
    hover = "%{y:.1f} % sure on average<extra></extra>"
    line = _dotted_line(confidences, confidences, hover, "should be, by its own word", 11)
    line.cliponaxis = False
    figure = _readable([bars, line], "When it is so sure, how often is it right?", height=470)
    figure.update_xaxes(title_text="how sure it was (%)", range=[0, 100], dtick=20)
    return figure.update_yaxes(title_text="answers that were right (%)", range=[0, 101], dtick=20)


def grey_histogram_chart(whole: Sequence[float], own: Sequence[float], of: str) -> go.Figure:
    """Histogram of inked pixels, a `stats.grey_histogram` of one image (own) and of the whole."""
    width = 256 // len(whole)
    middles = [(at + 0.5) * width for at in range(len(whole))]
    hover = "%{customdata}: %{y:.1f} %"
    shares, look = [100 * share for share in whole], {"marker_color": BLUE, "name": of}
    bars = go.Bar(x=middles, y=shares, width=0.9 * width, hovertemplate=hover, **look)
    line = _dotted_line(middles, [100 * share for share in own], hover, "the chosen image", 9)
    bars.customdata = line.customdata = [
        f"{max(1, at * width)} to {at * width + width - 1}" for at in range(len(whole))
    ]
    figure = _readable([bars, line], "How dark the ink is")
    figure.update_xaxes(title_text="grey value (255 is full ink)", range=[0, 256], dtick=32)
    return figure.update_yaxes(title_text="share of the inked pixels (%)", rangemode="tozero")


def _digit_bars(title: str, values: Sequence[float], axis: str, text: str, hover: str) -> go.Figure:
    words = {"texttemplate": text, "textfont_size": _FONT_SIZE}
    words["hovertemplate"] = f"{hover}<extra></extra>"
    digits = list(range(len(values)))
    bars = go.Bar(x=values, y=digits, orientation="h", marker_color=BLUE, **words)
    figure = _readable([bars], title).update_xaxes(title_text=axis)
    return figure.update_yaxes(title_text="digit", dtick=1, autorange="reversed")


def _dotted_line(
    x: Sequence[float], y: Sequence[float], hover: str, name: str, size: int
) -> go.Scatter:
    look = {"marker": {"color": ORANGE, "size": size, "symbol": "diamond"}, "name": name}
    look |= {"line": {"color": ORANGE, "dash": "dot"}, "mode": "lines+markers"}
    return go.Scatter(x=x, y=y, hovertemplate=hover, **look)


def _readable(traces: list[Any], title: str, height: int = 420) -> go.Figure:
    """Large letters, and nothing that a finger on its way down the page could drag."""
    figure = go.Figure(traces)
    margin = {"t": 50, "b": 0, "l": 0, "r": 20}
    figure.update_layout(title=title, height=height, dragmode=False, margin=margin)
    if len(traces) > 1:
        legend = {"orientation": "h", "y": -0.25, "yanchor": "top", "x": 0, "font_size": 15}
        figure.update_layout(legend=legend)
    for axes in (figure.update_xaxes, figure.update_yaxes):
        axes(fixedrange=True, tickfont_size=_FONT_SIZE, title_font_size=_FONT_SIZE)
    return figure
