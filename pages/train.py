"""Train: choose a recipe, start it, watch it learn, steer it, compare it."""

import streamlit as st

from pages.shared import door, resources

door.enter(__file__)

from dataclasses import asdict  # noqa: E402
from datetime import datetime  # noqa: E402

from mnistcore import curves, network, runs, sketch, training, turns  # noqa: E402
from mnistcore.data import data_folder  # noqa: E402
from mnistcore.errors import MnistError  # noqa: E402
from mnistcore.presets import PRESETS  # noqa: E402
from pages.shared import live, models, recipe  # noqa: E402
from pages.shared.view import into_view  # noqa: E402
from pages.shared.visitor import maker, visitor  # noqa: E402
from pages.shared.words import literally  # noqa: E402

SHOWN_RUNS = 8


def open_run(run: runs.Run | None) -> None:
    """Show this run, or the form, from the next run of the page on; the address says so too."""
    st.session_state["run"] = run and run.id
    if run:
        st.query_params["run"] = run.id
    else:
        st.query_params.pop("run", None)


def opened() -> runs.Run | None:
    """The run that is asked for, if it is there; a link to a recipe asks for the form."""
    kept = None if "preset" in st.query_params else st.session_state.get("run")
    wanted = st.query_params.get("run") or kept
    try:
        run = models.run(wanted) if wanted else None
    except MnistError:
        st.warning("That run is no longer there.", icon=":material/search_off:")
        run = None
    open_run(run)
    return run


def start(preset: str, config: training.TrainConfig) -> None:
    """Set a worker on a new run of this visitor's, and open it."""
    loaded = resources.digits()
    name = f"{PRESETS[preset].title} {datetime.now():%H:%M}"
    try:
        run = runs.create(
            asdict(config),
            preset=preset,
            name=name,
            dataset=loaded.train.dataset,
            data=data_folder(),
            **maker(),
        )
        turns.dispatch(run.path.parent)
    except MnistError as error:
        st.session_state["refused"] = literally(error)
    else:
        open_run(run)


run = opened()
with st.container(gap=None):  # whoever chose a run in the list was far below
    into_view(run.id if run else "form", key="run in view")
    st.title(literally(run.name) if run else "Train", anchor=False)
resources.show_notice()
everything = [each for each in runs.list_runs() if models.may_find(each)]

if run is None:
    st.markdown("Choose a recipe and press Start: you will see the network learn to read.")
    preset = recipe.choose_preset()
    what, plan = st.empty(), st.container()  # shown above what can be changed in it
    count = len(resources.digits().train)
    config = recipe.change(preset, count)
    what.markdown(recipe.in_words(preset, config, count))
    with plan:
        problem, images = None, min(config.train_size or count, count)
        try:
            training.check(config, count)
            steps = network.portrait(config.network)
            share = f"half of {images:,}" if config.epochs == 0.5 else f"{images:,}"
            often = "once" if config.epochs in (0.5, 1) else f"{config.epochs:g} times"
            st.markdown(
                f"**{sum(step.weights for step in steps):,} weights** will learn from "
                f"**{share} training images**, {often} each."
            )
        except MnistError as error:
            problem, steps = literally(error), []
            st.error(problem, icon=":material/build:")
        st.button(
            "Start",
            type="primary",
            icon=":material/play_arrow:",
            disabled=problem is not None,
            on_click=start,
            args=(preset, config),
        )
        if refused := st.session_state.pop("refused", None):
            st.warning(refused, icon=":material/hourglass_empty:")
        if steps:
            st.html(sketch.network_html(steps))
    live.pictures([curves.Curve("", [], max(1, round(images * config.epochs)))])
    turns.warm_up()
else:
    others = [each for each in everything if each.id != run.id and each.has_curves()]
    live.show(run, others[:SHOWN_RUNS])
    with st.container(horizontal=True):
        if st.button("Draw a digit for it", type="primary", icon=":material/draw:"):
            st.switch_page("pages/draw.py", query_params={"model": run.id})
        st.button("Train another", icon=":material/add:", on_click=open_run, args=(None,))
        if run.belongs_to(visitor()):
            with st.popover("Rename or delete", icon=":material/more_horiz:"):
                with st.form("rename", border=False):
                    name = st.text_input("Name", run.name, max_chars=60)
                    renamed = st.form_submit_button("Rename")
                if renamed and live.succeeds(lambda: run.rename(name, visitor())):
                    st.rerun()
                if st.button("Delete for good", icon=":material/delete:") and live.succeeds(
                    lambda: run.delete(visitor())
                ):
                    open_run(None)
                    st.toast("Deleted.", icon=":material/delete:")
                    st.rerun()

if everything:
    st.divider()
    st.subheader("Runs")
    shown = everything if st.session_state.get("all runs") else everything[:SHOWN_RUNS]
    for each in shown:
        status = each.status()
        accuracy = status.result.get("test_accuracy")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                literally(each.name),
                key=f"open {each.id}",
                on_click=open_run,
                args=(each,),
                disabled=run is not None and each.id == run.id,
            )
            read = f", {accuracy:.1%} of the test images right" if accuracy is not None else ""
            mine = ", yours" if each.belongs_to(visitor()) else ""
            here = run is not None and each.id == run.id  # it says itself how it is
            st.caption("shown above" if here else f"{status.state}{read}{mine}", width="content")
    if len(everything) > SHOWN_RUNS:
        st.toggle(f"All {len(everything)}", key="all runs")
