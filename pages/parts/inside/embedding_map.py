"""Embedding map: points that show their image when pointed at, and open it when clicked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.common.background import BackgroundTask, ReportProgress
from pages.common.images import ink_uri
from pages.common.tiles import component, picking

if TYPE_CHECKING:
    from torch import Tensor

    from mnistcore.data.digits import Digits
    from mnistcore.inspection.activations import ActivationSurvey
    from mnistcore.inspection.embedding import Embedding
    from mnistcore.models.network import Network


MANY = 2_000  # test images on a map
ARRANGED = {
    "PCA": "PCA looks from the side from which the images differ most, and keeps their distances "
    "as seen from there. Much of what tells digits apart lies in directions that it cannot show.",
    "t-SNE": "t-SNE keeps neighbours together, and gives up the distances between the groups. It "
    "cannot place a new image: your drawing stands among those that it is most like.",
}
ACROSS = 50  # images in a row of the picture that holds them all
_ONE_AT_A_TIME = threading.Lock()  # for t-SNE, which takes seconds and all of a processor
_MARGIN = 3  # percent of the map that stay empty at each side

_atlas = component(__file__)


@st.cache_resource(show_spinner="Showing it many test images ...", max_entries=4)
def activation_survey(
    which: str, stamp: int, _network: Network, _test: Digits, dataset: str
) -> ActivationSurvey:
    """`collect_activations` of the first MANY test images, once for all visitors.

    which: its name; stamp: when its weights were written; dataset: what `test` is a part of.
    """
    from mnistcore.inspection import activations

    return activations.collect_activations(_network, _test.images[:MANY])


def arrange(
    which: str, stamp: int, network: Network, test: Digits, dataset: str, how: str
) -> tuple[Embedding, dict[str, Any]]:
    """The map of these images, likewise, and what the browser needs to draw it.

    how: a key of ARRANGED. Whoever has to wait sees how far it is.
    """
    try:
        return _arranging(which, stamp, network, test, dataset, how).result(_news)
    except Exception:
        _arranging.clear()  # so that the next visitor gets another try
        raise


def _news(done: float, of: float) -> str:
    stage = "Its islands settle" if done else "Like goes to like"
    return f"{stage} ({done:g} of {of:g} steps) ..." if of else "Arranging the map ..."


@st.cache_resource(show_spinner=False, max_entries=8)
def _arranging(
    which: str, stamp: int, _network: Network, _test: Digits, dataset: str, how: str
) -> BackgroundTask[tuple[Embedding, dict[str, Any]]]:
    survey = activation_survey(which, stamp, _network, _test, dataset)

    def do(report: ReportProgress) -> tuple[Embedding, dict[str, Any]]:
        from mnistcore.inspection import embedding

        if how == "PCA":
            plane = embedding.pca(survey.features)
        else:
            with _ONE_AT_A_TIME:
                plane = embedding.tsne(survey.features, on_progress=report)
        x, y = percent(plane.points, plane.points).T.tolist()
        return plane, {
            "x": x,
            "y": y,
            "labels": _test.labels[:MANY].tolist(),
            "read": survey.logits.argmax(1).tolist(),
            "sprite": _sheet(_test.images[:MANY]),
            "across": ACROSS,
            "drawn": f"{which} {stamp} {dataset} {how}",
        }

    return BackgroundTask(do, daemon=how != "PCA")  # for t-SNE the server need not wait at its end


def percent(points: Tensor, among: Tensor) -> Tensor:
    """Points, (n, 2), on the scale of `among` -> percent of the map, from its left and its top."""
    low, high = among.amin(0), among.amax(0)
    share = ((points - low) / (high - low).clamp(min=1e-9)).clamp(0, 1)
    return ((_MARGIN + (100 - 2 * _MARGIN) * share) * 100).round() / 100


def show(
    plane: Embedding,
    fixed: dict[str, Any],
    open_image: int | None,
    drawing: Tensor | None,
    on_pick: Callable[[int], None],
) -> None:
    """Show the map.

    plane, fixed: from `arrange`; open_image: the place of the image that the page shows; drawing:
    (2,), where the visitor's own is on the plane; on_pick: called with the place of the image to be
    opened.
    """
    count = len(fixed["labels"])

    _atlas(
        key="atlas",
        data={
            **fixed,
            "name": f"Map of {count:,} test images. The arrow keys walk from one to the next, "
            "Enter opens it.",
            "open": open_image,
            "drawing": None if drawing is None else percent(drawing, plane.points).tolist(),
        },
        on_picked_change=picking("atlas", count, on_pick),
    )


def _sheet(images: Tensor) -> str:
    """All images in one PNG of 16 greys, as its opacity, in rows of ACROSS."""
    from torch.nn import functional

    rows, side = -(-len(images) // ACROSS), images.shape[1]
    greys = images // 17 * 17  # 16 of them take half the space
    full = functional.pad(greys, (0, 0, 0, 0, 0, rows * ACROSS - len(images)))
    columns = full.view(rows, ACROSS, side, side).transpose(0, 1)
    return ink_uri(columns.reshape(ACROSS, rows * side, side))
