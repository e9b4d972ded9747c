"""Every way in from outside: what may come by it, and what has to hold of whatever comes.

A way in is a strategy and a property. The property gets a case and an empty folder; it returns,
refuses with a MnistError, or the way in does not hold. tests/test_fuzz.py tries a few hundred cases
of each, benchmarks/fuzz.py many.
"""

import copy
import functools
import gzip
import io
import json
import math
import os
import struct
import sys
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, is_dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin
from unittest import mock
from urllib.parse import parse_qsl, urlencode

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from PIL import Image, ImageDraw
from streamlit.testing.v1 import AppTest

from mnistcore import cli, serialization
from mnistcore.config import (
    DEFECTS,
    Conv,
    Defect,
    NetworkConfig,
    TrainConfig,
    check,
    parse_convolutions,
    parse_defect,
    parse_dense,
    settings,
)
from mnistcore.data import mnist
from mnistcore.data.digits import Digits
from mnistcore.drawing.rasterize import from_bitmap, from_strokes
from mnistcore.drawing.retouch import SHEET_SIZE, retouch
from mnistcore.drawing.strokes import (
    LAYOUTS,
    are_several_digits,
    parse_canvas_strokes,
    place_on_canvas,
    read_strokes,
)
from mnistcore.drawing.vectorize import open_image, trace_strokes
from mnistcore.errors import MnistError
from mnistcore.inspection import frames
from mnistcore.lessons import parse_lesson
from mnistcore.models.checkpoint import (
    images_seen,
    load_from_checkpoint,
    read_checkpoint,
    save_checkpoint,
    save_network,
)
from mnistcore.models.network import build_network
from mnistcore.models.registry import load_model
from mnistcore.presets import PRESETS, describe_changes
from mnistcore.records import (
    BatchRecord,
    FineTuneResult,
    ModelCard,
    Pace,
    Prediction,
    Progress,
    RunConfig,
    RunResult,
    RunStatus,
    from_dict,
    to_dict,
)
from mnistcore.runs import queue, slow_motion, store
from mnistcore.runs.store import Run
from mnistcore.training.finetune_session import fine_tune_result, read_drawings
from mnistcore.training.frame_recorder import FrameRecorder
from mnistcore.training.trainer import Trainer
from mnistcore.training.twins import CHANGES, twin_of
from mnistcore.viz.commentary import describe_run
from mnistcore.viz.learning_curves import Curve, accuracy_chart, describe_curves, loss_chart
from pages.common import links, state

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class WayIn:
    """What may come, and what is made of it in an empty folder; MnistError refuses it."""

    cases: SearchStrategy[Any]
    take: Callable[[Any, Path], None]


WAYS_IN: dict[str, WayIn] = {}


def _way_in(
    name: str, cases: SearchStrategy[Any]
) -> Callable[[Callable[[Any, Path], None]], Callable[[Any, Path], None]]:
    def register(take: Callable[[Any, Path], None]) -> Callable[[Any, Path], None]:
        WAYS_IN[name] = WayIn(cases, take)
        return take

    return register


def is_refused(way: WayIn, case: Any) -> bool:
    """Whether a way in refuses a case; raises what it may not."""
    with TemporaryDirectory() as folder:
        try:
            way.take(case, Path(folder))
        except MnistError as refusal:
            str(refusal).encode()  # it can be shown
            return True
    return False


# Damage


_RAW = {  # what no value makes json.dumps write, by the text that stands for it
    "<many digits>": "9" * 5000,
    "<huge>": "1e999",
    "<deep list>": "[" * 100_000,
    "<deep object>": '{"a":' * 100_000,
    "<no JSON>": "NaN1",
}
_ODD_TEXTS = ("", "0", "nan", "\0", "\ud800", "\u202e", "<b>*x*</b>", "../x", "x" * 10_000)
_ODD_NUMBERS: tuple[Any, ...] = (
    *(0, -1, 1, 7, 0.5, -0.0, 2**31, 10**15, 10**15 + 1, -(2**63), 10**30),
    *(1e308, -1e308, 5e-324, math.inf, -math.inf, math.nan, "<many digits>", "<huge>"),
)
_ODD_PARTS: tuple[Any, ...] = ([], {}, [[]], [None], [[1, 2]], {"format": 1}, [0] * 10_000)
ODD = (None, True, False, *_ODD_TEXTS, *_ODD_NUMBERS, *_ODD_PARTS, *_RAW)
"""What may stand in place of any JSON value."""


