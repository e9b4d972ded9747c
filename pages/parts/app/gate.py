"""The server's gate: by which names it is reached, what browsers may do with it, and the cookie."""

import asyncio
import base64
import hashlib
import ipaddress
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import cli_util, config, file_util
from streamlit.web.server import server_util

from pages.common.identity import COOKIE, token_from

_YEAR = 365 * 24 * 3600  # seconds that the cookie is kept after the last visit
_CLOSED = ("/_stcore/metrics", "/_stcore/agent/")  # ways into Streamlit that no page uses


class Gate:
    """ASGI middleware in front of Streamlit.

    Who asks by a name that is not the server's is refused: else any page of the web could rename
    itself to this machine (DNS rebinding) and act as its visitor. An IP address cannot be
    renamed; `$MNIST_HOSTS` adds names, with commas between. A socket opens from the app's own
    pages alone; it is given the visitor's cookie, out of reach of scripts.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        names = os.environ.get("MNIST_HOSTS", "").lower().split(",")
        self.names = {"localhost", *map(str.strip, names)} - {""}
        self.headers = _headers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or open one socket."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        asked = HTTPConnection(scope)
        cookie = b""
        if scope["type"] == "websocket":
            token = f"{COOKIE}={token_from(asked.cookies)}"
            cookie = f"{token}; Path=/; Max-Age={_YEAR}; HttpOnly; SameSite=Strict".encode()
            cookie += b"; Secure" if scope["scheme"] == "wss" else b""
            scope = {**scope, "headers": [*scope["headers"], (b"cookie", token.encode())]}

        async def answer(message: Message) -> None:
            if message["type"].endswith("http.response.start"):
                MutableHeaders(scope=message).update(self.headers)
            elif message["type"] == "websocket.accept":
                message["headers"] = [*message.get("headers", ()), (b"set-cookie", cookie)]
            await send(message)

        app = self._refusal(asked) or self.app
        await app(scope, receive, answer)

    def _refusal(self, asked: HTTPConnection) -> PlainTextResponse | None:
        """Why this is not let in."""
        host, origin = asked.headers.get("host", ""), asked.headers.get("origin")
        if not self._is_ours(host):
            return PlainTextResponse(
                "This server does not go by the name in the address. Whoever started it can let it "
                "in: SECURITY.md says how.",
                status_code=421,
            )
        if asked["path"].startswith(_CLOSED):
            return PlainTextResponse("There is nothing here.", status_code=404)
        own = (None, f"http://{host}", f"https://{host}")
        if asked["type"] == "websocket" and origin not in own:
            return PlainTextResponse("Only pages of this server may ask.", status_code=403)
        return None

    def _is_ours(self, host: str) -> bool:
        """Whether a Host header is an IP address, or a name of this server."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
            return name in self.names or bool(ipaddress.ip_address(name))
        except ValueError:
            return False


def _headers() -> dict[str, str]:
    """What every answer carries. Scripts are Streamlit's; those of components are blobs."""
    page = Path(file_util.get_static_dir(), "index.html").read_text(encoding="utf-8")
    inline = (each.encode() for each in re.findall(r"<script>(.*?)</script>", page, re.S))
    digests = (base64.b64encode(hashlib.sha256(each).digest()).decode() for each in inline)
    scripts = ("'self'", "blob:", "'wasm-unsafe-eval'", *(f"'sha256-{each}'" for each in digests))
    policy = {
        "default-src": "'self'",
        "script-src": " ".join(scripts),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "media-src": "'self' blob:",
        "worker-src": "'self' blob:",
        "frame-src": "'none'",
        "frame-ancestors": "'none'",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{what} {who}" for what, who in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), display-capture=()",
    }


@asynccontextmanager
async def open_browser(_: st.App) -> AsyncIterator[None]:
    """Show the app once the server listens: Streamlit does so for a script, not for an st.App."""
    if not config.get_option("server.headless"):
        address = server_util.get_display_address(config.get_option("server.address"))
        asyncio.get_running_loop().call_soon(cli_util.open_browser, server_util.get_url(address))
    yield
