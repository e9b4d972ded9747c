"""The frame around every page: the list of pages, and what is done once for each visitor."""

import time
from pathlib import Path

import streamlit as st

from mnistcore.runs import queue
from pages.common import navigation, state
from pages.common.datasets import start_loading
from pages.common.identity import keep_token
from pages.parts.app import lamp, memory

HERE = Path(__file__).parent / "pages"
LOGO, FRAME = HERE / "common" / "logo.svg", HERE / "parts" / "app" / "frame.css"
PAGES = {
    "Home": (":material/home:", "What this is, and where to start."),
    "Explore": (":material/grid_view:", "See the digits that a network learns from."),
    "Train": (":material/model_training:", "Let a network learn, and watch it happen."),
    "Draw": (":material/draw:", "Write a digit and see a network read it."),
    "Inside": (":material/network_node:", "See what every part of a network makes of a picture."),
    "Evaluate": (":material/fact_check:", "See how good a network is, and where it fails."),
}

memory.keep_tidy()
st.set_page_config(page_icon=LOGO, layout="wide")
st.html(FRAME)
if not state.PAGE.exists():
    time.sleep(0.1)  # an empty page is laid out wide before anything stands on it, and would move
st.logo(LOGO, size="large")
page = st.navigation(
    [
        st.Page(f"pages/{title.lower()}.py", title=title, icon=icon, help=what)
        for title, (icon, what) in PAGES.items()
    ],
    position="top",
)
navigation.on_page_enter(page.title)
page.run()
lamp.show(page.title)
navigation.install_history_handler()
keep_token()
start_loading()
queue.start_dispatcher()