def _odd(value: Any) -> SearchStrategy[Any]:
    """What to put in place of this value: of its own kind, or any other."""
    own = _ODD_TEXTS if isinstance(value, str) else _ODD_NUMBERS
    return st.sampled_from(own) | st.sampled_from(ODD)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Where each part of a JSON value stands: the list or object around it, and its key there."""
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    found = [(value, key) for key, _ in parts]
    for _, part in [*(value.items() if isinstance(value, dict) else enumerate(value))]:
        if isinstance(part, dict | list):
            found += _places(part)
    return found


@st.composite
def bent(draw: st.DrawFn, values: Sequence[Any]) -> Any:
    """One of these JSON values, with up to four of its parts odd, left out, or there many times."""
    root = [copy.deepcopy(draw(st.sampled_from(values)))]
    for _ in range(draw(st.integers(0, 4))):
        places = _places(root)
        around, key = places[draw(st.integers(0, len(places) - 1))]
        how = draw(st.integers(0, 9))
        if how < 6:
            around[key] = copy.deepcopy(draw(_odd(around[key])))
        elif how == 6 and around is not root:
            del around[key]
        elif how == 7 and isinstance(around, list) and around is not root and len(places) < 1000:
            around[key:key] = [around[key]] * draw(st.sampled_from((1, 10, 1000)))
        elif how == 8 and isinstance(around, dict):
            around[draw(st.text(max_size=5))] = around[key]
        else:
            other, there = places[draw(st.integers(0, len(places) - 1))]
            around[key] = copy.deepcopy(other[there])
    return root[0]


def written(value: Any) -> bytes:
    """A JSON value as text, with what no value makes of it."""
    text = json.dumps(value)
    for name, raw in _RAW.items():
        text = text.replace(json.dumps(name), raw)
    return text.encode()


@st.composite
def damaged(draw: st.DrawFn, files: Sequence[bytes]) -> bytes:
    """One of these files, with up to four places flipped, cut, moved, or of other numbers."""
    content = draw(st.sampled_from(files))
    for _ in range(draw(st.integers(0, 4))):
        at, to = (draw(st.integers(0, len(content))) for _ in range(2))
        how = draw(st.sampled_from(("flip", "number", "cut", "leave out", "move", "put in")))
        if how == "flip":
            content = (
                content[:at]
                + bytes(b ^ 0xFF >> to % 8 for b in content[at:][:1])
                + content[at + 1 :]
            )
        elif how == "number":
            new = draw(st.sampled_from((0, 1, 255, 2**16, 2**31 - 1, 2**31, 2**32 - 1)))
            order = draw(st.sampled_from("<>"))
            content = content[:at] + struct.pack(f"{order}I", new) + content[at + 4 :]
        elif how == "cut":
            content = content[:at]
        elif how == "leave out":
            content = content[:at] + content[max(at, to) :]
        elif how == "move":
            content = content[:at] + content[to : to + 500] + content[at:]
        else:
            content = content[:at] + draw(st.binary(max_size=50)) + content[at:]
    return content


def of_kind(kind: Any) -> SearchStrategy[Any]:
    """Every value that `serialization.structure` takes for this kind, and that is no larger."""
    origin, parts = get_origin(kind), get_args(kind)
    if kind in _SPECIAL:
        return _SPECIAL[kind]()
    if origin is Annotated:
        low, high = parts[1]
        number = st.integers if parts[0] is int else functools.partial(st.floats, width=64)
        return number(
            int(low) if parts[0] is int else low, min(high, 10**15) if parts[0] is int else high
        )
    if origin is Literal:
        return st.sampled_from(parts)
    if origin is tuple:
        return st.lists(of_kind(parts[0]), max_size=3).map(tuple)
    if parts:
        return st.one_of(*map(of_kind, parts))
    if is_dataclass(kind) or hasattr(kind, "_fields"):
        hints = serialization.type_hints(kind)
        return st.builds(kind, **{name: of_kind(hint) for name, hint in hints.items()})
    return _PLAIN[kind]


_PLAIN: dict[Any, SearchStrategy[Any]] = {
    NoneType: st.none(),
    bool: st.booleans(),
    int: st.integers(-(10**15), 10**15),
    float: st.floats(-1e15, 1e15),
    str: st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
}


@st.composite
def _progress(draw: st.DrawFn) -> Progress:
    hints = serialization.type_hints(Progress)
    step, more = draw(st.integers(0, 10**9)), draw(st.integers(1, 10**9))
    rest = {n: draw(of_kind(hint)) for n, hint in hints.items() if n not in ("step", "total_steps")}
    return Progress(step=step, total_steps=step + more, **rest)


@st.composite
def _fine_tune_result(draw: st.DrawFn) -> FineTuneResult:
    digits = st.integers(0, 9)
    rows = draw(st.lists(st.tuples(digits, digits, digits), min_size=1, max_size=5))
    share = st.floats(0, 1)
    return FineTuneResult(draw(_PLAIN[str]), draw(share), *zip(*rows, strict=True), draw(share))


@st.composite
def _run_result(draw: st.DrawFn) -> RunResult:
    hints = serialization.type_hints(RunResult)
    rest = {n: draw(of_kind(hint)) for n, hint in hints.items() if n != "confusion"}
    return RunResult(**rest, confusion=draw(st.sampled_from(((), ((7,) * 10,) * 10))))


_SPECIAL: dict[Any, Callable[[], SearchStrategy[Any]]] = {
    Progress: _progress,
    FineTuneResult: _fine_tune_result,
    RunResult: _run_result,
}


# Valid files to begin from

_RUN_ID = "20260101-run"
NETWORK = NetworkConfig((Conv(2, 5),), (4,), batch_norm=True, dropout=0.1)
RECIPE = TrainConfig(NETWORK, epochs=1, batch_size=10, seed=3)
DIGIT = {
    "label": 4,
    "writer": "w1",
    "strokes": [[[100, 90], [80, 200], [220, 210]], [[200, 20], [190.5, 380]]],
}
SOME_STROKES = [
    DIGIT["strokes"],
    [[[x, 200] for x in range(0, 400, 20)]],
    [[[200 + 100 * math.cos(a / 9), 200 + 150 * math.sin(a / 9)] for a in range(57)]],
    [[[5, 5]], [[400, 400], [0, 0]], []],
]


@functools.cache
def _digits() -> Digits:
    """Thirty images of noise, and labels: enough for whatever reads them."""
    rng = np.random.default_rng(1)
    images = torch.from_numpy(rng.integers(0, 256, (30, 28, 28), dtype=np.uint8))
    return Digits(images, torch.arange(30) % 10, "mnist")


def _idx_files() -> tuple[bytes, bytes]:
    some = _digits()
    images = struct.pack(">4I", 0x803, *some.images.shape) + some.images.numpy().tobytes()
    return images, struct.pack(">2I", 0x801, 30) + some.labels.byte().numpy().tobytes()


@functools.cache
def _data() -> TemporaryDirectory[str]:
    """A data folder with thirty images in each part, for as long as this process lives."""
    folder = TemporaryDirectory()
    raw = Path(folder.name) / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part in mnist.PARTS.values():
        for name, content in zip(part, _idx_files(), strict=True):
            (raw / name).write_bytes(content)
    return folder


def _write_run(path: Path, **others: bytes) -> Run:
    """A run's folder, with other content for some of its files."""
    (path / "frames").mkdir(parents=True)
    for name, content in (_run_files() | others).items():
        (path / name).write_bytes(content)
    return Run(path)


