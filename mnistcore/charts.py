"""Pictures of numbers: plotly figures from plain records."""

from collections.abc import Sequence

import plotly.graph_objects as go

from mnistcore.curves import TRAIN as BLUE

_TEXT = 16  # pixels: what can be read from the back of a room


def digit_counts(counts: Sequence[int], of: str) -> go.Figure:
    """A bar for each digit: how many images there are of it. `of` says which images."""
    figure = go.Figure(
        go.Bar(
            x=list(counts),
            y=list(range(len(counts))),
            orientation="h",
            texttemplate="%{x:,}",
            textfont_size=_TEXT,
            hovertemplate="%{x:,} images of a %{y}<extra></extra>",
            marker_color=BLUE,
        )
    )
    figure.update_layout(title="How many of each digit", height=420, dragmode=False)
    figure.update_xaxes(title=of, tickformat=",")
    figure.update_yaxes(title="digit", dtick=1, autorange="reversed")
    return _readable(figure)


def _readable(figure: go.Figure) -> go.Figure:
    """Large letters, and nothing that a finger on its way down the page could drag."""
    figure.update_layout(margin={"t": 50, "b": 0, "l": 0, "r": 0})
    for axes in (figure.update_xaxes, figure.update_yaxes):
        axes(fixedrange=True, tickfont_size=_TEXT, title_font_size=_TEXT)
    return figure
