"""Strokes as the sheet sends them and as files keep them."""

import gzip
import json
import math
import time
from pathlib import Path

import numpy as np
import pytest

from mnistcore.drawing.strokes import (
    CANVAS_SIZE,
    MAX_POINTS,
    are_several_digits,
    parse_canvas_strokes,
    place_on_canvas,
    read_strokes,
)
from mnistcore.errors import DrawingError


def test_strokes_come_from_the_sheet_as_they_were_drawn() -> None:
    assert parse_canvas_strokes([[[1, 2.5], [3, 4]], [[400, 0]]]) == [
        [(1, 2.5), (3, 4)],
        [(400, 0)],
    ]


@pytest.mark.parametrize(
    "junk",
    [
        None,
        {},
        7,
        "ink",
        [None, 3, "x", [], {}, [[]], [7], [[1]], [[1, 2, 3]], [["a", "b"]], [[None, 1]]],
        [[[math.nan, 5]], [[5, math.inf]], [[10**400, 5]]],
        [[[-1, 5], [5, 400.1]]],
    ],
)
def test_junk_is_no_stroke_and_no_error(junk: object) -> None:
    assert parse_canvas_strokes(junk) == []


def test_a_dictionary_is_no_stroke_whatever_it_says_to_being_cut() -> None:
    class Uncut(dict):  # as every dict is from Python 3.12 on, where slices can be keys
        def __getitem__(self, key: object) -> None:
            raise KeyError(key)

    assert parse_canvas_strokes([Uncut(), [[1, 2]]]) == [[(1, 2)]]


def test_points_beside_the_sheet_and_more_than_any_hand_draws_are_left_out() -> None:
    assert parse_canvas_strokes([[[5, 5], [500, 5], [9, 5]]]) == [[(5, 5), (9, 5)]]
    endless = [[[x % 400, 5] for x in range(700)]] * 100
    assert sum(map(len, parse_canvas_strokes(endless))) == MAX_POINTS


DIGIT = {"label": 7, "writer": 3, "strokes": [[[100, 150], [300, 150], [200, 350]]]}


@pytest.mark.parametrize("name", ["some.jsonl", "some.jsonl.gz"])
def test_strokes_come_back_from_a_file(tmp_path: Path, name: str) -> None:
    opened = gzip.open if name.endswith("gz") else open
    with opened(tmp_path / name, "wt") as file:
        file.write(json.dumps(DIGIT) + "\n\n" + json.dumps({"strokes": []}) + "\n")
    first, second = read_strokes(tmp_path / name)
    assert first == (7, 3, [[(100, 150), (300, 150), (200, 350)]])
    assert second == (None, None, [])


def test_a_missing_torn_or_foreign_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    whole = gzip.compress(json.dumps(DIGIT).encode() * 50)
    files = {
        "torn.jsonl.gz": whole[: len(whole) // 2],
        "foreign.jsonl.gz": b"no gzip at all",
        "foreign.jsonl": b"\xff\xfe\x00",
        "half.jsonl": b'{"label": 7, "strokes": [[[1',
        "list.jsonl": b"[1, 2]",
        "label.jsonl": b'{"label": 12, "strokes": []}',
        "flat.jsonl": b'{"label": 1, "strokes": [1, 2]}',
        "empty.jsonl": b"",
        "endless.jsonl": b'{"strokes": [[[1, 2], [1e999, 2]]]}',
        "huge.jsonl": b'{"strokes": [[[1, 2], [%s, 2]]]}' % (b"9" * 400),
        "deep.jsonl": b"[" * 100_000,
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DrawingError, match=name):
            read_strokes(tmp_path / name)
    with pytest.raises(DrawingError, match="no file"):
        read_strokes(tmp_path / "nowhere.jsonl")
    with pytest.raises(DrawingError):
        read_strokes(tmp_path)


def test_as_written_keeps_the_place_in_the_box() -> None:
    (stroke,) = place_on_canvas(DIGIT["strokes"], "as-written")
    assert np.allclose(stroke, [(80, 120), (240, 120), (160, 280)])


def test_filling_brings_the_longer_side_to_70_percent_about_the_middle() -> None:
    (stroke,) = place_on_canvas(DIGIT["strokes"], "filling")
    low, high = np.min(stroke, axis=0), np.max(stroke, axis=0)
    assert (high - low).max() == pytest.approx(0.7 * CANVAS_SIZE)
    assert np.allclose((low + high) / 2, CANVAS_SIZE / 2)


def test_an_unknown_layout_is_refused_in_words() -> None:
    with pytest.raises(DrawingError, match="as-written, filling"):
        place_on_canvas(DIGIT["strokes"], "sideways")


@pytest.mark.parametrize(
    "line",
    [
        '{"strokes": ' + "[" * 100_000,
        '{"strokes": [[[1, 1' + "0" * 400 + "]]]}",
        '{"strokes": [[[1, 1' + "0" * 5000 + "]]]}",
        '{"strokes": [[[NaN, 1]]]}',
        '{"strokes": [[["1", "2"]]]}',
        '{"strokes": [], "label": [7]}',
        '{"strokes": [], "label": true}',
        '{"strokes": [], "label": 1' + "0" * 400 + "}",
        "null",
        '""',
    ],
)
def test_a_line_that_makes_no_sense_is_named_in_a_short_sentence(tmp_path: Path, line: str) -> None:
    (tmp_path / "odd.jsonl").write_text(json.dumps(DIGIT) + "\n" + line)
    with pytest.raises(DrawingError, match=r"Line 2 of .*odd\.jsonl") as error:
        read_strokes(tmp_path / "odd.jsonl")
    assert len(str(error.value)) < 300


def test_a_small_file_that_would_unpack_to_very_much_is_refused_soon(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "bomb.jsonl.gz", "wb") as file:
        for _ in range(300):
            file.write(b" " * 1_000_000)
    started = time.thread_time()
    with pytest.raises(DrawingError, match="more than 24 MB"):
        read_strokes(tmp_path / "bomb.jsonl.gz")
    assert time.thread_time() - started < 1


@pytest.mark.parametrize(
    "sent",
    [
        [[]] * 1_000_000,
        [[[500, 500]] * 20_000] * 2_000,
        [[[1, 1]] * 1_000_000],
        [[["9" * 10, 1]]] * 1_000_000,
        [[[[[[1]]]]]] * 100_000,
    ],
)
def test_whatever_a_browser_sends_costs_little_and_little_is_kept(sent: list) -> None:
    started = time.thread_time()
    kept = parse_canvas_strokes(sent)
    assert time.thread_time() - started < 0.3
    assert sum(map(len, kept)) <= MAX_POINTS


def test_two_digits_side_by_side_are_told_from_one_of_several_strokes() -> None:
    one, two = [(80.0, 100.0), (82.0, 300.0)], [(200.0, 110.0), (290.0, 110.0), (210.0, 300.0)]
    assert are_several_digits([one, two])
    assert are_several_digits([two, one, [(205.0, 200.0), (260.0, 200.0)]])
    four = [[(150.0, 90.0), (110.0, 220.0), (260.0, 220.0)], [(230.0, 110.0), (225.0, 310.0)]]
    five = [
        [(180.0, 100.0), (170.0, 190.0), (250.0, 220.0), (160.0, 300.0)],
        [(185, 98), (270, 96)],
    ]
    for single in (four, five, [one], [one, [(300.0, 200.0)]], []):
        assert not are_several_digits(single)