@functools.cache
def _run_files() -> dict[str, bytes]:
    """All that a run of a few steps can leave in its folder, by name."""
    torch.set_num_threads(1)
    with TemporaryDirectory() as scratch, torch.random.fork_rng():
        run = Run(Path(scratch) / "run")
        run.frames.mkdir(parents=True)
        training = Trainer(RECIPE, _digits(), _digits())
        records = list(training)
        FrameRecorder(run.frames, training).record()
        save_checkpoint(run.checkpoint, training.state())
        result = RunResult("run", "fast", "mnist", 100, test_accuracy=0.5, test_count=30)
        tuned = replace(result, fine_tune=FineTuneResult("shipped", 0.9, (1, 2), (1, 7), (1, 2)))
        save_network(training.network, run.model, ModelCard("A net", "typed", RECIPE, result))
        named = RunConfig("My run", "fast", "mnist", "data", created="2026-01-01", train=RECIPE)
        last = records[-1]
        status = RunStatus(
            "running", "Hello", 1, "here", 1.0, 1.0, last, last.predictions, 3, tuned
        )
        batch = BatchRecord(3, 10, 1.5, 4, (Prediction(3, 4, 0.5),), (0.1, 0.2))
        files = {
            "config.json": named,
            "status.json": status,
            "pace.json": Pace("step", 4),
            "batch.json": batch,
        }
        for name, record in files.items():
            store.write_record(run.path / name, record)
        lines = "\n".join(json.dumps(to_dict(record)) for record in records)
        run.curve.write_text(lines)
        (run.path / store.DRAWINGS_FILE).write_text(json.dumps(DIGIT))
        (run.path / "owner.json").write_text(json.dumps({"owner": "o" * 32, "address": "a" * 32}))
        (run.path / "control").write_text("pause")
        paths = [path for path in run.path.rglob("*") if path.is_file()]
        return {str(path.relative_to(run.path)): path.read_bytes() for path in paths}


@functools.cache
def _pictures() -> tuple[bytes, ...]:
    """A digit in every format that is read, and in most kinds of pixels."""
    picture = Image.new("L", (40, 48), 240)
    ImageDraw.Draw(picture).line([(10, 8), (8, 24), (30, 26), (26, 6), (28, 42)], fill=20, width=4)
    small = Image.fromarray(255 - np.asarray(picture.resize((28, 28))))
    exif = Image.Exif()
    exif[0x0112] = 6
    kinds = [
        *(("PNG", mode, {}) for mode in ("1", "L", "P", "RGB", "RGBA", "LA", "I;16")),
        *(("JPEG", mode, {"exif": exif}) for mode in ("L", "RGB", "CMYK")),
        *(("JPEG", "RGB", {"progressive": True}), ("BMP", "RGB", {}), ("GIF", "P", {})),
        *(("WEBP", "RGBA", {}), ("WEBP", "RGB", {"lossless": True})),
        *(("TIFF", mode, {}) for mode in ("1", "L", "I", "F", "RGBA", "I;16")),
        *(("TIFF", "RGB", {"compression": name}) for name in ("tiff_lzw", "tiff_deflate", "jpeg")),
    ]
    files = []
    for image in (picture, small):
        for kind, mode, more in kinds:
            file = io.BytesIO()
            (image.convert("I").convert(mode) if ";" in mode else image.convert(mode)).save(
                file, kind, **more
            )
            files.append(file.getvalue())
    return tuple(files)


