"""A class at once, without browsers: how fast answers come, and what memory stays when all left.

    MNIST_DATA=... python benchmarks/load.py [--app DIR ...] [--visitors 40] [--leave 300]
        [--every 0.5] [--impatient] [--training]

Starts the app in each DIR by turns and speaks Streamlit's own protocol with it. Everybody opens
Explore and Draw, and reports a drawing `--every` seconds: after the answer to the one before, as
the sheet does, or `--impatient`, whether it came or not. Newcomers arrive meanwhile, and somebody
may start a training and watch it. Then, on a new server, one visitor opens every page and leaves,
which is what memory is compared with, and ten more draw, upload and leave.
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
from dataclasses import dataclass, field
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
STILL = 15  # seconds without a report, before memory is read


class Visitor:
    """One tab of a browser, as far as the server can tell. An async context.

    cookie: of another tab of the same visitor.
    """

    def __init__(self, port: int, cookie: str = "") -> None:
        self.address, self.cookie = f"localhost:{port}", cookie
        self.page = self.query = self.session = self.answer = self.warning = self.script = ""
        self.renewed: dict[str, float] = {}  # what renews itself: fragment, every how many seconds
        self.answered = 0.0  # when that came
        self.heard = 0  # the last report that the server has told of
        self.errors = 0
        self.widgets: dict[str, tuple[str, str]] = {}  # by what it is: its id and its fragment's
        self.states: dict[str, WidgetState] = {}
        self.turn = 0

    async def __aenter__(self) -> "Visitor":
        stream = f"ws://{self.address}/_stcore/stream"
        self.socket = await connect(
            stream,
            subprotocols=["streamlit"],
            additional_headers={"Cookie": self.cookie},
            max_size=None,
            proxy=None,
        )
        assert self.socket.response
        self.cookie = self.socket.response.headers["Set-Cookie"].split(";")[0]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()

    async def open(self, page: str) -> None:
        """Run the whole page, until it stands."""
        self.page, self.warning, self.script = page, "", ""
        self.states.clear()
        await self._run("")

    async def watch(self, page: str, query: str, until: Callable[[], bool]) -> None:
        """Look at a page that renews itself, and ask for what is due, as a browser does."""
        self.query = query
        await self.open(page)
        listening = asyncio.create_task(self._listen())
        due: dict[str, float] = {}
        while not until():
            now = time.perf_counter()
            for fragment, every in list(self.renewed.items()):
                if due.setdefault(fragment, now + every) <= now:
                    due[fragment] = now + every
                    await self._ask(fragment, is_auto_rerun=True)
            await asyncio.sleep(0.05)
        await asyncio.sleep(1)  # what was asked for last is still to come
        listening.cancel()
        await asyncio.wait([listening])

    async def draw(self, strokes: list[list[tuple[float, float]]]) -> None:
        """Report what is on the sheet, and wait for the answer."""
        await self.report(strokes)
        await self._done()

    async def report(self, strokes: list[list[tuple[float, float]]]) -> None:
        """Say what is on the sheet, and do not wait."""
        self.turn += 1
        drawing = {"turn": self.turn, "first": 0, "strokes": strokes, "widths": [20] * len(strokes)}
        widget, fragment = self.widgets["sheet"]
        state = WidgetState(id=widget, json_value=json.dumps({"drawing": drawing}))
        self.states[widget] = state
        await self._ask(fragment)

    async def scribble(self, every: float, seconds: float, chance: random.Random) -> list[float]:
        """Report as a pen moves that waits for nobody: milliseconds from each to its answer."""
        told: list[float] = []  # when each report was made
        took: list[float] = []

        async def listen() -> None:
            while True:
                await self._done()  # the answer to all reports up to the one that it tells of
                new = told[len(took) : self.heard - begun]
                took.extend(1000 * (self.answered - each) for each in new)

        end, begun = time.perf_counter() + seconds, self.turn
        listening = asyncio.create_task(listen())
        while (now := time.perf_counter()) < end:
            told.append(now)
            await self.report(scrawl(chance))
            await asyncio.sleep(every)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while len(took) < len(told):
                    await asyncio.sleep(0.05)
        await asyncio.sleep(1)  # what was asked for last is still to come
        listening.cancel()
        return took

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
        """Press a button as soon as the page has it, and wait until it stands again."""
        while label not in self.widgets:
            await self._done()
        widget, fragment = self.widgets[label]
        await self._run(fragment, WidgetState(id=widget, trigger_value=True))

    async def _run(self, fragment: str, *pressed: WidgetState) -> None:
        await self._ask(fragment, *pressed)
        await self._done()

    async def _listen(self) -> None:
        while True:
            await self._until("script_finished")

    async def _ask(self, fragment: str, *pressed: WidgetState, is_auto_rerun: bool = False) -> None:
        message = BackMsg()
        message.rerun_script.is_auto_rerun = is_auto_rerun
        message.rerun_script.page_name, message.rerun_script.page_script_hash = (
            self.page,
            self.script,
        )
        message.rerun_script.query_string = self.query
        message.rerun_script.fragment_id = fragment
        message.rerun_script.widget_states.widgets.extend([*self.states.values(), *pressed])
        await self.socket.send(message.SerializeToString())

    async def _done(self) -> None:
        early = ForwardMsg.FINISHED_EARLY_FOR_RERUN
        while (await self._until("script_finished")).script_finished == early:
            pass

    async def _until(self, kind: str) -> ForwardMsg:
        """The next message of a kind; what the page shows meanwhile is noted."""
        async with asyncio.timeout(PATIENCE):
            while True:
                message = ForwardMsg.FromString(await self.socket.recv())
                found = message.WhichOneof("type")
                if found == "new_session":
                    self.session = message.new_session.initialize.session_id or self.session
                    if not message.metadata.run.fragment_ids:
                        self.renewed.clear()
                elif found == "navigation":
                    self.script = message.navigation.page_script_hash
                elif found == "auto_rerun":
                    self.renewed[message.auto_rerun.fragment_id] = message.auto_rerun.interval
                elif found == "delta":
                    self._note(message.delta)
                if found == kind:
                    return message

    def _note(self, delta: Delta) -> None:
        element = delta.new_element
        if '"strokes"' in element.bidi_component.json:
            self.widgets["sheet"] = element.bidi_component.id, delta.fragment_id
            self.heard = json.loads(element.bidi_component.json)["turn"]
        elif element.button.id:
            self.widgets[element.button.label] = element.button.id, delta.fragment_id
        elif element.file_uploader.id:
            self.widgets["upload"] = element.file_uploader.id, delta.fragment_id
        elif element.alert.body:
            self.warning = element.alert.body
        elif "aria-label='Answer'" in element.html.body:
            self.answer, self.answered = element.html.body, time.perf_counter()
        self.errors += element.WhichOneof("type") == "exception"


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


@dataclass
class Server:
    """The app, running."""

    process: subprocess.Popen
    port: int
    runs: Path

    def megabytes(self) -> int:
        """Memory that it holds."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s*(\d+)", status)[0]) // 1024


