"""Twins: a second network that learns beside the first, with one thing changed."""

import streamlit as st

from mnistcore.config import TrainConfig
from mnistcore.errors import MnistError
from mnistcore.presets import describe_changes
from mnistcore.runs.store import Run
from mnistcore.training.twins import CHANGES, changes_for, starts_alike, twin_of
from mnistcore.viz import twin_commentary
from mnistcore.viz.commentary import capitalized
from pages.common import links, state
from pages.common.datasets import train_and_test
from pages.common.identity import visitor_token

_NONE = ""


def choose(config: TrainConfig, images: int) -> TrainConfig | None:
    """The twin of a recipe for so many images that the visitor wants, if any; the address has it.

    A recipe that cannot be trained has none.
    """
    key, known = state.TRAIN_TWIN, changes_for(config, images)
    if not key.exists():
        key.set(key.asked() or _NONE)
    if key.get() not in known:
        key.set(_NONE)
    chosen = st.selectbox(
        "The same again, but ...",
        [_NONE, *known],
        format_func=lambda each: known[each].title if each else "no twin",
        help="Trains two networks side by side, step by step in step: with the same images in the "
        "same order, from the same weights, and one thing changed.",
        width=400,
        **key.kept(),
    )
    key.tell(chosen or None)
    return twin_of(config, chosen, images) if chosen else None


def describe(config: TrainConfig, twin: TrainConfig | None, images: int) -> str:
    """What is said of the twin before it starts; empty without one."""
    if twin is None:
        return ""
    alike = starts_alike(config, twin)
    why = "" if alike else ", and not from the same weights, because their shapes differ"
    return f"Beside them learns a twin, {_how(config, twin, images)}{why}."


def how(run: Run) -> str:
    """What its twin has otherwise: "with a learning rate ten times as large"; empty without one."""
    twin = run.twin
    try:
        images = len(train_and_test(run.config().dataset)[0])
        return _how(run.train_config(), twin.train_config(), images) if twin else ""
    except MnistError:  # a damaged run, or one of images that cannot be had today
        return "with one thing changed"


def _how(config: TrainConfig, twin: TrainConfig, images: int) -> str:
    known = (each.title for each in CHANGES.values() if each.apply(config, images) == twin)
    return next(known, f"with {', '.join(describe_changes(config, twin)) or 'nothing changed'}")


def full_name(run: Run) -> str:
    """The name of a run, and of what its twin is: "Fast, with a twin: no convolutions"."""
    return f"{run.name}, with a twin: {how(run).removeprefix('with ')}" if run.twin else run.name


def titles(run: Run) -> list[str]:
    """What stands above the pictures of a run and of its twin; nothing if it is alone."""
    if not run.twin:
        return [""]
    mine = "As you set it" if run.belongs_to(visitor_token()) else "As it was set"
    short = how(run).partition(",")[0]
    return [mine, capitalized(short)]


def sentence(run: Run, twin: Run) -> str:
    """How the two stand, or what came of them."""
    ways = [title[:1].lower() + title[1:] for title in titles(run)]
    one, other = (
        twin_commentary.Twin(way, each.status(), each.metrics())
        for way, each in zip(ways, (run, twin), strict=True)
    )
    try:
        alike = starts_alike(run.train_config(), twin.train_config())
    except MnistError:
        alike = False
    return twin_commentary.describe_twins(one, other, alike=alike)


def show_links(twin: Run) -> None:
    """Further with the twin's network."""
    over = bool(twin.status().result)
    with st.container(horizontal=True):
        links.draw(model=twin.id).show("Draw for the twin", ":material/draw:")
        links.inside(model=twin.id).show("Look inside the twin", ":material/network_node:")
        links.evaluate(model=twin.id).show(
            "How good is the twin?", ":material/fact_check:", disabled=not over
        )


def show_link(run: Run) -> None:
    """To the form with the recipe of a run that has one, and a twin to begin with."""
    try:
        config, made = run.train_config(), run.config()
        images = len(train_and_test(made.dataset)[0])
    except MnistError:
        return
    known = changes_for(config, images)
    if made.preset and known:
        twin = "clean-data" if config.defect else next(iter(known))
        links.train(made.preset, config=config, twin=twin).show(
            "The same again, but ...", ":material/content_copy:"
        )