def _network_files() -> tuple[bytes, ...]:
    return (_run_files()["model.safetensors"],)


def _frame_files() -> tuple[bytes, ...]:
    return tuple(content for name, content in _run_files().items() if name.startswith("frames"))


@st.composite
def bent_safetensors(draw: st.DrawFn, files: Callable[[], Sequence[bytes]]) -> bytes:
    """A safetensors file with damage anywhere, in its header, or in the JSON inside that."""
    content = draw(st.sampled_from(files()))
    if draw(st.booleans()):
        return draw(damaged([content]))
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    inner = header["__metadata__"]
    name = draw(st.sampled_from(sorted(inner)))
    if name != "format" and draw(st.booleans()):
        inner[name] = written(draw(bent([json.loads(inner[name])]))).decode()
        text = json.dumps(header).encode()
    else:
        text = written(draw(bent([header])))
    return struct.pack("<Q", len(text)) + text + content[8 + length :]


@st.composite
def bent_checkpoint(draw: st.DrawFn) -> bytes:
    """A checkpoint with damage anywhere, in one of the files in it, or in the values it holds."""
    content = _run_files()["checkpoint.pt"]
    how = draw(st.integers(0, 2))
    if how == 0:
        return draw(damaged([content]))
    out = io.BytesIO()
    if how == 1:
        packed = draw(st.sampled_from((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", packed) as new:
            names = old.namelist()
            chosen = draw(
                st.sampled_from([name for name in names if name.endswith(".pkl")] + names)
            )
            for name in names:
                inner = old.read(name)
                new.writestr(name, draw(damaged([inner])) if name == chosen else inner)
        return out.getvalue()
    state = torch.load(io.BytesIO(content), weights_only=True)
    places = [(around, key) for around, key in _places(state) if isinstance(key, str | int)]
    odd = (
        *(None, True, *_ODD_TEXTS, *_ODD_NUMBERS),
        torch.zeros(0),
        torch.full((3,), math.nan),
        torch.zeros(2, 2),
        torch.ones((), dtype=torch.int64),
    )
    for _ in range(draw(st.integers(1, 3))):
        around, key = places[draw(st.integers(0, len(places) - 1))]
        around[key] = draw(st.sampled_from(odd))
    torch.save(state, out)
    return out.getvalue()


# The ways in

_canvas = st.one_of(
    bent(SOME_STROKES),
    st.lists(st.lists(st.tuples(st.floats(), st.floats()), max_size=20), max_size=5),
    st.lists(
        st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), max_size=20), max_size=5
    ),
)


@_way_in("strokes from a browser", _canvas)
def _take_strokes(case: Any, folder: Path) -> None:
    strokes = parse_canvas_strokes(case)
    assert all(0 <= number <= 400 for stroke in strokes for point in stroke for number in point)
    assert parse_canvas_strokes(strokes) == strokes
    are_several_digits(strokes)
    _require_picture(from_strokes(strokes))


def _sheets() -> list[bytes]:
    """PNGs of about the size of the sheet on which a test image is touched up."""
    sizes, modes = (SHEET_SIZE, 1, SHEET_SIZE + 1, 4_000), ("RGBA", "LA", "L", "1", "P", "I;16")
    files = [io.BytesIO() for _ in range(len(sizes) + len(modes))]
    for file, size in zip(files, sizes, strict=False):
        Image.new("RGBA", (size, size), "white").save(file, "PNG")
    for file, mode in zip(files[len(sizes) :], modes, strict=True):
        Image.new(mode, (SHEET_SIZE, SHEET_SIZE), 1).save(file, "PNG")
    return [file.getvalue() for file in files]


_painted = st.deferred(lambda: damaged(_sheets())).map(
    lambda png: f"data:image/png;base64,{b64encode(png).decode()}"
)


@_way_in("what was painted over a digit", _painted | st.sampled_from(ODD))
def _take_painted(case: Any, folder: Path) -> None:
    image = retouch(torch.zeros(28, 28, dtype=torch.uint8), case)
    assert image.shape == (28, 28) and image.dtype == torch.uint8


def _require_picture(picture: torch.Tensor | None) -> None:
    if picture is not None:
        assert picture.shape == (28, 28) and picture.dtype == torch.float32
        assert picture.min() >= 0 and 0.5 < picture.max() <= 1


_stroke_lines = st.lists(bent([DIGIT]), max_size=3).map(lambda some: b"\n".join(map(written, some)))


@_way_in(
    "stroke files",
    st.tuples(
        st.one_of(_stroke_lines, damaged([json.dumps(DIGIT).encode()] * 2)),
        st.booleans(),
        st.sampled_from(LAYOUTS),
    ),
)
def _take_stroke_file(case: tuple[bytes, bool, str], folder: Path) -> None:
    content, packed, layout = case
    path = folder / ("a.jsonl.gz" if packed else "a.jsonl")
    path.write_bytes(gzip.compress(content, 1) if packed else content)
    for label, _, strokes in read_strokes(path):
        assert label is None or label in range(10)
        _require_picture(from_strokes(place_on_canvas(strokes, layout)))


@_way_in("packed stroke files", damaged([gzip.compress(json.dumps(DIGIT).encode(), mtime=0)]))
def _take_packed_stroke_file(case: bytes, folder: Path) -> None:
    path = folder / "a.jsonl.gz"
    path.write_bytes(case)
    read_strokes(path)


_point = st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
_drawn = st.tuples(
    st.none() | st.integers(0, 9),
    st.text(max_size=9),
    st.lists(st.lists(_point, max_size=9), max_size=4),
)


@_way_in("strokes to a file and back", st.lists(_drawn, min_size=1, max_size=4))
def _keep_strokes(case: list[Any], folder: Path) -> None:
    path = folder / "a.jsonl"
    names = ("label", "writer", "strokes")
    path.write_text("\n".join(json.dumps(dict(zip(names, each, strict=True))) for each in case))
    assert read_strokes(path) == case


@_way_in("pictures", st.deferred(lambda: damaged(_pictures())))
def _take_picture(case: bytes, folder: Path) -> None:
    image = open_image(io.BytesIO(case))
    _require_picture(from_bitmap(image))
    for stroke in trace_strokes(image):
        assert np.isfinite(stroke).all()


@_way_in("pixels to a PNG and back", st.binary(min_size=576, max_size=576))
def _keep_pixels(case: bytes, folder: Path) -> None:
    pixels = np.zeros((28, 28), np.uint8)
    pixels[2:26, 2:26] = np.frombuffer(case, np.uint8).reshape(24, 24)
    pixels[14, 14] = 255
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    read = from_bitmap(open_image(file))
    assert read is not None and np.array_equal(np.uint8(read.numpy() * 255 + 0.5), pixels)


@_way_in("MNIST's files", st.tuples(*(damaged([each]) for each in _idx_files()), st.booleans()))
def _take_idx(case: tuple[bytes, bytes, bool], folder: Path) -> None:
    *files, packed = case
    for name, content in zip(mnist.PARTS["t10k"], files, strict=True):
        (folder / f"{name}{'.gz' * packed}").write_bytes(
            gzip.compress(content, 1) if packed else content
        )
    digits = mnist.read_part(folder, "t10k")
    assert digits.images.shape[1:] == (28, 28) and len(digits.images) == len(digits)
    assert digits.labels.min() >= 0 and digits.labels.max() <= 9


@st.composite
def _run_file(draw: st.DrawFn) -> tuple[str, bytes]:
    files = {name: content for name, content in _run_files().items() if "." in name[-6:]}
    texts = sorted(name for name in files if name.endswith((".json", ".jsonl")))
    name = draw(st.sampled_from([*texts, "control"]))
    content = _run_files()[name]
    if name == "control" or draw(st.integers(0, 3)) == 0:
        return name, draw(damaged([content]))
    lines = [
        json.loads(line) for line in (content.splitlines() if name.endswith("l") else [content])
    ]
    return name, b"\n".join(written(draw(bent([line]))) for line in lines[-4:])


@_way_in("run folders", _run_file())
def _take_run(case: tuple[str, bytes], folder: Path) -> None:
    run = _write_run(folder / _RUN_ID, **{case[0]: case[1]})
    assert store.list_runs(folder) == [run] and store.find_run(run.id, folder) == run
    store.queue_order(folder)
    run.under_way(), run.has_curves(), run.queue_position(), run.pop_command()
    assert not run.belongs_to("somebody")
    status, records = run.status(), run.metrics()
    told = describe_run(status, records)
    curves = [Curve(run.name, records, 300)]
    charts = accuracy_chart(curves), loss_chart(curves), describe_curves(records), told.sentence
    shown = [run.name, charts, to_dict(status), slow_motion.read_pace(run).kind]
    shown += [asdict(each) for each in (run.maker(), slow_motion.last_batch(run)) if each]
    json.dumps(shown, allow_nan=False, ensure_ascii=False).encode()  # a page can show it
    fine_tune_result(run)
    with redirect_stdout(io.StringIO()) as out:
        assert cli.main(["runs", "--json", "--runs", str(folder), "--data", str(folder)]) == 0
    json.loads(out.getvalue())
    store.update_status(run, message="It can be written.")
    store.write_record(run.path / "config.json", run.config())
    check(run.train_config())
    read_drawings(run)


_RECORDS = (Progress, RunResult, RunConfig, RunStatus, Pace, BatchRecord, ModelCard)


@_way_in("records to JSON and back", st.one_of(*map(of_kind, _RECORDS)))
def _keep_record(case: Any, folder: Path) -> None:
    values = serialization.parse_object(json.dumps(to_dict(case), allow_nan=False))
    assert from_dict(type(case), values) == case


@_way_in("records", st.tuples(st.sampled_from(_RECORDS), bent([asdict(RunConfig(train=RECIPE))])))
def _take_record(case: tuple[type, Any], folder: Path) -> None:
    try:
        read = from_dict(case[0], serialization.parse_object(written(case[1])))
    except ValueError:
        return
    json.dumps(to_dict(read), allow_nan=False)


@_way_in("recipes to JSON and back", of_kind(TrainConfig))
def _keep_recipe(case: TrainConfig, folder: Path) -> None:
    assert TrainConfig.from_dict(json.loads(json.dumps(asdict(case)))) == case


_recipes = [asdict(preset.config) for preset in PRESETS.values()] + [asdict(RECIPE)]


@_way_in(
    "recipes", st.tuples(bent(json.loads(json.dumps(_recipes))), st.sampled_from(sorted(CHANGES)))
)
def _take_recipe(case: tuple[Any, str], folder: Path) -> None:
    try:
        values = serialization.parse_object(written(case[0]))
    except ValueError:
        return
    recipe = TrainConfig.from_dict(values)
    describe_changes(RECIPE, recipe)
    check(recipe)
    build_network(recipe.network, seed=1)
    check(twin_of(recipe, case[1]))


_lesson_files = [  # as far as their second step
    b"[[step]]".join(path.read_bytes().split(b"[[step]]")[:3])
    for path in sorted((ROOT / "pages" / "lessons").glob("*"))
]
_LESSON_LINES = (
    *("[[step]]", "[step]", "steps = []", "[[step.x]]", "x = 1", 'ask = "?"', "standards = 1"),
    *("minutes = 1e999", "minutes = nan", "minutes = 2026-11-30", f"minutes = {'9' * 5000}"),
    *("idea = 0", "idea = true", 'look_for = ""', '"" = ""', "\ufeff", f'say = "{"x" * 5000}"'),
    *('address = "//example.org/"', 'address = "javascript:x"', 'address = "/lesson"'),
    *('address = "/?lesson=x"', 'address = "/[#"', 'title = "<b>\\u0000*x*</b>"'),
    *(f"a{'.a' * 5000} = 1", f"x = {'[' * 5000}"),
)


@st.composite
def _lesson_file(draw: st.DrawFn) -> bytes:
    lines = draw(st.sampled_from(_lesson_files)).decode().splitlines()
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(lines)))
        lines[at : at + draw(st.integers(0, 2))] = [draw(st.sampled_from(_LESSON_LINES))]
    return "\n".join(lines).encode()


