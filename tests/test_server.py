"""The server's own settings, over real WebSockets."""

import asyncio
import random
import tomllib
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import ConnectionClosed

from benchmarks.load import ROOT, Visitor, photograph, scrawl, serve


@pytest.fixture(scope="module")
def port(mnist_folder: Path) -> Iterator[int]:
    with serve(ROOT, MNIST_DATA=str(mnist_folder)) as (_, port):
        yield port


def on_draw(port: int, do: Callable[[Visitor, Visitor], Awaitable[None]]) -> None:
    """Two visitors on the Draw page."""

    async def visit() -> None:
        async with asyncio.timeout(60), Visitor(port) as one, Visitor(port) as other:
            await one.open("draw")
            await other.open("draw")
            await do(one, other)

    with ThreadPoolExecutor(1) as thread:  # the browser's loop may be running in this one
        thread.submit(lambda: asyncio.run(visit())).result()


@pytest.mark.parametrize("megabytes", [2, 15])
def test_a_message_that_is_too_large_is_refused_and_others_get_their_answers(
    port: int, megabytes: int
) -> None:
    async def do(one: Visitor, other: Visitor) -> None:
        message = BackMsg()
        message.rerun_script.widget_states.widgets.add(
            id=one.widgets["sheet"][0], json_value="1" * (megabytes * 1_000_000)
        )
        with pytest.raises(ConnectionClosed) as closed:
            await one.socket.send(message.SerializeToString())
            while True:
                await one.socket.recv()
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 1009  # too big
        await other.draw(scrawl(random.Random(1)))
        assert "This is a 0." in other.answer

    on_draw(port, do)


def test_the_largest_drawing_and_a_photograph_are_taken(port: int) -> None:
    async def do(one: Visitor, other: Visitor) -> None:
        await one.draw([[(100 + (k % 2001) / 10, 100.5 + k % 199) for k in range(10_000)]])
        assert "%</span>" in one.answer.replace(" %", "%")
        picture = photograph()
        assert len(picture) > 1_000_000
        await other.upload(picture)
        assert "This is a 7." in other.answer

    on_draw(port, do)


def test_no_file_is_watched() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert settings["server"]["fileWatcherType"] == "none"
