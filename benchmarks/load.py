"""A class at once, without browsers: how fast answers come, and what memory stays when all left.

    MNIST_DATA=... python benchmarks/load.py [--app DIR ...] [--visitors 20] [--leave 300]

Starts the app in each DIR by turns and speaks Streamlit's own protocol with it. First everybody
opens Draw and reports a drawing every two seconds, each waiting for one answer before the next
report, as the sheet does; newcomers arrive meanwhile. Then, on a new server, one visitor opens
every page and leaves, which is what memory is compared with, and ten more draw, upload and leave.
"""

import argparse
import asyncio
import io
import json
import math
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from PIL import Image, ImageDraw
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import connect

ROOT = Path(__file__).parents[1]
PAGES = ("home", "explore", "train", "draw", "inside", "evaluate")
GUESTS = 10  # who draw, upload and leave while memory is watched
NEWCOMERS = 9  # who open Draw while the others draw
REPORTS = 20  # by each of them
PATIENCE = 120  # seconds at most for whatever is waited for


class Visitor:
    """One tab of a browser, as far as the server can tell. An async context."""

    def __init__(self, port: int) -> None:
        self.address = f"localhost:{port}"
        self.page = self.query = self.session = self.answer = ""
        self.renewed = "", 0.0  # the fragment that renews itself, and every how many seconds
        self.answered = 0.0  # when that came
        self.widgets: dict[str, tuple[str, str]] = {}  # by what it is: its id and its fragment's
        self.states: dict[str, WidgetState] = {}
        self.turn = 0

    async def __aenter__(self) -> "Visitor":
        stream = f"ws://{self.address}/_stcore/stream"
        self.socket = await connect(stream, subprotocols=["streamlit"], max_size=None, proxy=None)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()

    async def open(self, page: str) -> None:
        """Run the whole page, until it stands."""
        self.page = page
        self.states.clear()
        await self._run("")

    async def watch(self, page: str, query: str, until: Callable[[], bool]) -> None:
        """Look at a page that renews itself, as a browser asks it to."""
        self.query = query
        await self.open(page)
        while not until():
            fragment, every = self.renewed
            await asyncio.sleep(every)
            await self._run(fragment)

    async def draw(self, strokes: list[list[tuple[float, float]]]) -> None:
        """Report what is on the sheet, and wait for the answer."""
        self.turn += 1
        drawing = {"turn": self.turn, "first": 0, "strokes": strokes, "widths": [20] * len(strokes)}
        widget, fragment = self.widgets["sheet"]
        state = WidgetState(id=widget, json_value=json.dumps({"drawing": drawing}))
        self.states[widget] = state
        await self._run(fragment)

    async def upload(self, content: bytes) -> None:
        """Give the page a picture, as a browser does, and wait for the answer."""
        message = BackMsg()
        message.file_urls_request.request_id = "1"
        message.file_urls_request.file_names.append("digit.png")
        message.file_urls_request.session_id = self.session
        await self.socket.send(message.SerializeToString())
        urls = (await self._until("file_urls_response")).file_urls_response.file_urls[0]
        await asyncio.to_thread(_put, f"http://{self.address}", urls.upload_url, content)
        widget, fragment = self.widgets["upload"]
        state = self.states[widget] = WidgetState(id=widget)
        state.file_uploader_state_value.uploaded_file_info.add(
            name="digit.png", size=len(content), file_id=urls.file_id, file_urls=urls
        )
        await self._run(fragment)

    async def press(self, label: str) -> None:
        """Press a button that the page has, and wait until it stands again."""
        widget, fragment = self.widgets[label]
        await self._run(fragment, WidgetState(id=widget, trigger_value=True))

    async def _run(self, fragment: str, *pressed: WidgetState) -> None:
        message = BackMsg()
        message.rerun_script.page_name = self.page
        message.rerun_script.query_string = self.query
        message.rerun_script.fragment_id = fragment
        message.rerun_script.widget_states.widgets.extend([*self.states.values(), *pressed])
        await self.socket.send(message.SerializeToString())
        early = ForwardMsg.FINISHED_EARLY_FOR_RERUN
        while (await self._until("script_finished")).script_finished == early:
            pass

    async def _until(self, kind: str) -> ForwardMsg:
        """The next message of a kind; what the page shows meanwhile is noted."""
        async with asyncio.timeout(PATIENCE):
            while True:
                message = ForwardMsg.FromString(await self.socket.recv())
                found = message.WhichOneof("type")
                if found == "new_session" and message.new_session.HasField("initialize"):
                    self.session = message.new_session.initialize.session_id
                elif found == "auto_rerun":
                    self.renewed = message.auto_rerun.fragment_id, message.auto_rerun.interval
                elif found == "delta":
                    self._note(message.delta)
                if found == kind:
                    return message

    def _note(self, delta: Delta) -> None:
        element = delta.new_element
        if '"strokes"' in element.bidi_component.json:
            self.widgets["sheet"] = element.bidi_component.id, delta.fragment_id
        elif element.button.id:
            self.widgets[element.button.label] = element.button.id, delta.fragment_id
        elif element.file_uploader.id:
            self.widgets["upload"] = element.file_uploader.id, delta.fragment_id
        elif "aria-label='Answer'" in element.html.body:
            self.answer, self.answered = element.html.body, time.perf_counter()