@_way_in("lessons", st.one_of(_lesson_file(), damaged(_lesson_files)))
def _take_lesson(case: bytes, folder: Path) -> None:
    lesson = parse_lesson(case, links.from_address)
    assert all(links.from_address(step.address).page in links.PAGES for step in lesson.steps)
    repr(lesson).encode()


_layers = st.lists(
    st.sampled_from(
        ["32@5", "64@3p", "8@3!", " ", "0@0", "99999@99", "1@28", "x", "-1", "٣@٣", "9" * 5000]
    ),
    max_size=9,
)


@_way_in("layers, as typed", st.one_of(_layers.map(",".join), st.text(max_size=20)))
def _take_layers(case: str, folder: Path) -> None:
    for network in (
        NetworkConfig(parse_convolutions(case)),
        NetworkConfig((), parse_dense(case)),
    ):
        check(TrainConfig(network))


@_way_in("networks", st.deferred(lambda: bent_safetensors(_network_files)))
def _take_network(case: bytes, folder: Path) -> None:
    torch.set_num_threads(1)
    path = folder / "a.safetensors"
    path.write_bytes(case)
    model = load_model(str(path))
    read = model.probabilities(torch.rand(2, 28, 28))
    assert torch.allclose(read.sum(1), torch.ones(2), atol=1e-4)
    json.dumps(to_dict(ModelCard(model.title)), ensure_ascii=False).encode()


