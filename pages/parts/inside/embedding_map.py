"""Embedding map: points that show their image when pointed at, and open it when clicked."""

import threading
from collections.abc import Callable

import streamlit as st
import torch
from torch import Tensor

from mnistcore.data.digits import Digits
from mnistcore.inspection import embedding
from mnistcore.inspection.activations import ActivationSurvey, collect_activations
from mnistcore.inspection.embedding import Embedding
from mnistcore.models.network import Network
from mnistcore.viz import theme
from pages.common import pictures, state
from pages.common.datasets import BackgroundTask, ReportProgress
from pages.common.images import sheet_uri
from pages.common.tiles import SVG, component, picking
from pages.common.widgets import one_of

MANY = 2_000  # test images on a map
ARRANGED = {  # by what the address calls it: its name, and what it shows
    "PCA": (
        "Spread out",
        "Seen from the side from which the images differ most, with their distances as seen from "
        "there. Much of what tells digits apart lies in directions that this cannot show.",
    ),
    "t-SNE": (
        "In groups",
        "Neighbours stay together, and the distances between the groups are given up. A new image "
        "has no place of its own here: your drawing stands among those that it is most like.",
    ),
}
ACROSS = 50  # images in a row of the picture that holds them all
_ONE_AT_A_TIME = threading.Lock()  # for t-SNE, which takes seconds and all of a processor
_MARGIN = 3  # percent of the map that stay empty at each side

_HTML = """<div class="map"><svg tabindex="0" role="application"></svg><div class="tip"
    role="status"><span class="ink"></span><span></span></div></div>"""
_atlas = component(__file__, _HTML, SVG)


class FormingMap:
    """A t-SNE map that forms in the background, and is there from the start."""

    def __init__(self, features: Tensor) -> None:
        self._frames = embedding.tsne(features)
        self.plane = next(self._frames)  # as far as it is
        self._task = BackgroundTask(self._form, torch=True)

    def _form(self, report: ReportProgress) -> None:
        torch.set_num_threads(1)
        with _ONE_AT_A_TIME:
            for plane in self._frames:
                self.plane = plane
                report(0, 0)

    def is_forming(self) -> bool:
        """Whether it still moves."""
        return not self._task.ready()


@st.cache_resource(show_spinner="Showing it many test images ...", max_entries=4)
def activation_survey(
    which: str, stamp: int, _network: Network, _test: Digits, dataset: str
) -> ActivationSurvey:
    """`collect_activations` of the first MANY test images, once for all visitors."""
    return collect_activations(_network, _test.images[:MANY])


@st.cache_resource(show_spinner=False, max_entries=8)
def _maps(
    which: str, stamp: int, dataset: str, _survey: ActivationSurvey, _test: Digits
) -> tuple[Embedding, FormingMap, str]:
    """By PCA and, begun at once, by t-SNE, and all images in one picture."""
    pca = embedding.pca(_survey.features)
    greys = _test.images[:MANY] // 17 * 17  # 16 of them take half the space
    return pca, FormingMap(_survey.features), sheet_uri(greys, ACROSS)


def percent(points: Tensor, among: Tensor) -> Tensor:
    """Points, (n, 2), on the scale of `among` -> percent of the map, from its left and its top."""
    low, high = among.amin(0), among.amax(0)
    share = ((points - low) / (high - low).clamp(min=1e-9)).clamp(0, 1)
    return ((_MARGIN + (100 - 2 * _MARGIN) * share) * 100).round() / 100


def show(
    which: str,
    stamp: int,
    survey: ActivationSurvey,
    test: Digits,
    open_image: int | None,
    drawing: Tensor | None,
    on_pick: Callable[[int], None],
) -> None:
    """Show the map, arranged as the visitor or the address says.

    which, stamp: as for `activation_survey`; open_image: the place of the image that the page
    shows; drawing: (1, units), the features of the visitor's own; on_pick: called with the place
    of the image to be opened.
    """
    st.header("The map of all digits", anchor=False)
    st.markdown(
        f"What the last hidden layer makes of {len(survey.logits):,} test images, brought down to "
        "two dimensions: what it finds alike lies close together. Point at a digit to see it, "
        "choose it to look inside. Those in a thin ring are misread; the one in a thick ring is "
        "the one above."
    )
    pca, forming, sheet = _maps(which, stamp, test.dataset, survey, test)
    # The address goes on saying what it always said.
    key = state.INSIDE_MAP
    if not key.exists() and key.asked() in ARRANGED:
        key.set(key.asked() or key.default)
    titles = {how: f"{title} :small[({how})]" for how, (title, _) in ARRANGED.items()}
    how = one_of("Arranged", list(ARRANGED), key, bound=False, format_func=titles.get)
    key.tell(None if how == key.default else how)
    sheets = iter([sheet])  # it goes with the first picture; the browser keeps it for those to come

    def draw() -> None:
        moves = how != key.default and forming.is_forming()
        plane = pca if how == key.default else forming.plane
        count = len(plane.points)
        x, y = percent(plane.points, plane.points).T.tolist()
        own = None if drawing is None else percent(plane.project(drawing)[0], plane.points).tolist()
        data = {
            "name": f"Map of {count:,} test images. The arrow keys walk from one to the next, "
            "Enter opens it.",
            "x": x,
            "y": y,
            "labels": test.labels[:count].tolist(),
            "read": survey.logits.argmax(1).tolist(),
            "sheet": next(sheets, None),
            "across": ACROSS,
            "colors": list(theme.DIGIT_COLORS),
            "open": open_image,
            "drawing": own,
        }
        with pictures.can_be_saved(f"Map of {count:,} test images, {how}", "atlas"):
            _atlas(key="atlas", data=data, on_picked_change=picking("atlas", count, on_pick))
        st.caption(f"{'The groups are forming. ' if moves else ''}{ARRANGED[how][1]}")
        if (busy and not moves) or shown != (state.INSIDE_PICTURE.get(), state.INSIDE_INDEX.get()):
            st.rerun()

    shown = (state.INSIDE_PICTURE.get(), state.INSIDE_INDEX.get())
    busy = how != key.default and forming.is_forming()
    (st.fragment(draw, run_every=0.5) if busy else draw)()