@contextmanager
def serve(app: Path, **environment: str) -> Iterator[Server]:
    """The app in a folder, with its own settings, on a free port."""
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
            yield Server(process, port, Path(runs))
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


@dataclass
class Load:
    """What a class met, all rounds together."""

    took: list[float] = field(default_factory=list)  # milliseconds to each answer
    first: list[float] = field(default_factory=list)  # to a newcomer's first content of Draw
    each: list[float] = field(default_factory=list)  # megabytes that a visitor takes, by round
    lost: int = 0  # whose last stroke was not answered
    errors: int = 0  # shown to anybody


async def draw_together(server: Server, options: argparse.Namespace, load: Load) -> None:
    """Let everybody draw for a while, with newcomers, and note what they met."""
    everybody: list[Visitor] = []
    over = asyncio.Event()

    async def pupil(number: int) -> None:
        chance = random.Random(number)
        async with Visitor(server.port) as visitor:
            everybody.append(visitor)
            await visitor.open("explore")
            await visitor.open("draw")
            await asyncio.sleep(chance.uniform(0, options.every))
            if options.impatient:
                load.took += await visitor.scribble(options.every, options.seconds, chance)
            else:
                end = time.perf_counter() + options.seconds
                while (start := time.perf_counter()) < end:
                    await visitor.draw(scrawl(chance))
                    load.took.append(1000 * (visitor.answered - start))
                    await asyncio.sleep(max(0.0, start + options.every - time.perf_counter()))
            load.lost += visitor.heard < visitor.turn
            await over.wait()

    async def newcomers() -> None:
        for _ in range(NEWCOMERS):
            await asyncio.sleep(options.seconds / (NEWCOMERS + 1))
            start = time.perf_counter()
            async with Visitor(server.port) as visitor:
                await visitor.open("draw")
                load.first.append(1000 * (visitor.answered - start))

    async def train() -> None:
        async with Visitor(server.port) as visitor:
            visitor.query = "preset=notebook&notebook+epochs=100"  # longer than any class
            await visitor.open("train")
            await visitor.press("Start")
            run = next(server.runs.glob("*/config.json")).parent.name
            await visitor.watch("train", f"run={run}", over.is_set)
            await visitor.press("Stop")

    async with Visitor(server.port) as visitor:  # so that nobody waits for what is loaded once
        await visitor.open("explore")
        await visitor.open("draw")
        await visitor.draw(scrawl(random.Random(-1)))
    await asyncio.sleep(STILL)
    before = server.megabytes()
    async with asyncio.TaskGroup() as tasks:
        if options.training:
            tasks.create_task(train())
        tasks.create_task(newcomers())
        for number in range(options.visitors):
            tasks.create_task(pupil(number))
        await asyncio.sleep(options.seconds + STILL)
        load.each.append((server.megabytes() - before) / options.visitors)
        over.set()
    load.errors += sum(visitor.errors for visitor in everybody)