@_way_in("frames", st.deferred(lambda: bent_safetensors(_frame_files)))
def _take_frame(case: bytes, folder: Path) -> None:
    torch.set_num_threads(1)
    frames.frame_path(folder, 3).write_bytes(case)
    frame = frames.read_frame(folder, 3)
    if frame is not None:
        surveyed = frame.surveyed(NETWORK, _digits())
        assert surveyed.probabilities is None or surveyed.probabilities.isfinite().all()
        frames.answer(folder, 3, NETWORK, torch.rand(28, 28))


@_way_in("checkpoints", st.deferred(bent_checkpoint))
def _take_checkpoint(case: bytes, folder: Path) -> None:
    torch.set_num_threads(1)
    run = Run(folder / "run")
    run.path.mkdir()
    run.checkpoint.write_bytes(case)
    (run.path / "config.json").write_bytes(_run_files()["config.json"])
    assert images_seen(run.checkpoint, RECIPE) >= 0
    training = Trainer(RECIPE, _digits(), _digits())
    training.restore(read_checkpoint(run.checkpoint))
    load_from_checkpoint(run)
    list(training)


_WORDS = (
    *("train", "resume", "runs", "predict", "evaluate", "calibrate", "--json", "--help", "--"),
    *(
        "--preset",
        "fast",
        "plain",
        "Notebook",
        "--name",
        "a name",
        "--twin",
        "rate-up",
        "augmented",
    ),
    *("--convolutions", "8@5", "", "--dense", "16,8", "--activation", "Tanh", "--no-batch-norm"),
    *("--epochs", "0.1", "1e999", "nan", "-1", "--train-size", "20", "--batch-size", "10"),
    *("--spoil", "label-noise", "missing-class=3", "class-imbalance=7,x", "thin-only=0.001"),
    *("--learning-rate", "0.1", "--optimiser", "AdamW", "--seed", "9" * 5000, "--dropout", "0.5"),
    *("--model", "shipped", _RUN_ID, f"{_RUN_ID}@3", "a.safetensors", "run@1", "../x"),
    *("--strokes", "a.jsonl", "--layout", "filling", "a.png", "--dataset", "mnist", "digits"),
    *(
        "--data",
        "data",
        "--runs",
        "runs",
        "--out",
        "b.safetensors",
        "\0",
        "\ud800",
        "x" * 5000,
        ".",
    ),
)
_word = st.one_of(
    st.sampled_from(_WORDS), st.text(st.characters(exclude_characters="/"), max_size=5)
)
_TYPED = (
    ["train", "--preset", "plain", "--data", "data", "--runs", "runs", "--epochs", "1"],
    ["resume", _RUN_ID, "--runs", "runs"],
    ["runs", "--runs", "runs", "--json"],
    ["predict", "a.png", "--json", "--runs", "runs"],
    ["predict", "--strokes", "a.jsonl", "--model", _RUN_ID, "--runs", "runs"],
    ["evaluate", "--model", "a.safetensors", "--data", "data", "--dataset", "mnist"],
    ["calibrate", "--model", "a.safetensors", "--data", "data", "--out", "b.safetensors"],
)


