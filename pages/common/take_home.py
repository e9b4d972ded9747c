"""Take it home: a network in files that others open, made when they are asked for."""

import threading
from functools import partial

import streamlit as st

from mnistcore.export.formats import FORMATS, ExportFile

_ONE_AT_A_TIME = threading.Lock()
_MISSING = "For this one, whoever runs the app types `pip install -r requirements-export.txt`."


def show(model_id: str, disabled: bool = False) -> None:
    """A button that opens to one download for each file; of a run that is not under way."""
    with st.popover("Take it home", icon=":material/redeem:", disabled=disabled):
        st.markdown("This network in files that others open. Not sure which? Take the notebook.")
        for file in (file for files in FORMATS.values() for file in files):
            missing = file.missing()
            with st.container(gap="xxsmall"):
                st.download_button(
                    f"{file.title} ({file.name})",
                    partial(_make, model_id, file),
                    file.name,
                    "application/octet-stream",
                    key=f"take home {file.name}",
                    icon=":material/download:",
                    on_click="ignore",
                    disabled=bool(missing),
                    width="stretch",
                )
                st.caption(_MISSING if missing else file.what)


def _make(model_id: str, file: ExportFile) -> bytes:
    from mnistcore.export.files import make_file
    from mnistcore.export.subject import load_subject

    with _ONE_AT_A_TIME:  # ONNX takes a processor for some seconds
        return make_file(load_subject(model_id), file)
