"""Bar charts (Plotly): class counts, error rates, reliability diagram, grey-value histogram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from mnistcore.viz.theme import BLUE, ORANGE

if TYPE_CHECKING:
    from mnistcore.evaluation.metrics import CalibrationBin


FEW_ANSWERS = 30  # below which a share is mostly chance: drawn pale
_FONT_SIZE = 16  # pixels: what can be read from the back of a room


def class_counts_chart(counts: Sequence[int], of: str) -> go.Figure:
    """A bar for each digit: how many images there are of it. `of` says which images."""
    figure = go.Figure(
        go.Bar(
            x=list(counts),
            y=list(range(len(counts))),
            orientation="h",
            texttemplate="%{x:,}",
            textfont_size=_FONT_SIZE,
            hovertemplate="%{x:,} images of a %{y}<extra></extra>",
            marker_color=BLUE,
        )
    )
    figure.update_layout(title="How many of each digit", height=420, dragmode=False)
    figure.update_xaxes(title=of, tickformat=",")
    figure.update_yaxes(title="digit", dtick=1, autorange="reversed")
    return _readable(figure)


def error_rate_chart(wrong: Sequence[int], counts: Sequence[int]) -> go.Figure:
    """A bar for each digit: its error rate. wrong, counts: images misread and in all, by digit."""
    shares = [100 * w / n if n else 0.0 for w, n in zip(wrong, counts, strict=True)]
    figure = go.Figure(
        go.Bar(
            x=shares,
            y=list(range(len(counts))),
            orientation="h",
            customdata=list(zip(wrong, counts, strict=True)),
            texttemplate="%{x:.1f} %",
            textfont_size=_FONT_SIZE,
            hovertemplate="%{customdata[0]:,} of %{customdata[1]:,} images of a %{y} misread"
            "<extra></extra>",
            marker_color=BLUE,
        )
    )
    figure.update_layout(title="Which digits it misreads", height=420, dragmode=False)
    figure.update_xaxes(title="share of the digit's test images misread (%)", rangemode="tozero")
    figure.update_yaxes(title="digit", dtick=1, autorange="reversed")
    return _readable(figure)


def reliability_diagram(bins: Sequence[CalibrationBin]) -> go.Figure:
    """Accuracy beside mean confidence, bin by bin (Niculescu-Mizil and Caruana 2005)."""
    opacity = [0.4 if each.count < FEW_ANSWERS else 1 for each in bins]
    figure = go.Figure(
        [
            go.Bar(
                x=[50 * (each.low + each.high) for each in bins],
                y=[100 * each.accuracy for each in bins],
                width=[100 * (each.high - each.low) * 0.9 for each in bins],
                customdata=[each.count for each in bins],
                hovertemplate="%{customdata:,} answers, %{y:.1f} % of them right<extra></extra>",
                marker={"color": BLUE, "opacity": opacity},
                name="were right",
            ),
            go.Scatter(
                x=[100 * each.confidence for each in bins],
                y=[100 * each.confidence for each in bins],
                mode="lines+markers",
                marker={"color": ORANGE, "size": 11, "symbol": "diamond"},
                line={"color": ORANGE, "dash": "dot"},
                hovertemplate="%{y:.1f} % sure on average<extra></extra>",
                name="should be, by its own word",
                cliponaxis=False,
            ),
        ]
    )
    figure.update_layout(
        title="When it is so sure, how often is it right?",
        height=470,
        dragmode=False,
        legend={"orientation": "h", "y": -0.25, "yanchor": "top", "x": 0, "font_size": 15},
    )
    figure.update_xaxes(title="how sure it was (%)", range=[0, 100], dtick=20)
    figure.update_yaxes(title="answers that were right (%)", range=[0, 101], dtick=20)
    return _readable(figure)


def grey_histogram_chart(whole: Sequence[float], own: Sequence[float], of: str) -> go.Figure:
    """Histogram of the grey values of inked pixels, in one image (own) and in all (whole).

    whole, own: shares from `stats.grey_histogram`; `of` says what the whole is.
    """
    width = 256 // len(whole)
    bins = [f"{max(1, at * width)} to {at * width + width - 1}" for at in range(len(whole))]
    figure = go.Figure(
        [
            go.Bar(
                x=[(at + 0.5) * width for at in range(len(whole))],
                y=[100 * share for share in whole],
                width=0.9 * width,
                customdata=bins,
                hovertemplate="%{customdata}: %{y:.1f} %",
                marker_color=BLUE,
                name=of,
            ),
            go.Scatter(
                x=[(at + 0.5) * width for at in range(len(own))],
                y=[100 * share for share in own],
                mode="lines+markers",
                marker={"color": ORANGE, "size": 9, "symbol": "diamond"},
                line={"color": ORANGE, "dash": "dot"},
                customdata=bins,
                hovertemplate="%{customdata}: %{y:.1f} %",
                name="the chosen image",
            ),
        ]
    )
    figure.update_layout(
        title="How dark the ink is",
        height=420,
        dragmode=False,
        legend={"orientation": "h", "y": -0.25, "yanchor": "top", "x": 0, "font_size": 15},
    )
    figure.update_xaxes(title="grey value (255 is full ink)", range=[0, 256], dtick=32)
    figure.update_yaxes(title="share of the inked pixels (%)", rangemode="tozero")
    return _readable(figure)


def _readable(figure: go.Figure) -> go.Figure:
    """Large letters, and nothing that a finger on its way down the page could drag."""
    figure.update_layout(margin={"t": 50, "b": 0, "l": 0, "r": 20})
    for axes in (figure.update_xaxes, figure.update_yaxes):
        axes(fixedrange=True, tickfont_size=_FONT_SIZE, title_font_size=_FONT_SIZE)
    return figure