@st.composite
def _typed(draw: st.DrawFn) -> list[str]:
    words = [*draw(st.sampled_from(_TYPED))]
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(words)))
        words[at : at + draw(st.integers(0, 2))] = draw(st.lists(_word, max_size=2))
    return words


@_way_in("the command line", _typed())
def _take_command(case: list[str], folder: Path) -> None:
    torch.set_num_threads(1)
    (folder / "data").symlink_to(_data().name)
    _write_run(folder / "runs" / _RUN_ID)
    (folder / "a.safetensors").write_bytes(_run_files()["model.safetensors"])
    (folder / "a.jsonl").write_text(json.dumps(DIGIT))
    (folder / "a.png").write_bytes(_pictures()[1])
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    at_work = mock.patch.object(cli, "_work", return_value=({}, []))
    fit = mock.patch("mnistcore.inference.ood.fit_ood_head", return_value=None)
    with chdir(folder), redirect_stdout(out), redirect_stderr(err), at_work, fit, _offline():
        try:
            status = cli.main(case)
        except SystemExit as end:
            status = int(end.code or 0)
        sys.stderr.flush()
        sys.stdout.flush()
    said, told = (each.buffer.getvalue().decode() for each in (out, err))
    assert status in (0, 2)
    if status == 2:
        assert told.startswith("mnistcore: ") and told.count("\n") == 1
        raise MnistError(told)
    if "--json" in case and "--help" not in case:
        json.loads(said or "{}")


def _offline() -> Any:
    """Within it nothing is downloaded."""
    refused = MnistError("There is no network here.")
    return mock.patch("mnistcore.data.download.download_mnist", side_effect=refused)


