"""All images of a set together: how many of each digit, the average of each, and their greys."""

import streamlit as st
from torch import Tensor

from mnistcore.data import stats
from mnistcore.data.digits import Digits
from pages.common import datasets, pictures, tiles
from pages.common.text import with_article


def show_class_overview(part: str, digits: Digits) -> None:
    """Two pictures of these images, the `part` ("training" or "test") of today's dataset."""
    from mnistcore.viz import bar_charts

    counts, averages, right, _ = _at_a_glance(part, digits.dataset, digits)
    alone, together = st.columns(2, gap="medium")
    with alone:
        told = ", ".join(f"{d}: {n:,}" for d, n in enumerate(counts))
        figure = bar_charts.class_counts_chart(counts, f"{part} images")
        alt = f"Images of each digit: {told}"
        pictures.plotly(figure, f"How many of each digit, {part} images", "class counts", alt)
    with together:
        st.markdown("**The average image of each digit**")
        names = [f"the average of {n:,} images of {with_article(d)}" for d, n in enumerate(counts)]
        tiles.tiles(averages, names, "averages", captions="0123456789", columns=5)
        st.caption(
            "The ink is strong where nearly everybody writes, and faint where hands differ. Saying "
            f"only which of the ten a test image resembles most is right for **{right:.0%}** of "
            f"{len(datasets.shared_dataset().test):,}: a network has to beat that."
        )


def show_grey_values(part: str, digits: Digits, index: int) -> None:
    """How dark the pixels are: of one image, and of all."""
    from mnistcore.viz import bar_charts

    *_, (blank, shares) = _at_a_glance(part, digits.dataset, digits)
    own_blank, own = stats.grey_histogram(digits.images[index])
    spoken = [", ".join(f"{share:.0%}" for share in each) for each in (shares, own)]
    pictures.plotly(
        bar_charts.grey_histogram_chart(shares, own, f"all {len(digits):,} {part} images"),
        f"How dark the ink is, {part} image {index}",
        "grey values",
        f"Of the pixels with ink, the share from pale to dark in {len(own)} bands of grey values. "
        f"All {part} images: {spoken[0]}. Image {index:,}: {spoken[1]}.",
    )
    st.markdown(
        f"**{blank:.0%}** of all pixels are blank paper, a 0; of image {index:,} it is "
        f"**{own_blank:.0%}**. They are left out of the chart, which they would dwarf.\n\n"
        "Of the rest, the largest part is as dark as can be: the middle of a line. The paler "
        "ones are its soft edges, and a network goes by them, too."
    )


@st.cache_data(show_spinner=False)
def _at_a_glance(
    part: str, dataset: str, _digits: Digits
) -> tuple[list[int], Tensor, float, tuple[float, list[float]]]:
    """Counts and averages, how well the averages alone would read, and the greys."""
    train, test, _ = datasets.shared_dataset()
    right, greys = (
        stats.nearest_centroid_accuracy(train, test),
        stats.grey_histogram(_digits.images),
    )
    return stats.class_counts(_digits), stats.class_means(_digits), right, greys