async def memory(server: Server, leave: float) -> tuple[int, int, int]:
    """Megabytes of the server: after one visitor, with ten more, and after these have left."""

    async def guest(number: int) -> int:
        async with Visitor(server.port) as visitor:
            for page in (*PAGES, "draw"):
                await visitor.open(page)
                await asyncio.sleep(1)
            for step in range(REPORTS):
                await visitor.draw(scrawl(random.Random(REPORTS * number + step)))
            await visitor.upload(photograph())
            await asyncio.sleep(2)
            return server.megabytes()

    await guest(GUESTS)
    await asyncio.sleep(leave)
    before = server.megabytes()
    during = max(await asyncio.gather(*(guest(number) for number in range(GUESTS))))
    await asyncio.sleep(leave)
    return before, during, server.megabytes()


def main() -> None:
    """Measure each app by turns, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--app", type=Path, action="append", help="folder; can be given again")
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--every", type=float, default=2.0, help="seconds between reports")
    parser.add_argument("--impatient", action="store_true", help="reports wait for no answer")
    parser.add_argument("--training", action="store_true", help="somebody trains meanwhile")
    parser.add_argument("--seconds", type=float, default=60.0, help="of drawing")
    parser.add_argument("--rounds", type=int, default=1, help="of drawing, by turns")
    parser.add_argument("--leave", type=float, default=300.0, help="seconds; 0: no memory")
    options = parser.parse_args()
    apps = [app.resolve() for app in options.app or [ROOT]]
    loads = {app: Load() for app in apps}
    for app in apps * options.rounds:
        with serve(app) as server:
            asyncio.run(draw_together(server, options, loads[app]))
    print(
        "| app | answers | median, ms | 95 %, ms | last strokes lost | errors | "
        "first content of Draw, ms | MB a visitor |\n| --- |" + " ---: |" * 7
    )
    for app, load in loads.items():
        late = statistics.quantiles(load.took, n=20)[-1]
        middle, first, each = map(statistics.median, (load.took, load.first, load.each))
        print(
            f"| {app} | {len(load.took)} | {middle:.0f} | {late:.0f} | {load.lost} | {load.errors} "
            f"| {first:.0f} | {each:.1f} |",
            flush=True,
        )
    if not options.leave:
        return
    print("\n| app | after one visitor, MB | with ten | left | kept |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for app in apps:
        with serve(app) as server:
            before, during, after = asyncio.run(memory(server, options.leave))
        print(f"| {app} | {before} | {during} | {after} | {after / before:.2f} |", flush=True)


if __name__ == "__main__":
    main()
