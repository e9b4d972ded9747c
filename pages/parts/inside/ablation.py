"""Break it: units switched off and weights shaken in a copy, and what that can still read."""

import re
import threading
import time
from dataclasses import replace

import streamlit as st
import torch

from mnistcore.config import NUM_CLASSES
from mnistcore.data.digits import Digits
from mnistcore.inspection import ablation, activations, attribution
from mnistcore.inspection.ablation import Damage, DigitAccuracies, GrowingScore, Unit
from mnistcore.inspection.activations import WeightLayer
from mnistcore.models.network import Network
from mnistcore.viz.theme import BLUE, diverging_rgba
from pages.common import state, tiles
from pages.common.bars import bar
from pages.common.layer_tiles import MAX_SHOWN
from pages.common.prediction_card import show_reading
from pages.common.text import with_article
from pages.common.widgets import live_region, room_for, scroll_into_view
from pages.parts.inside import ablation_bet, healing
from pages.parts.inside.subject import EVERYWHERE, Subject

_MAX_SEED = 999_999
_MAX_LETTERS = 10_000  # of the units that an address names
_TICK_S = 0.3  # of each of which all that look on together may count test images
_ONE_COUNTS = threading.Lock()


@st.fragment
def show(subject: Subject) -> None:
    """What to break, and what comes of it, once somebody asks for it."""
    key = state.INSIDE_BREAK
    arriving = key.arriving()
    st.header("Break it", anchor="break-it")
    st.markdown(
        "Switch units off, or shake the weights, and see what it can still read. It happens to a "
        "copy, for you alone. To take parts away and look what is missing is called *ablation*."
    )
    is_open = st.toggle("Break a copy of this network", **key.bound())
    scroll_into_view(
        "open" * is_open, key="break in view", margin="10rem 0 38rem", arriving=arriving
    )
    if not is_open:
        return
    torch.set_num_threads(1)  # this run of a fragment is a thread of its own, see model_picker
    network = subject.model.network
    with st.container(horizontal=True, vertical_alignment="bottom"):
        where, units = _choose_where(network)
        damage = _choose_damage(network, units)
    damaged = ablation.ablate(network, damage)
    score = _score(subject, damaged, damage.name)
    live_region(_in_words(subject, damage, damaged, score.known()), "broken", 3)
    layers, answer = st.columns([5, 4], gap="large")
    with answer:
        model = replace(subject.model, network=damaged)
        show_reading(model, subject.image, before=subject.model, mark="before it was broken")
        figures, below = st.container(), st.container()
        networks = {"as it was": (network, ""), "broken": (damaged, damage.name)}
        with below:
            if healed := healing.heal(subject, damage, damaged):
                networks["healed"] = (healed, f"healed {damage.name}")
        with figures:
            accuracies = _figures(subject, networks)
        if healed:
            with below:
                healing.tell_gain(*accuracies[1:])
        if units:
            ablation_bet.show(subject, where, units, accuracies[0])
    with layers:
        if units:
            st.caption("Tap a square to switch that unit off, and again to switch it on.")
        for layer in activations.weight_layers(network)[:-1]:
            if where in (EVERYWHERE, layer.name):
                _tiles(subject, damaged, damage, layer)


def _choose_where(network: Network) -> tuple[str, list[Unit]]:
    """The layer that is broken, or all of them, and its units."""
    units, key = ablation.hidden_units(network), state.INSIDE_BREAK_WHERE
    options = [EVERYWHERE, *dict.fromkeys(unit.layer for unit in units)]
    if key.exists() and key.get() not in options:
        key.pop()
    where = st.selectbox("Where", options, width=200, **key.bound())
    return where, [unit for unit in units if where in (EVERYWHERE, unit.layer)]


