"""The server's gate, over real HTTP and real WebSockets."""

import asyncio
import http.client
import os
import stat
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, TypeVar

import pytest
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from benchmarks.load import ROOT, serve
from pages.common.identity import COOKIE
from pages.parts.app.gate import Gate

T = TypeVar("T")
OURS = ["localhost", "127.0.0.1", "[::1]", "192.168.1.5", "[fe80::1]", "Digits.School.Example"]
FOREIGN = [
    "",
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "localhost@evil.example",
    "[evil.example]",
    "school.example",
]


@pytest.fixture(scope="module")
def port(mnist_folder: Path) -> Iterator[int]:
    names = "digits.school.example, other.example"
    with serve(ROOT, MNIST_DATA=str(mnist_folder), MNIST_HOSTS=names) as server:
        yield server.port


def get(port: int, path: str, host: str = "localhost") -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("localhost", port, timeout=20)
    connection.request("GET", path, headers={"Host": host})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def handshake(
    port: int, host: str = "localhost", origin: str | None = None, **headers: str
) -> tuple[int, str]:
    """Open a socket: the status of the answer, and the cookie that comes with it."""

    async def open_socket() -> tuple[int, str]:
        try:
            async with connect(
                f"ws://{host}:{port}/_stcore/stream",
                host="localhost",
                port=port,
                origin=origin,
                subprotocols=["streamlit"],
                additional_headers={name.replace("_", "-"): it for name, it in headers.items()},
                proxy=None,
            ) as socket:
                return 101, socket.response.headers.get("Set-Cookie", "")
        except InvalidStatus as refused:
            return refused.response.status_code, refused.response.headers.get("Set-Cookie", "")

    return elsewhere(open_socket())


def elsewhere(work: Coroutine[Any, Any, T]) -> T:
    """Its result, from a thread of its own: the browser's loop may be running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@pytest.mark.parametrize("path", ["/", "/train", "/_stcore/health", "/favicon.png", "/media/none"])
def test_every_answer_tells_the_browser_what_it_may_do(port: int, path: str) -> None:
    told = get(port, path).headers
    policy = dict(each.strip().split(" ", 1) for each in told["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == policy["object-src"] == policy["frame-src"] == "'none'"
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "data:"} & {*policy["script-src"].split()}
    assert "http" not in told["Content-Security-Policy"]
    assert told["X-Content-Type-Options"] == "nosniff"
    assert told["Referrer-Policy"] == "same-origin"
    assert "camera=(self)" in told["Permissions-Policy"]


@pytest.mark.parametrize(
    "path", ["/_stcore/metrics", "/_stcore/agent/interact", "/_stcore/agent/openapi.json"]
)
def test_ways_into_streamlit_that_no_page_uses_are_closed(port: int, path: str) -> None:
    assert get(port, path).status == 404


@pytest.mark.parametrize("host", OURS)
def test_an_address_and_a_name_that_was_allowed_are_let_in(port: int, host: str) -> None:
    assert get(port, "/", f"{host}:{port}").status == 200
    assert handshake(port, host, f"http://{host}:{port}".lower())[0] == 101


@pytest.mark.parametrize("host", FOREIGN)
def test_a_name_that_was_not_allowed_is_refused_as_one_may_be_pointed_here(
    port: int, host: str
) -> None:
    assert get(port, "/", host and f"{host}:{port}").status == 421


def test_no_socket_opens_under_a_foreign_name(port: int) -> None:
    name = "evil.example"
    assert handshake(port, name, f"http://{name}:{port}") == (421, "")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1", ""])
def test_no_socket_opens_from_a_page_of_somebody_else(port: int, origin: str) -> None:
    assert handshake(port, origin=origin) == (403, "")


def test_the_token_is_out_of_reach_of_scripts_and_other_sites(port: int) -> None:
    cookie = SimpleCookie(handshake(port)[1])[COOKIE]
    assert len(bytes.fromhex(cookie.value)) == 16
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    assert cookie["path"] == "/"
    assert not cookie["secure"]
    assert SimpleCookie(handshake(port)[1])[COOKIE].value != cookie.value
    assert SimpleCookie(handshake(port, X_Forwarded_Proto="https")[1])[COOKIE]["secure"]


def test_a_token_is_kept_and_nonsense_is_replaced(port: int) -> None:
    for sent, kept in (("ab" * 16, True), ("AB" * 16, False), ("ab", False)):
        told = SimpleCookie(handshake(port, Cookie=f"a=b; {COOKIE}={sent}")[1])[COOKIE].value
        assert (told == sent) is kept


def test_a_newcomer_has_the_token_of_the_cookie_from_the_first_moment() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(HTTPConnection(scope).cookies[COOKIE])
        await send({"type": "websocket.accept"})

    async def send(message: dict) -> None:
        seen.extend(dict(message["headers"])[b"set-cookie"].decode().split("=")[1:2])

    headers = [(b"host", b"localhost"), (b"cookie", f"{COOKIE}=nonsense".encode())]
    scope = {"type": "websocket", "scheme": "ws", "path": "/_stcore/stream", "headers": headers}
    elsewhere(Gate(app)(scope, None, send))
    assert seen[1] == f"{seen[0]}; Path"


def test_the_app_opens_in_the_browser_once_it_listens(tmp_path: Path) -> None:
    opener, told = tmp_path / "xdg-open", tmp_path / "told"
    opener.write_text(f'#!/bin/sh\necho "$1" > {told}.part && mv {told}.part {told}\n')
    opener.chmod(opener.stat().st_mode | stat.S_IXUSR)
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port=0"],
        cwd=ROOT,
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "MNIST_RUNS": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            if told.exists():
                break
            time.sleep(0.1)
        port = int(told.read_text().strip().removeprefix("http://localhost:"))
        assert get(port, "/").status == 200
    finally:
        server.terminate()
        assert server.wait(20) is not None
