"""Heal it: a broken network learns for a few seconds, and what was off stays off."""

import streamlit as st

from mnistcore.data.digits import Digits
from mnistcore.errors import MnistError
from mnistcore.evaluation.provenance import training_provenance
from mnistcore.inspection import ablation, attribution
from mnistcore.inspection.ablation import Damage
from mnistcore.models.network import Network
from mnistcore.training import healing
from mnistcore.training.finetune_session import replay_set
from mnistcore.training.healing import Healed
from pages.common import state
from pages.common.datasets import BackgroundTask
from pages.common.text import escape_markdown, with_article
from pages.common.widgets import announce
from pages.parts.inside import turns
from pages.parts.inside.subject import Subject

_CLEARLY = 0.02  # of the test images, and of a sample of them


@st.cache_resource(show_spinner=False, max_entries=8)
def _healing(
    key: tuple[str, int, str], damage: str, _damaged: Network, _subject: Subject
) -> BackgroundTask[Healed]:
    """One healing of a network that is broken in this way, for all visitors."""
    return turns.begin(
        lambda report: healing.heal(_damaged, _taught(_subject), lambda done: report(done, 1))
    )


def _taught(subject: Subject) -> Digits:
    """What it learned from, as far as that is known: a spoiled network stays a spoiled one."""
    learned, train = training_provenance(subject.model.model_id), subject.train
    if learned.config and learned.met(train.dataset):
        train = train.head(learned.config.train_size or len(train))
    return replay_set(learned, train)


def heal(subject: Subject, damage: Damage, damaged: Network) -> Network | None:
    """The button, and the healed network once it was pressed for this very damage."""
    this, healed = (subject.key, damage.name), None
    if state.INSIDE_BREAK_HEAL.get() == this:
        asked = *this, damaged, subject
        try:
            healed = _healing(*asked).result(lambda done, of: "What is left learns anew ...")
        except MnistError as error:
            _healing.clear(*asked)  # so that the next press tries again
            state.INSIDE_BREAK_HEAL.pop()
            st.warning(escape_markdown(error), icon=":material/hourglass_top:")
        except Exception:
            _healing.clear(*asked)
            raise
    if healed is None:
        is_cut = ablation.is_cut(damaged, damage)
        why = "It learns for a few seconds from what it was taught. What is off stays off."
        st.button(
            "Heal it",
            icon=":material/healing:",
            disabled=not damage.name or is_cut,
            help="A whole layer is off: nothing of a picture gets through." if is_cut else why,
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
    stayed = " What is off stayed off." if damage.off else ""
    st.markdown(f"{news} It has learned from {healed.images:,} training images.{stayed}")
    announce(news, "healed")
    return healed.network


def tell_gain(broken: float, healed: float) -> None:
    """What came of it, in accuracies of 0 to 1 on the same test images."""
    better = healed > broken + _CLEARLY
    st.markdown("What is left has taken over." if better else "It reads hardly better, if at all.")