_PAGES = (*links.PAGES, links.LESSON_PAGE)
_PRESETS = sorted(PRESETS)
_NAMES = [*sorted(state._ADDRESS), "index", "shift", "lang", "", "lesson", "at", "show"]
_VALUES = (
    *("", "0", "1", "-1", "7", "29", "30", "1e9", "9" * 20, "9" * 5000, "0.5", "1e999", "nan", "٣"),
    *(
        "true",
        "all",
        "5,000",
        "3 x 3",
        "answer",
        "Test image",
        "drawing",
        state.TEACH,
        "One by one",
        "Mistakes",
        "class",
        "Worksheet",
    ),
    *("convolution 1", "convolution 1 0 7, dense 1 30", "dense 1 1, dense 1 1, dense 9 99999"),
    *("test", "rotate", "translate", "PCA", "shipped", _RUN_ID, f"{_RUN_ID}@3", f"{_RUN_ID}@4"),
    *(
        f"{_RUN_ID}.twin",
        f"{_RUN_ID}@{'9' * 9}",
        "../x",
        "/dev/zero",
        "\0",
        "<b>*x*</b>",
        *_PRESETS,
        *(kind.title for kind in DEFECTS.values()),
        *map(links.share_text, settings(Defect)["share"].stops),
    ),
)
_FIELDS = [
    *map(links.field_name, [*settings(NetworkConfig), *settings(TrainConfig), *settings(Defect)]),
    *(f"{what} {n}" for what in ("filters", "window", "pool", "units") for n in (0, 3, 9)),
    *("convolutions", "dense", "x"),
]
_value = st.sampled_from(_VALUES) | st.text(max_size=8)
_field = st.builds(state.train_field, st.sampled_from(_PRESETS), st.sampled_from(_FIELDS))
_asked = st.dictionaries(st.sampled_from(_NAMES) | _field | st.text(max_size=5), _value, max_size=5)


@_way_in("addresses", st.tuples(st.sampled_from(_PAGES), _asked))
def _take_address(case: tuple[str, dict[str, str]], folder: Path) -> None:
    page, asked = case
    _write_run(folder / _RUN_ID)
    app = AppTest.from_file(ROOT / "app.py", default_timeout=60)
    app.query_params = asked
    with _serving(folder):
        app.switch_page(f"pages/{page.lower()}.py").run()
    assert not app.exception, app.exception


@contextmanager
def _serving(runs: Path) -> Iterator[None]:
    """Within it pages find these runs, and thirty images; no worker is started."""
    folders = {"MNIST_RUNS": str(runs), "MNIST_DATA": _data().name}
    idle = mock.patch.multiple(queue, start_dispatcher=mock.DEFAULT, warm_spare_worker=mock.DEFAULT)
    with mock.patch.dict(os.environ, folders), idle:
        yield


def _form_shows() -> None:
    """A page with nothing but the form of Train."""
    import streamlit

    from pages.parts.train import config_form

    preset = config_form.choose_preset()
    streamlit.session_state["edited"] = config_form.edit_config(preset, 60_000)


@st.composite
def _edited(draw: st.DrawFn) -> tuple[str, TrainConfig]:
    """A preset and what its form can make of it."""
    preset = draw(st.sampled_from(_PRESETS))
    recipe = PRESETS[preset].config
    start = recipe.network
    convolutions = tuple(
        Conv(
            draw(st.integers(1, 256)),
            draw(st.sampled_from((2, 3, 5, 7))),
            draw(st.booleans()),
            each.padding,
        )
        for each in links.conv_defaults(start)[: draw(st.integers(0, links.MORE_LAYERS))]
    )
    dense = tuple(draw(st.lists(st.integers(1, 2048), max_size=links.MORE_LAYERS)))
    network = replace(
        start, convolutions=convolutions, dense=dense, **draw(_settings(NetworkConfig))
    )
    changed = draw(_settings(TrainConfig)) | {"defect": draw(st.sampled_from(_OFFERED_DEFECTS))}
    return preset, replace(recipe, network=network, **changed)


_OFFERED_DEFECTS = [
    *map(parse_defect, DEFECTS),
    *map(parse_defect, ("label-noise=0.1", "swapped-labels=4,9", "class-imbalance=0,0.001")),
]


def _settings(kind: type) -> SearchStrategy[dict[str, Any]]:
    """What the form offers of some settings."""
    offered: dict[str, SearchStrategy[Any]] = {}
    for name, setting in settings(kind).items():
        if not setting.on_form:
            continue
        if setting.choices or setting.stops:
            offered[name] = st.sampled_from(setting.choices or setting.stops)
        elif setting.shown is None:
            offered[name] = st.booleans()
        else:
            low, high = setting.shown
            step = setting.step or 1
            steps = st.integers(0, math.floor((high - low) / step + 1e-9))
            offered[name] = steps.map(lambda n, low=low, step=step: low + round(n * step, 6))
    return st.fixed_dictionaries({}, optional=offered)


@_way_in("recipes to an address and back", _edited())
def _keep_link(case: tuple[str, TrainConfig], folder: Path) -> None:
    preset, recipe = case
    link = links.train(preset=preset, config=recipe)
    app = AppTest.from_function(_form_shows)
    app.query_params = dict(parse_qsl(urlencode(link.parameters), keep_blank_values=True))
    app.run()
    assert not app.exception, app.exception
    assert app.session_state["edited"] == recipe