def _choose_damage(network: Network, units: list[Unit]) -> Damage:
    """What the visitor, or the address, does to a network."""
    share = st.slider(
        "Units off at random",
        *(0, 100),
        step=5,
        format="%d %%",
        disabled=not units,
        on_change=_forget_taps,
        width=300,
        **state.INSIDE_BREAK_SHARE.bound(),
    )
    noise = st.slider(
        "Weights shaken",
        *(0, 100),
        step=5,
        format="%d %%",
        help="Each weight is moved at random: by so much of the spread of its layer's weights.",
        width=300,
        **state.INSIDE_BREAK_NOISE.bound(),
    )
    seed = _seed()
    st.button(
        "Roll again",
        icon=":material/casino:",
        disabled=not (share or noise),
        on_click=_set_seed,
        args=(seed % _MAX_SEED + 1,),
    )
    st.button("All as it was", icon=":material/undo:", on_click=_mend)
    tapped = _tapped(network)
    state.INSIDE_BREAK_SEED.tell(None if seed == 1 else str(seed))
    state.INSIDE_BREAK_TAPPED.tell(_written(tapped) or None)
    off = ablation.random_units(units, share / 100, seed) ^ tapped
    return Damage(off, noise / 100, seed)


def _forget_taps() -> None:
    """Chance chooses anew."""
    state.INSIDE_BREAK_TAPPED.set(frozenset())


def _set_seed(seed: int) -> None:
    state.INSIDE_BREAK_SEED.set(seed)
    _forget_taps()


def _mend() -> None:
    """Every unit is on again, and no weight shaken."""
    state.INSIDE_BREAK_SHARE.set(0)
    state.INSIDE_BREAK_NOISE.set(0)
    _forget_taps()


def _seed() -> int:
    """Of the units that chance takes and of the noise."""
    key = state.INSIDE_BREAK_SEED
    if not key.exists():
        asked = key.asked() or ""
        key.set(int(asked) if re.fullmatch("[1-9][0-9]{0,5}", asked) else key.default)
    return key.get()


def _tapped(network: Network) -> frozenset[Unit]:
    """The units that are switched by hand: off if they were on, and on if chance took them."""
    key = state.INSIDE_BREAK_TAPPED
    if (tapped := key.get()) is None:
        pairs = re.findall(r"([a-z]+ \d)((?: \d{1,5})+)", (key.asked() or "")[:_MAX_LETTERS])
        tapped = frozenset(Unit(layer, int(n)) for layer, ns in pairs for n in ns.split())
        key.set(tapped)
    return tapped.intersection(ablation.hidden_units(network))


def _written(units: frozenset[Unit]) -> str:
    """Units as the address has them: "convolution 1 0 7, dense 1 30"."""
    layers: dict[str, list[str]] = {}
    for layer, index in sorted(units):
        layers.setdefault(layer, []).append(str(index))
    return ", ".join(f"{layer} {' '.join(indices)}" for layer, indices in layers.items())


def _tap(unit: Unit) -> None:
    """Switch it off, or on again."""
    state.INSIDE_BREAK_TAPPED.set((state.INSIDE_BREAK_TAPPED.get() or frozenset()) ^ {unit})


def _tiles(subject: Subject, damaged: Network, damage: Damage, layer: WeightLayer) -> None:
    """A layer's units, to be switched off and on: what each says now, as strong as colours were."""
    before, now = (
        activations.activations(network, subject.image[None])[layer.last + 1][0]
        for network in (subject.model.network, damaged)
    )
    largest, count = float(before.abs().max()), len(now)
    off = [unit.number for unit in damage.off if unit.layer == layer.name]
    size = "" if count <= MAX_SHOWN else f"; the first {MAX_SHOWN} are shown"
    st.markdown(f"**{layer.name.capitalize()}**: {len(off)} of {count} units off{size}.")
    shown = now[:MAX_SHOWN]
    tiles.tiles(
        diverging_rgba(shown if shown.ndim == 3 else shown[:, None, None], largest),
        [f"switch off {layer.name}, unit {n}" for n in range(len(shown))],
        key=f"{layer.name} on or off",
        columns=None,
        off=off,
        on_pick=lambda index: _tap(Unit(layer.name, index)),
        every=True,
    )


