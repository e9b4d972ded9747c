"""One of a few things to choose, which the address can ask for, too."""

from collections.abc import Sequence
from typing import Any

import streamlit as st


def one_of(label: str, options: Sequence[str], default: str, key: str, **more: Any) -> str:
    """The option that is chosen; `key` is its name in the address, `more` is for Streamlit.

    An address may say "key=" and no more, and that gets past `required`: it means the default.
    """
    chosen = st.segmented_control(
        label,
        options,
        default=default,
        required=True,
        key=key,
        bind="query-params",
        persist_state="session",
        **more,
    )
    return chosen or default