def _put(server: str, url: str, content: bytes) -> None:
    """Upload by HTTP, with the token that the server gave out."""
    with urllib.request.urlopen(f"{server}/_stcore/health") as answer:
        cookie = answer.headers["Set-Cookie"].split(";")[0]
    head = b'--X\r\nContent-Disposition: form-data; name="f"; filename="digit.png"\r\n\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=X", "Cookie": cookie}
    headers["X-Xsrftoken"] = cookie.partition("=")[2]
    body = head + content + b"\r\n--X--\r\n"
    request = urllib.request.Request(server + url, body, headers, method="PUT")
    urllib.request.urlopen(request).close()


@contextmanager
def serve(app: Path, **environment: str) -> Iterator[tuple[subprocess.Popen, int]]:
    """The app in a folder, with its own settings, on a free port: the process and the port."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"]
    with tempfile.TemporaryDirectory() as runs:
        process = subprocess.Popen(
            [*command, f"--server.port={port}"],
            cwd=app,
            env=os.environ | {"MNIST_RUNS": runs} | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            for _ in range(600):
                with suppress(OSError):
                    urllib.request.urlopen(f"http://localhost:{port}/_stcore/health").close()
                    break
                time.sleep(0.1)
            yield process, port
        finally:
            process.kill()
            process.wait()


def scrawl(chance: random.Random) -> list[list[tuple[float, float]]]:
    """A zero that wobbles, of 40 points."""
    wide, high = chance.uniform(50, 90), chance.uniform(90, 140)
    turns = [math.tau * k / 39 for k in range(40)]
    return [[(200 + wide * math.sin(turn), 200 - high * math.cos(turn)) for turn in turns]]


def photograph() -> bytes:
    """A seven on grey paper, 1,600 by 1,200 pixels, as a PNG."""
    picture = Image.effect_noise((1600, 1200), 12).point(lambda value: min(value + 80, 255))
    ImageDraw.Draw(picture).line([(500, 300), (1000, 300), (700, 950)], fill=30, width=50)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


async def answers(port: int, visitors: int, every: float, seconds: float) -> tuple[list, list]:
    """Milliseconds to each answer; and for each newcomer, to the first content of Draw."""
    took: list[float] = []
    first: list[float] = []

    async def pupil(number: int) -> None:
        chance = random.Random(number)
        async with Visitor(port) as visitor:
            await visitor.open("draw")
            await asyncio.sleep(chance.uniform(0, every))
            end = time.perf_counter() + seconds
            while (start := time.perf_counter()) < end:
                await visitor.draw(scrawl(chance))
                took.append(1000 * (visitor.answered - start))
                await asyncio.sleep(max(0.0, start + every - time.perf_counter()))

    async def newcomers() -> None:
        for _ in range(NEWCOMERS):
            await asyncio.sleep(seconds / (NEWCOMERS + 1))
            start = time.perf_counter()
            async with Visitor(port) as visitor:
                await visitor.open("draw")
                first.append(1000 * (visitor.answered - start))

    async with Visitor(port) as visitor:  # so that nobody waits for what is loaded once
        await visitor.open("draw")
        await visitor.draw(scrawl(random.Random(-1)))
    async with asyncio.TaskGroup() as everybody:
        everybody.create_task(newcomers())
        for number in range(visitors):
            everybody.create_task(pupil(number))
    return took, first


async def memory(process: subprocess.Popen, port: int, leave: float) -> tuple[int, int, int]:
    """Megabytes of the server: after one visitor, with ten more, and after these have left."""

    def megabytes() -> int:
        status = Path(f"/proc/{process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s*(\d+)", status)[0]) // 1024

    async def guest(number: int) -> int:
        async with Visitor(port) as visitor:
            for page in (*PAGES, "draw"):
                await visitor.open(page)
                await asyncio.sleep(1)
            for step in range(REPORTS):
                await visitor.draw(scrawl(random.Random(REPORTS * number + step)))
            await visitor.upload(photograph())
            await asyncio.sleep(2)
            return megabytes()

    await guest(GUESTS)
    await asyncio.sleep(leave)
    before = megabytes()
    during = max(await asyncio.gather(*(guest(number) for number in range(GUESTS))))
    await asyncio.sleep(leave)
    return before, during, megabytes()


def main() -> None:
    """Measure each app by turns, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--app", type=Path, action="append", help="folder; can be given again")
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--every", type=float, default=2.0, help="seconds between reports")
    parser.add_argument("--seconds", type=float, default=60.0, help="of drawing")
    parser.add_argument("--rounds", type=int, default=1, help="of drawing, by turns")
    parser.add_argument("--leave", type=float, default=300.0, help="seconds; 0: no memory")
    options = parser.parse_args()
    apps = [app.resolve() for app in options.app or [ROOT]]
    took: dict[Path, list] = {app: [] for app in apps}
    first: dict[Path, list] = {app: [] for app in apps}
    for app in apps * options.rounds:
        with serve(app) as (_, port):
            some = asyncio.run(answers(port, options.visitors, options.every, options.seconds))
            took[app] += some[0]
            first[app] += some[1]
    print("| app | answers | median, ms | 95 %, ms | first content of Draw, ms |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for app in apps:
        late = statistics.quantiles(took[app], n=20)[-1]
        middle, content = statistics.median(took[app]), statistics.median(first[app])
        print(
            f"| {app} | {len(took[app])} | {middle:.0f} | {late:.0f} | {content:.0f} |", flush=True
        )
    if not options.leave:
        return
    print("\n| app | after one visitor, MB | with ten | left | kept |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for app in apps:
        with serve(app) as (process, port):
            before, during, after = asyncio.run(memory(process, port, options.leave))
        print(f"| {app} | {before} | {during} | {after} | {after / before:.2f} |", flush=True)


if __name__ == "__main__":
    main()
