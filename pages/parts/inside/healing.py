"""Heal it: a broken network learns for a few seconds, and what was off stays off."""

import streamlit as st

from mnistcore.data.digits import Digits
from mnistcore.errors import MnistError
from mnistcore.inspection import attribution
from mnistcore.inspection.ablation import Damage
from mnistcore.models.network import Network
from mnistcore.training import healing
from mnistcore.training.healing import Healed
from pages.common import state
from pages.common.datasets import BackgroundTask
from pages.common.text import escape_markdown, with_article
from pages.common.widgets import announce
from pages.parts.inside import turns
from pages.parts.inside.subject import Subject


@st.cache_resource(show_spinner=False, max_entries=8)
def _healing(
    key: tuple[str, int, str], damage: str, _damaged: Network, _train: Digits
) -> BackgroundTask[Healed]:
    """One healing of a network that is broken in this way, for all visitors."""
    return turns.begin(lambda report: healing.heal(_damaged, _train, lambda done: report(done, 1)))


def heal(subject: Subject, damage: Damage, damaged: Network) -> Network | None:
    """The button, and the healed network once it was pressed for this very damage."""
    this, healed = (subject.key, damage.name), None
    if state.INSIDE_BREAK_HEAL.get() == this:
        asked = *this, damaged, subject.train
        try:
            healed = _healing(*asked).result(lambda done, of: "What is left learns anew ...")
        except MnistError as error:
            _healing.clear(*asked)  # so that the next press tries again
            state.INSIDE_BREAK_HEAL.pop()
            st.warning(escape_markdown(error), icon=":material/hourglass_top:")
    if healed is None:
        st.button(
            "Heal it",
            icon=":material/healing:",
            disabled=not damage.name,
            help="It learns from training images for a few seconds. What is off stays off.",
            on_click=state.INSIDE_BREAK_HEAL.set,
            args=(this,),
        )
        return None
    was, now = (
        int(attribution.predict_logits(network, subject.image).argmax())
        for network in (damaged, healed.network)
    )
    told = "as when it was broken" if was == now else f"broken, it read {with_article(was)}"
    news = f"Healed: it reads {with_article(now)}, {told}."
    stayed = " What is off stayed off: what is left has taken over." if damage.off else ""
    st.markdown(f"{news} It has learned from {healed.images:,} training images.{stayed}")
    announce(news, "healed")
    return healed.network
