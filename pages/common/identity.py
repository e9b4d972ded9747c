"""Who is visiting: a random token, so that runs can be told apart as one's own."""

import re
import secrets
from typing import TypedDict

import streamlit as st

from pages.common import state

_COOKIE = "see_a_network_learn"
_TOKEN = re.compile(r"[0-9a-f]{32}")

_keep = st.components.v2.component(
    "keep_visitor",
    js="""
    export default function({ data }) {
        const secure = location.protocol === "https:" ? "; Secure" : ""
        document.cookie = data + "; Path=/; Max-Age=31536000; SameSite=Strict" + secure
    }
    """,
)


def visitor_token() -> str:
    """The visitor's token: 32 random hexadecimal digits, in a cookie, or else for one session."""
    if not state.VISITOR.exists():
        known = str(st.context.cookies.get(_COOKIE))
        state.VISITOR.set(known if _TOKEN.fullmatch(known) else secrets.token_hex(16))
    return state.VISITOR.get()


class Creator(TypedDict):
    """Whose a run is: a token, and a network address."""

    owner: str
    address: str


def creator() -> Creator:
    """Whose a run is that this visitor starts, for runs.create: their token, their address."""
    address = st.context.ip_address
    here = address if isinstance(address, str) else "this machine"  # on the server's own, None
    return {"owner": visitor_token(), "address": here}


def keep_token() -> None:
    """Let the browser keep the token; called by app.py below each page."""
    token = visitor_token()
    if st.context.cookies.get(_COOKIE) != token:
        _keep(data=f"{_COOKIE}={token}", key="keep_visitor")
