"""The frame around every page: the list of pages, and what is done once for each visitor."""

from pathlib import Path

import streamlit as st

from pages.shared import door, resources, visitor

PAGES = {
    "home": ("Home", ":material/home:", "What this is, and where to start."),
    "explore": ("Explore", ":material/grid_view:", "See the digits that a network learns from."),
    "train": ("Train", ":material/model_training:", "Let a network learn, and watch it happen."),
    "draw": ("Draw", ":material/draw:", "Write a digit and see a network read it."),
}

LOGO = Path(__file__).parent / "pages" / "shared" / "logo.svg"

st.set_page_config(page_icon=LOGO, layout="wide")
st.logo(LOGO, size="large")
page = st.navigation(
    [
        st.Page(f"pages/{name}.py", title=title, icon=icon, help=what, default=name == "home")
        for name, (title, icon, what) in PAGES.items()
        if (Path(__file__).parent / "pages" / f"{name}.py").exists()
    ],
    position="top",
)
door.arrive(page.title)
page.run()
visitor.remember()
resources.warm()
