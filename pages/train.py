"""Train: choose a recipe, start it, watch it learn, steer it, compare it."""

import streamlit as st

from pages.common import navigation
from pages.common.datasets import shared_dataset, show_fallback_notice

navigation.require_frame(__file__)

from mnistcore.config import TrainConfig, check, layer_summary
from mnistcore.data.mnist import data_folder
from mnistcore.errors import MnistError
from mnistcore.presets import PRESETS, describe_changes, name_run, scale_epochs
from mnistcore.runs import queue, store
from mnistcore.viz import learning_curves, network_diagram
from pages.common import links, model_picker, state
from pages.common.identity import creator, visitor_token
from pages.common.text import escape_markdown
from pages.common.widgets import scroll_into_view
from pages.parts.train import config_form, run_list, run_panel


def open_run(run: store.Run | None) -> None:
    """Show this run, or the form, from the next run of the page on; the address says so too."""
    run_id = run.id if run else None
    state.TRAIN_RUN.set(run_id)
    state.TRAIN_RUN.tell(run_id)
    if run:
        state.TRAIN_PRESET.tell(None)  # which asks for the form


def opened() -> store.Run | None:
    """The run that is asked for, if it is there; a link to a recipe asks for the form."""
    kept = state.TRAIN_RUN.get() if state.TRAIN_PRESET.asked() is None else None
    run = None
    if wanted := state.TRAIN_RUN.asked() or kept:
        try:
            run = model_picker.run_by_id(wanted)
        except MnistError:
            st.warning("That run is no longer there.", icon=":material/search_off:")
    open_run(run)
    return run


def start(preset: str, config: TrainConfig) -> None:
    """Set a worker on a new run of this visitor's, and open it."""
    images = shared_dataset().train
    changes = describe_changes(scale_epochs(PRESETS[preset].config, len(images)), config)
    taken = {run.name for run in store.list_runs()}
    try:
        run = store.create_run(
            config,
            preset=preset,
            name=name_run(PRESETS[preset].title, changes, taken),
            dataset=images.dataset,
            data=data_folder(),
            **creator(),
        )
        queue.dispatch(run.path.parent)
    except MnistError as error:
        state.TRAIN_REFUSED.set(escape_markdown(error))
    else:
        open_run(run)


run = opened()
with st.container(gap=None):  # whoever chose a run in the list was far below
    scroll_into_view(run.id if run else "form", key="run in view")
    st.title(escape_markdown(run.name) if run else "Train", anchor=False)
show_fallback_notice()
everything = [each for each in store.list_runs() if model_picker.is_listed(each)]

if run is None:
    st.markdown("Choose a recipe and press Start: you will see the network learn to read.")
    preset = config_form.choose_preset()
    what, plan = st.empty(), st.container()  # shown above what can be changed in it
    count = len(shared_dataset().train)
    config = config_form.edit_config(preset, count)
    what.markdown(config_form.describe(preset, config, count))
    with plan:
        problem, images = None, min(config.train_size or count, count)
        try:
            check(config, count)
            steps = layer_summary(config.network)
            share = f"half of {images:,}" if config.epochs == 0.5 else f"{images:,}"
            often = "once" if config.epochs in (0.5, 1) else f"{config.epochs:g} times"
            st.markdown(
                f"**{sum(step.num_params for step in steps):,} weights** will learn from "
                f"**{share} training images**, {often} each."
            )
        except MnistError as error:
            problem, steps = escape_markdown(error), []
            st.error(problem, icon=":material/build:")
        st.button(
            "Start",
            type="primary",
            icon=":material/play_arrow:",
            disabled=problem is not None,
            on_click=start,
            args=(preset, config),
        )
        if refused := state.TRAIN_REFUSED.pop():
            st.warning(refused, icon=":material/hourglass_empty:")
        if steps:
            st.html(network_diagram.network_html(steps))
    run_panel.show_charts([learning_curves.Curve("", [], max(1, round(images * config.epochs)))])
    queue.warm_spare_worker()
else:
    others = [each for each in everything if each.id != run.id and each.has_curves()]
    run_panel.show(run, others[: run_list.SHOWN_RUNS])
    with st.container(horizontal=True):
        if st.button("Draw a digit for it", type="primary", icon=":material/draw:"):
            links.draw(model=run.id).go()
        st.button("Train another", icon=":material/add:", on_click=open_run, args=(None,))
        if run.belongs_to(visitor_token()):
            run_list.rename_or_delete(run, on_delete=lambda: open_run(None))

if everything:
    run_list.show(everything, run, open_run)
