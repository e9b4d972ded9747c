"""Answer history: what the networks of a whole training said of one image, in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from mnistcore.viz.theme import BLUE, css_rgba

if TYPE_CHECKING:  # torch takes seconds to import
    from mnistcore.inspection.frames import Answer


def answer_history_chart(answers: Sequence[Answer], settled: int) -> go.Figure:
    """A row for each digit, a column for each moment, the deeper blue the higher its probability.

    settled: the place among `answers` from which the digit stays; a line marks it.
    """
    seen = [f"{each.images:,}" for each in answers]
    figure = go.Figure(
        go.Heatmap(
            z=[[100 * float(each.probabilities[d]) for each in answers] for d in range(10)],
            x=list(range(len(answers))),
            customdata=[seen] * 10,
            colorscale=[(0, css_rgba(BLUE, 0.04)), (1, BLUE)],
            zmin=0,
            zmax=100,
            xgap=1,
            ygap=2,
            colorbar={"title": "sure (%)", "tickfont": {"size": 14}},
            hovertemplate="%{y}: %{z:.0f} % after %{customdata} training images<extra></extra>",
        )
    )
    ticks = sorted({0, len(answers) // 3, 2 * len(answers) // 3, len(answers) - 1})
    figure.add_vline(settled - 0.5, line={"width": 3, "dash": "dot"})
    figure.update_layout(height=360, dragmode=False, margin={"t": 10, "r": 0, "b": 50, "l": 10})
    figure.update_xaxes(
        title="training images seen",
        tickvals=ticks,
        ticktext=[seen[tick] for tick in ticks],
        tickfont_size=14,
    )
    figure.update_yaxes(title="digit", dtick=1, autorange="reversed", tickfont_size=16)
    return figure
