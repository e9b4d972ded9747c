"""Runs beside each other: whose curves are laid over, what was changed, and what came of it."""

from collections.abc import Sequence

import streamlit as st

from mnistcore.config import count_parameters, layer_summary, settings
from mnistcore.errors import MnistError
from mnistcore.presets import PRESETS, describe_changes, scale_epochs, setting_text
from mnistcore.runs.store import Run
from pages.common import links, pictures, state
from pages.common.datasets import train_and_test
from pages.common.text import escape_markdown
from pages.parts.train import spoiling


def chosen(others: Sequence[Run]) -> list[Run]:
    """Those of the others that are laid over the run."""
    return [each for each in others if each.id in state.TRAIN_COMPARED.get()]


def show(run: Run, others: Sequence[Run]) -> None:
    """The choice among the others, and a table of the run and those that are chosen."""
    names = {each.id: escape_markdown(each.name) for each in others}
    if names:
        st.pills(
            "Lay other runs over it, dashed, and compare",
            list(names),
            format_func=names.__getitem__,
            selection_mode="multi",
            key=state.TRAIN_COMPARED,
            wrap=True,
        )
    if compared := chosen(others):
        both = [each for one in (run, *compared) for each in (one, one.twin) if each]
        st.table([_row(each) for each in both], hide_index=True)


def recipe_text(run: Run) -> str:
    """The preset that its recipe began from, and what was changed in it; empty if that is lost."""
    try:
        config = run.config()
        if config.train is None or config.preset not in PRESETS:
            return ""
        preset = PRESETS[config.preset]
        images = len(train_and_test(config.dataset)[0])
    except MnistError:
        return ""
    changes = describe_changes(scale_epochs(preset.config, images), config.train)
    return f"{preset.title} with {', '.join(changes)}" if changes else preset.title


def show_recipe(run: Run) -> None:
    """The network and all settings of a run, and the way to the form with them."""
    try:
        config, preset = run.train_config(), run.config().preset
    except MnistError:
        return
    told = [
        setting_text(setting, getattr(each, name))
        for each in (config, config.network)
        for name, setting in settings(type(each)).items()
        if setting.on_form
    ]
    with st.expander("Its recipe", icon=":material/receipt_long:"):
        pictures.network(layer_summary(config.network), f"Network of {run.name}", "recipe")
        st.markdown(f"How it learns: {', '.join(told)}. {spoiling.describe(config.defect)}")
        if preset in PRESETS:
            links.train(preset, config=config).show("Change this recipe", ":material/tune:")


def _row(run: Run) -> dict[str, str]:
    status = run.status()
    p, result = status.progress, status.result
    try:
        weights = f"{count_parameters(run.train_config().network):,}"
    except MnistError:
        weights = "–"
    shares = [getattr(result or p, name, None) for name in ("train_accuracy", "test_accuracy")]
    train, test = ("–" if share is None else f"{share:.1%}" for share in shares)
    return {
        "Run": escape_markdown(run.name),
        "Test images right": test,
        "Training images right": train,
        "Recipe": recipe_text(run) or "–",
        "Weights": weights,
        "Images looked at": f"{p.images:,}" if p else "–",
        "Time": f"{p.seconds:.0f} s" if p else "–",
    }
