"""Idea 2: why learn from data. A law that can be written down, and a rule for digits that can't."""

import streamlit as st
from torch import Tensor

from mnistcore.demos import threshold_rule
from mnistcore.evaluation.metrics import evaluate
from pages.common import datasets, links, model_picker, tiles
from pages.common.state import Key, kept
from pages.common.text import with_article
from pages.common.widgets import live_region, one_of

_PAIRS = {"0 or 1": (0, 1), "4 or 9": (4, 9), "3 or 8": (3, 8), "2 or 5": (2, 5)}
_IMAGES = 1_000  # test images, of which those of the two digits are taken
_SHOWN = 8


@st.fragment
def show() -> None:
    """A falling stone by a formula; then the visitor's rule for two digits against the network."""
    with st.container(border=True):
        seconds = st.slider("Seconds (t)", 0.0, 5.0, 2.0, 0.1, **kept("idea 2 seconds"))
        fallen = f"½ · g · t² = ½ · 9.81 · {seconds:g}² = {9.81 / 2 * seconds**2:.1f} metres"
        live_region(fallen, key="idea 2 fall")
    st.markdown("But what is the rule for a 4? **Write one yourself**, and see it judged:")
    with st.container(border=True):
        pair = _rule()
    first = int((datasets.shared_dataset().test.labels == pair[1]).nonzero()[0])
    links.explore(part="test", digit=pair[1], index=first).onward(f"Look at every {pair[1]}")


def _rule() -> tuple[int, int]:
    """The rule, what it reads right, what the network does, and some that the rule misreads."""
    features = threshold_rule.FEATURES
    with st.container(horizontal=True):
        pair = _PAIRS[one_of("Tell apart", [*_PAIRS], Key("idea 2 pair", "4 or 9"), bound=False)]
        key = kept("idea 2 measure")
        name = st.selectbox(
            "by its", features, 2, format_func=lambda n: features[n].title, width=230, **key
        )
        of_pair, article = Key(f"idea 2 low {pair}", pair[0]), with_article
        low = one_of("Little of it means", pair, of_pair, bound=False, format_func=article)
    high, feature = sum(pair) - low, features[name]
    rule = f"It is {with_article(low)} if the {feature.title} is below ({feature.unit})"
    limit = st.slider(rule, 0, feature.high, feature.high // 2, **kept(f"idea 2 limit {name}"))
    images, labels, read = _judges(pair, datasets.shared_dataset().test.dataset)
    said = threshold_rule.classify(threshold_rule.measure(images, name), (low, high), limit)
    mine, network = (int((each == labels).sum()) for each in (said, read))
    live_region(
        f"Of {len(labels)} test images of these two digits your rule gets {mine} right, and the "
        f"network {network}, though it chooses among all ten digits.",
        key="idea 2 judged",
    )
    wrong = (said != labels).nonzero().flatten()[:_SHOWN].tolist()
    if wrong:
        st.caption("Some that your rule gets wrong, and what it takes them for:")
        digits, taken_for = (map(with_article, each[wrong].tolist()) for each in (labels, said))
        names = [f"{one}, taken for {other}" for one, other in zip(digits, taken_for, strict=True)]
        captions = [f"{said[each]}?" for each in wrong]
        tiles.tiles(images[wrong], names, "idea 2 wrong", columns=_SHOWN, captions=captions)
    return pair


@st.cache_data(show_spinner=False)
def _judges(pair: tuple[int, int], dataset: str) -> tuple[Tensor, Tensor, Tensor]:
    """Test images of the two digits, their labels, and what the shipped network says of them."""
    test = datasets.shared_dataset().test.head(_IMAGES)
    chosen = (test.labels == pair[0]) | (test.labels == pair[1])
    said = evaluate(model_picker.latest_model("shipped").network, test).predicted
    return test.images[chosen], test.labels[chosen], said[chosen]
