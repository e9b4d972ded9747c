"""The most typical images of a digit, and the oddest."""

from collections.abc import Callable

import streamlit as st

from mnistcore.data import stats
from mnistcore.data.digits import Digits
from pages.common import model_picker, tiles
from pages.common.text import with_article

MANY = 16  # of either kind


def show(part: str, digits: Digits, index: int, on_pick: Callable[[int], None]) -> None:
    """Both kinds, of the digit that the image at `index` is; `on_pick` is called with an index."""
    digit = int(digits.labels[index])
    count = int((digits.labels == digit).sum())
    with st.spinner(f"Comparing {count:,} images of {with_article(digit)} ..."):
        typical, odd = _ends(part, digits.dataset, digit, digits)

    for what, indices in (("most typical", typical), ("oddest", odd)):
        st.markdown(f"**The {what} {digit}s** of {count:,} {part} images of {with_article(digit)}")
        tiles.gallery(digits, part, indices, what, index, on_pick)
    with st.expander("Who says so?"):
        st.markdown(
            "The app's network. Before it answers, it turns every image into a "
            "few numbers. The closer their proportions are to what they are on average for a "
            f"{digit}, the more typical is the image. Some of the oddest may be labelled wrong: "
            "people did that, and you need not agree."
        )


@st.cache_resource(show_spinner=False, max_entries=40)
def _ends(part: str, dataset: str, digit: int, _digits: Digits) -> tuple[list[int], list[int]]:
    """Worked out once for all visitors: the most typical ones, and the oddest one first."""
    network = model_picker.latest_model("shipped").network
    order = stats.rank_by_typicality(network, _digits, digit).tolist()
    half = (len(order) + 1) // 2  # so that none is both
    return order[:half][:MANY], order[half:][::-1][:MANY]
