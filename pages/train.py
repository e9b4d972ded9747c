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
from pages.common import model_picker, pictures, state
from pages.common.identity import creator, visitor_token
from pages.common.text import escape_markdown
from pages.common.widgets import announce, scroll_into_view
from pages.parts.train import (
    bet,
    comparison,
    config_form,
    frame_stage,
    run_list,
    run_panel,
    speed,
    twins,
)


def open_run(run: store.Run | None) -> None:
    """Show this run, or the form, from the next run of the page on; the address says so too."""
    run_id = run.id if run else None
    if state.TRAIN_RUN.exists() and state.TRAIN_RUN.get() != run_id:
        frame_stage.leave_moment()
    state.TRAIN_RUN.set(run_id)
    state.TRAIN_RUN.tell(run_id)
    if run:
        state.TRAIN_PRESET.tell(None)  # which asks for the form
        state.TRAIN_TWIN.tell(None)


def opened() -> store.Run | None:
    """The run that is asked for, if it is there; a link to a recipe asks for the form."""
    kept = state.TRAIN_RUN.get() if state.TRAIN_PRESET.asked() is None else None
    run = None
    if wanted := state.TRAIN_RUN.asked() or kept:
        try:
            run = model_picker.run_by_id(wanted)
            run = run.leader or run  # a twin is shown beside it
        except MnistError:
            st.warning("That run is no longer there.", icon=":material/search_off:")
    open_run(run)
    return run


def start(preset: str, config: TrainConfig, twin: TrainConfig | None) -> None:
    """Set a worker on a new run of this visitor's, perhaps with a twin, and open it."""
    images = shared_dataset().train
    changes = describe_changes(scale_epochs(PRESETS[preset].config, len(images)), config)
    taken = {run.name for run in store.list_runs()}
    try:
        run = store.create_run(
            config,
            twin=twin,
            preset=preset,
            name=name_run(PRESETS[preset].title, changes, taken),
            dataset=images.dataset,
            data=data_folder(),
            **creator(),
        )
        bet.place(run)
        speed.begin(run)
        queue.dispatch(run.path.parent)
    except MnistError as error:
        state.TRAIN_REFUSED.set(escape_markdown(error))
    else:
        open_run(run)
        state.TRAIN_NEWS.set(f"{run.name} has started.")


run = opened()
with st.container(gap=None):  # whoever chose a run in the list was far below
    scroll_into_view(run.id if run else "form", key="run in view")
    announce(state.TRAIN_NEWS.get(), "train news")
    st.title(escape_markdown(run.name) if run else "Train", anchor=False)
show_fallback_notice()
everything = [each for each in store.list_runs() if model_picker.is_listed(each)]

if run is None:
    preset = config_form.choose_preset()
    plan, (press, change) = st.container(), st.columns([1, 4])
    choices = st.container(horizontal=True)
    train = shared_dataset().train
    count = len(train)
    with change:
        config = config_form.edit_config(preset, count)
    with choices:
        speed.choose()
        twin = twins.choose(config, count)
        bet.choose(config, twins=twin is not None)
    problem = ""
    try:
        check(config, count)
        told = [config_form.describe(preset, config, train), twins.describe(config, twin, count)]
        plan.markdown(" ".join(told).strip())
    except MnistError as error:
        problem = escape_markdown(error)
        plan.error(problem, icon=":material/build:")
    press.button(
        "Start",
        type="primary",
        icon=":material/play_arrow:",
        disabled=bool(problem),
        on_click=start,
        args=(preset, config, twin),
        width="stretch",
    )
    if refused := state.TRAIN_REFUSED.pop():
        st.warning(refused, icon=":material/hourglass_empty:")
    if not problem:
        title = f"Network of {PRESETS[preset].title}"
        pictures.network(layer_summary(config.network), title, "network")
    queue.warm_spare_worker()
else:
    caption = f"Recipe: {escape_markdown(comparison.recipe_text(run) or 'unknown')}"
    if run.twin:
        caption += f". Its twin: the same again, but {escape_markdown(twins.how(run))}."
    st.caption(caption)
    others = [each for each in everything if each.id != run.id and each.has_curves()]
    run_panel.show(run, others[: run_list.SHOWN_RUNS], on_another=lambda: open_run(None))
    comparison.show_recipe(run)
    with st.container(horizontal=True):
        twins.show_link(run)
        if run.belongs_to(visitor_token()):
            run_list.rename_or_delete(run, on_delete=lambda: open_run(None))

if everything:
    run_list.show(everything, run, open_run)