def _in_words(subject: Subject, damage: Damage, damaged: Network, score: DigitAccuracies) -> str:
    """What is broken, and what is read, in a line that stays in view."""
    network = subject.model.network
    before, now = (
        int(attribution.predict_logits(each, subject.image).argmax()) for each in (network, damaged)
    )
    count, units = len(damage.off), len(ablation.hidden_units(network))
    off = f"{count:,} of {units:,} units {'is' if count == 1 else 'are'} off"
    shaken = f", and every weight is shaken by {damage.noise:.0%}" if damage.noise else ""
    kept = "as before" if now == before else f"before it read {with_article(before)}"
    right = f"of {score.total:,} test images, {score.accuracy:.1%} are read right"
    return f"{off}{shaken}. It reads {with_article(now)}, {kept}; {right}."


def _score(subject: Subject, network: Network, what: str) -> GrowingScore:
    """How a network, broken in this way, reads test images: some of them at least."""
    parts = ablation.count_parts(subject.model.network, subject.test)
    score = _shared_score(subject.key, what, parts, subject.test)
    if not len(score):
        score.extend(network)
    return score


@st.cache_resource(show_spinner=False, max_entries=256)
def _shared_score(key: tuple[str, int, str], what: str, parts: int, _test: Digits) -> GrowingScore:
    """Counted once for all visitors."""
    return GrowingScore(_test, parts)


def _figures(subject: Subject, networks: dict[str, tuple[Network, str]]) -> list[float]:
    """The accuracy of networks by digit: of a sample at once, and of all images a moment later.

    Returns those on the sample, 0 to 1.

    networks: by what they are called, each with what names it for caches.
    """
    scores = {
        name: (network, _score(subject, network, what))
        for name, (network, what) in networks.items()
    }

    def behind() -> list[tuple[Network, GrowingScore]]:
        unfinished = [each for each in scores.values() if len(each[1]) < each[1].parts]
        return sorted(unfinished, key=lambda each: len(each[1]))

    looks = iter([True])

    def show() -> None:
        torch.set_num_threads(1)
        if not next(looks, False) and _ONE_COUNTS.acquire(blocking=False):
            try:
                until = time.monotonic() + _TICK_S
                while (left := behind()) and time.monotonic() < until:
                    left[0][1].extend(left[0][0])
            finally:
                _ONE_COUNTS.release()
        if busy and not behind():
            st.rerun()  # so that all the page says the same
        found = {name: score.known() for name, (_, score) in scores.items()}
        few = [name for name, each in found.items() if each.total < len(subject.test)]
        of = f"all {len(subject.test):,} test images"
        if few:
            least = min(len(score) / score.parts for _, score in scores.values())
            sample = f"a sample of {found[few[0]].total:,} of {len(subject.test):,} test images"
            of = sample if len(few) == len(found) else f"{of}; {', '.join(few)}: of {sample}"
            of += f", until all are read ({least:.0%})"
        st.html(_table(found, of))

    busy = bool(behind())
    (st.fragment(show, run_every=2 * _TICK_S) if busy else show)()
    return [score.first(1).accuracy for _, score in scores.values()]


def _table(found: dict[str, DigitAccuracies], of: str) -> str:
    """A column for each network, a row for all test images and for those of each digit."""
    head = "".join(f"<th scope='col' colspan='2'>{name}</th>" for name in found)
    rows = [("all", [each.accuracy for each in found.values()])]
    rows += [(str(n), [each.by_digit[n] for each in found.values()]) for n in range(NUM_CLASSES)]
    lines = "".join(
        f"<tr style='font-weight:{700 if name == 'all' else 400}'><th scope='row'>{name}</th>"
        + "".join(
            f"<td>{share:.1%}</td><td style='width:{60 / len(found):.0f}%'>{bar(share, BLUE)}</td>"
            for share in shares
        )
        + "</tr>"
        for name, shares in rows
    )
    return (
        "<table style='width:100%;text-align:right;border-spacing:.5rem .1rem;"
        "border-collapse:separate;font-variant-numeric:tabular-nums'><thead><tr>"
        f"<th scope='col'>digit</th>{head}</tr></thead><tbody>{lines}</tbody></table>"
        f"<p style='margin:.3rem 0;font-size:.875rem;{room_for(2)}'>Read right, of {of}.</p>"
    )
