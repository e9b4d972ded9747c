"""Pictures to keep: whatever a part of the page shows, saved by the browser as PNG or SVG."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import streamlit as st

from mnistcore.config import LayerSummary
from mnistcore.viz.network_diagram import network_html
from pages.common.tiles import SVG, component

if TYPE_CHECKING:  # it takes long to import
    from plotly.graph_objects import Figure

_MENU = """<details><summary aria-label="Save picture" title="Save picture"></summary>
    <div><button>PNG</button><button>SVG</button></div></details>"""
_save = component(__file__, _MENU, SVG)


@contextmanager
def can_be_saved(name: str, key: str) -> Iterator[None]:
    """A frame around what is drawn in it, with a menu in its upper right corner.

    name: what it shows, and of what; the file is called so, and the picture says it.
    """
    with st.container(key=f"picture-{key}", gap=None):
        yield
        _save(key=f"save picture {key}", data={"name": name, "file": _file_name(name)})


def plotly(figure: "Figure", name: str, key: str, alt: str) -> None:
    """A Plotly chart; alt: what it shows, in words."""
    with can_be_saved(name, key):
        st.plotly_chart(figure, config={"displayModeBar": False}, key=key, alt=alt)


def echarts(options: dict[str, Any], name: str, key: str, alt: str, height: int) -> None:
    """An ECharts chart, updated in place."""
    with can_be_saved(name, key):
        st.echarts_chart(options, height=height, key=key, alt=alt, renderer="svg")


def network(layers: Sequence[LayerSummary], name: str, key: str) -> None:
    """An architecture diagram."""
    with can_be_saved(name, key):
        st.html(network_html(layers))


def _file_name(name: str) -> str:
    return re.sub(r"[\W_]+", "-", name.lower()).strip("-")[:80] or "picture"
