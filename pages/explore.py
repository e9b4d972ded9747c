"""The data: what a network learns from, image by image and as a whole."""

import random

import streamlit as st

from pages.common import navigation, state, tiles
from pages.common.datasets import shared_dataset, show_fallback_notice
from pages.common.widgets import one_of

navigation.require_frame(__file__)

top = st.container(horizontal=True, vertical_alignment="center")
top.title("Explore", width="content")
train, test, _ = shared_dataset()

# They bring torch, and the title need not wait for it.
import torch

from mnistcore.data.loading import DATASETS
from pages.common.text import with_article
from pages.parts.explore import augmentation, overview, typical

PARTS = {"training": train, "test": test}
PER_PAGE = 64
VIEWS = ("One by one", "All together", "Typical and odd", "Small changes", "Grey values")


def order() -> torch.Tensor:
    """The indices of the images to show, in the order in which they are shown."""
    labels = PARTS[state.EXPLORE_PART.get() or "training"].labels
    indices = torch.arange(len(labels))
    if (digit := state.EXPLORE_DIGIT.get()) not in (None, "all"):
        indices = indices[labels == int(digit)]
    if seed := state.EXPLORE_SHUFFLE.get():
        generator = torch.Generator().manual_seed(seed)
        indices = indices[torch.randperm(len(indices), generator=generator)]
    return indices


def start_over() -> None:
    """Other images are to be shown: open the first page and its first image."""
    state.EXPLORE_PAGE.set(1)
    state.EXPLORE_INDEX.set(int(order()[:1].sum()))  # 0 if there is none


def shuffle(seed: int) -> None:
    """Show them in another order, or with 0 in their own."""
    state.EXPLORE_SHUFFLE.set(seed)
    start_over()


def open_page() -> None:
    """Turn to the page with the image that was asked for, if it is among those shown."""
    place = (order() == state.EXPLORE_INDEX.get()).nonzero()
    if len(place):
        state.EXPLORE_PAGE.set(int(place[0]) // PER_PAGE + 1)


def jump(index: int) -> None:
    """Show this image, and where it stands among the others."""
    state.EXPLORE_INDEX.set(index)
    open_page()


with top:
    view = one_of("Look at", VIEWS, state.EXPLORE_VIEW, wrap=True, label_visibility="collapsed")
st.markdown(
    f"A network learns from examples. **{DATASETS[train.dataset]}** has {len(train):,} *training* "
    f"images to learn from, and {len(test):,} *test* images to see whether it reads new ones."
)
show_fallback_notice()

controls = st.container(horizontal=True, vertical_alignment="bottom")
with controls:
    part = one_of("Images", list(PARTS), state.EXPLORE_PART, on_change=start_over)
if view == "All together":
    overview.show_class_overview(part, PARTS[part])
    st.stop()
with controls:
    ten, bound = ["all", *"0123456789"], state.EXPLORE_DIGIT.bound()
    st.pills("Digit", ten, default="all", required=True, wrap=True, on_change=start_over, **bound)
digits, shown = PARTS[part], order()
if not len(shown):
    st.info(f"There is no {state.EXPLORE_DIGIT.get()} among these images.")
    st.stop()
if not state.EXPLORE_INDEX.exists() and state.EXPLORE_INDEX.asked() is None:
    state.EXPLORE_INDEX.set(int(shown[0]))
with controls:
    last, bound = len(digits) - 1, state.EXPLORE_INDEX.bound()
    index = st.number_input(
        f"Index, 0 to {last:,}", 0, last, on_change=open_page, width=160, **bound
    )
    if view == "One by one":
        st.button("Shuffle", on_click=shuffle, args=(random.getrandbits(32),))
        if state.EXPLORE_SHUFFLE.get():
            st.button("In order", on_click=shuffle, args=(0,))

many, one = st.columns(2, gap="medium")
with one:
    with st.container(horizontal=True, vertical_alignment="center", key="image"):
        label = int(digits.labels[index])
        digit = with_article(label)
        st.header(f"{part.capitalize()} image {index:,}: {digit}", anchor=False)
        numbers = st.toggle("Numbers", value=True, **state.kept("numbers"))
    name = f"{part} image {index}, {digit}, as 28 rows of 28 numbers from 0, paper, to 255, ink"
    tiles.pixels(digits.images[index], name, key="pixels", numbers=numbers)
    st.caption(
        f"{len(shown):,} images. Choose one to see it as the computer does: as 28 x 28 numbers, "
        "where 0 is paper and 255 is full ink."
    )
with many:
    match view:
        case "Typical and odd":
            typical.show(part, digits, index, jump)
        case "Small changes":
            augmentation.show(digits.images[index], label)
        case "Grey values":
            overview.show_grey_values(part, digits, index)
        case _:
            page = st.pagination(max(1, -(-len(shown) // PER_PAGE)), **state.EXPLORE_PAGE.bound())
            here = shown[(page - 1) * PER_PAGE : page * PER_PAGE].tolist()
            tiles.gallery(digits, part, here, "tiles", index, state.EXPLORE_INDEX.set)
