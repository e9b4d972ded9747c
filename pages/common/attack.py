"""Fool it, the machine's way: an image, a change, and what the network says of the two together."""

import streamlit as st
from torch import Tensor

from mnistcore.inspection import adversarial
from mnistcore.inspection.adversarial import Attack
from mnistcore.models.network import Network
from mnistcore.models.registry import Model
from mnistcore.viz.theme import GREY, css_rgba, diverging_rgba
from pages.common.images import ink_uri
from pages.common.prediction_card import show_reading
from pages.common.state import AttackKeys
from pages.common.text import with_article
from pages.common.widgets import live_region, one_of

_FEW = "Few pixels"
_HOW = {
    _FEW: "As few pixels as it can find, each to full ink or to none: one after the other, "
    "those that help most (after *Papernot and others 2016*).",
    "One step": "All pixels at once, each by the same amount, lighter or darker as the gradient "
    "says (*fast gradient sign method, Goodfellow and others 2015*).",
    "Many steps": "The same in 20 small steps, looking anew after each (*projected gradient "
    "descent, Madry and others 2018*).",
}
_MEANING = (
    "It adds up pixels and knows no shapes: a change that adds up in the right direction outweighs "
    "the digit that you still see."
)


def show(model: Model, stamp: int, image: Tensor | None, keys: AttackKeys) -> None:
    """Turn an image, (28, 28) float32 in [0, 1], if there is one, into another digit.

    model: that shall read it so; stamp: when its weights were written.
    """
    if image is None:
        st.caption("Draw a digit, and the machine will change it until the network is fooled.")
        return
    answer = int(model.probabilities(image[None])[0].argmax())
    nearest = adversarial.nearest_digit(model.network, image)
    if keys.target.get() == answer:
        keys.target.pop()
    others = [digit for digit in range(10) if digit != answer]
    with st.container(horizontal=True):
        more = keys.target.bound() if keys.bound else keys.target.kept()
        wish = st.segmented_control(
            f"Turn the {answer} into a", others, default=nearest, required=True, wrap=True, **more
        )
        method = one_of("By changing", list(_HOW), keys.method, bound=keys.bound, wrap=True)
    target = wish if wish in others else nearest
    pixels = image.numpy().tobytes()
    spot = (model.model_id, stamp, pixels, method, target)
    attack = _attack(*spot, model.network, image)
    strength = _strength(attack, method, spot, keys)
    place = max(n for n, each in enumerate(attack.strengths) if n == 0 or each <= strength)
    said = st.container()
    with st.container(key="attacked"):
        original, change, result = st.columns(3, gap="medium")
    with original:
        st.markdown("**Original**")
        show_reading(model, image, name="Original")
    with change:
        st.markdown("**Change**")
        st.html(_change(attack.images[place] - image))
    with result:
        st.markdown("**Result**")
        reading = show_reading(model, attack.images[place], name="Result")
    with said:
        noticed = not reading.in_distribution
        live_region(_verdict(attack, place, method, answer, noticed=noticed), "attack", 3)
    if not attack.complete:
        st.caption("This network is so large that the search was left before its end.")
    st.caption(f"{_HOW[method]} {_MEANING}")


@st.cache_resource(show_spinner="Looking for a way to fool it ...", max_entries=64)
def _attack(
    which: str, stamp: int, pixels: bytes, method: str, target: int, _net: Network, _image: Tensor
) -> Attack:
    return adversarial.ATTACKS[method](_net, _image, target)


def _strength(attack: Attack, method: str, spot: tuple, keys: AttackKeys) -> float:
    """The slider: at first where the attack just succeeds, or else at its end."""
    few = method == _FEW
    key = keys.changed if few else keys.percent
    arriving = keys.bound and key.arriving()
    if keys.seen.get() != spot and not arriving:
        place = attack.smallest()
        best = attack.strengths[-1 if place is None else place]
        key.set(round(best if few else 100 * best))
    keys.seen.set(spot)
    low, high = (1, adversarial.MAX_PIXELS) if few else (2, 50)
    label = "Pixels changed" if few else "Each pixel by at most, in percent of full ink"
    more = key.bound() if keys.bound else key.kept()
    chosen = st.slider(label, low, high, step=low, **more)
    return chosen if few else chosen / 100


def _verdict(attack: Attack, place: int, method: str, answer: int, *, noticed: bool) -> str:
    """Whether it worked, by how much, and what it takes."""
    few, least = method == _FEW, attack.smallest()

    def amount(place: int) -> str:
        strength = attack.strengths[place]
        if not few:
            return f"{100 * strength:.0f} %"
        return f"{strength:g} pixel{'s' * (strength > 1)}"

    by = (
        f"{amount(place)} of 784 changed"
        if few
        else f"no pixel changed by more than {amount(place)}"
    )
    read = int(attack.probabilities[place].argmax())
    reads = f"it {'still ' * (read == answer)}reads {with_article(read)}"
    if read == attack.target:
        less = f" {amount(least)} would do." if least is not None and least < place else ""
        if noticed:
            return f"Half fooled: {by}, and {reads}, but finds that it hardly is a digit.{less}"
        return f"Fooled: {by}, and {reads}.{less}"
    if least is not None:
        return f"Not fooled: {by}, and {reads}. It takes {amount(least)}."
    return f"Not fooled: {by}, and {reads}. Try another way, or another digit."


def _change(difference: Tensor) -> str:
    """What was added in blue and what was taken away in orange, on paper."""
    uri = ink_uri(diverging_rgba(difference, 1.0)[None])
    frame = f"box-shadow:0 0 0 1px {css_rgba(GREY, 0.5)};border-radius:.4rem"
    return (
        f"<img src='{uri}' alt='Ink that was added in blue, ink that was taken away in orange' "
        f"style='width:100%;max-width:224px;image-rendering:pixelated;display:block;{frame}'>"
        "<p style='font-size:.875rem;margin:.4rem 0'>"
        "Blue is ink added, orange ink taken away, the stronger the more.</p>"
    )
