"""Take it home: a network in files that others open, made when they are asked for."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

import streamlit as st

from mnistcore.drawing.strokes import Stroke
from mnistcore.errors import ExportError, RunError
from mnistcore.export.formats import FORMATS, PAGE, ExportFile
from mnistcore.export.quantization import bits_for
from mnistcore.runs import store
from pages.common import model_picker
from pages.common.canvas import current_drawing
from pages.common.text import escape_markdown

_ONE_AT_A_TIME = threading.Lock()
_MISSING = "For this one, whoever runs the app types `pip install -r requirements-export.txt`."


def show(model_id: str, disabled: bool = False) -> None:
    """A button that opens to one download for each file; of a network that learns no more."""
    is_moment = store.split_moment(model_id)[1] is not None
    disabled = disabled or is_moment or bool(model_picker.training_progress(model_id))
    button = st.popover(
        "Take it home",
        icon=":material/redeem:",
        disabled=disabled,
        key="take home",
        on_change="rerun",  # opened, it knows what is on the sheet
    )
    if not button.open:
        return
    with button:
        st.markdown("This network in files that others open. Not sure which? Take the page.")
        for file in _offered(model_id):
            refusal = _refusal(model_id, file)
            drawing = current_drawing() if file.name == PAGE else []
            with st.container(gap="xxsmall"):
                st.download_button(
                    f"{file.title} ({file.name})",
                    partial(_make, model_id, file, drawing),
                    file.name,
                    "application/octet-stream",
                    key=f"take home {file.name}",
                    icon=":material/download:",
                    on_click="ignore",
                    disabled=bool(refusal),
                    width="stretch",
                )
                more = " Your drawing goes along." if drawing else ""
                st.caption(refusal or file.what + more)


def _offered(model_id: str) -> list[ExportFile]:
    """All but the film, which takes long and has a button of its own, and what was not kept."""
    names = [name for name in FORMATS if name not in ("film", "pictures")]
    files = [file for name in names for file in FORMATS[name]]
    with suppress(RunError):  # the app's own network is no run
        run = store.find_run(model_id)
        curves, confusion = FORMATS["pictures"]
        result = run.status().result
        files += [curves] * bool(run.metrics())
        files += [confusion] * bool(result and result.confusion)
    return files


def _refusal(model_id: str, file: ExportFile) -> str:
    """Why this file cannot be made of this network; empty if it can."""
    if file.missing():
        return _MISSING
    if file.name == PAGE:
        try:
            with suppress(RunError):  # the app's own network is no run, and fits
                if config := store.find_run(model_id).config().train:
                    bits_for(config.network)
        except ExportError as error:
            return escape_markdown(error)
    return ""


def _make(model_id: str, file: ExportFile, drawing: Sequence[tuple[Stroke, float]]) -> bytes:
    from mnistcore.export.files import make_file
    from mnistcore.export.subject import load_subject

    with _ONE_AT_A_TIME:  # ONNX takes a processor for some seconds
        return make_file(replace(load_subject(model_id), drawing=drawing), file)
