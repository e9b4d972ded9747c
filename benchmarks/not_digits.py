"""Drawings that are no digits: letters, scribbles, smileys, spirals and dots, for benchmarks.

    python benchmarks/not_digits.py FONTS [--model NAME] [--strict]

measures how many letters pass as digits, written by stroke fonts in Hershey's format (FONTS is a
folder of .jhf files, such as Debian's hershey-fonts-data) and wobbled a little. No network has
learned from these fonts. With --strict the exit status is 1 if a bar is missed.
"""

import argparse
import itertools
import math
import random
import string
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

Point = tuple[float, float]
Stroke = list[Point]

CANVAS = 400.0  # pixels
FONTS = {"printed": ("futural", "rowmans"), "cursive": ("scripts", "cursive")}  # a line a stroke
EACH = 20  # drawings of each letter in each font
MAX_PASSING = 0.05  # of letters
LIKE_DIGITS = "OQDoIlJiZzSsGbBgq"  # as handwriting these may well be digits: left out
# Capitals that look like no digit, as pen strokes in a box of 10 x 10, y down: a stroke is a
# row of points, two figures each; "~" before it rounds its corners.
LETTERS = {
    "A": "0A 50 AA, 25 85",
    "B": "0A 00, ~00 60 92 74 05, ~05 76 A8 7A 0A",
    "C": "~A2 70 31 05 39 7A A8",
    "E": "A0 00 0A AA, 05 75",
    "F": "A0 00 0A, 05 75",
    "H": "00 0A, A0 AA, 05 A5",
    "K": "00 0A, A0 05 AA",
    "M": "0A 10 56 90 AA",
    "N": "0A 00 AA A0",
    "P": "0A 00, ~00 70 93 75 06",
    "R": "0A 00, ~00 70 93 75 05, 35 9A",
    "T": "00 A0, 50 5A",
    "U": "~00 07 3A 7A A7 A0",
    "W": "00 2A 53 8A A0",
    "X": "00 AA, A0 0A",
    "Y": "00 55, A0 55 5A",
}


def letter(name: str, chance: random.Random) -> list[Stroke]:
    """One capital, written as a hand does: no two are the same."""
    strokes = []
    for row in LETTERS[name].split(","):
        row = row.strip()
        points = [
            (int(pair[0], 16) + chance.gauss(0, 0.5), int(pair[1], 16) + chance.gauss(0, 0.5))
            for pair in row.removeprefix("~").split()
        ]
        strokes.append(_rounded(points, 4 if row.startswith("~") else 1))
    return _placed(strokes, chance)


def scribble(chance: random.Random) -> list[Stroke]:
    """A pen that wanders about, in one to three strokes."""
    strokes = []
    for _ in range(chance.randint(1, 3)):
        points = [
            (chance.uniform(0, 10), chance.uniform(0, 10)) for _ in range(chance.randint(6, 14))
        ]
        strokes.append(_rounded(points, 3))
    return _placed(strokes, chance)


def smiley(chance: random.Random) -> list[Stroke]:
    """A face: a circle, two eyes, a mouth."""
    left, right, height = (chance.gauss(middle, 0.3) for middle in (3.2, 6.8, 3.5))
    face = _arc(5, 5, 5, 0, 370)
    mouth = _arc(5, 5, chance.uniform(2.3, 3.3), 20, 160)
    eyes = [_arc(x, height, chance.uniform(0.3, 0.6), 0, 360) for x in (left, right)]
    return _placed([face, *eyes, mouth], chance)


def spiral(chance: random.Random) -> list[Stroke]:
    """Three turns or so from the middle outwards."""
    turns, start, way = chance.uniform(2.5, 4), chance.uniform(0, 360), chance.choice((-1, 1))
    steps = int(turns * 24)
    points = []
    for step in range(steps):
        angle = math.radians(start + way * 360 * turns * step / steps)
        points.append(
            (5 + 5 * step / steps * math.cos(angle), 5 + 5 * step / steps * math.sin(angle))
        )
    return _placed([points], chance)


def dots(chance: random.Random) -> list[Stroke]:
    """A dozen or two of small dots."""
    places = [(chance.uniform(0, 10), chance.uniform(0, 10)) for _ in range(chance.randint(12, 25))]
    return _placed([_arc(x, y, 0.4, 0, 360) for x, y in places], chance)


KINDS: dict[str, Callable[[random.Random], list[Stroke]]] = {
    **{name: lambda chance, name=name: letter(name, chance) for name in LETTERS},
    "scribble": scribble,
    "smiley": smiley,
    "spiral": spiral,
    "dots": dots,
}


def _arc(x: float, y: float, radius: float, first: float, last: float) -> Stroke:
    """Part of a circle; angles in degrees, clockwise from the right."""
    angles = [math.radians(first + (last - first) * step / 24) for step in range(25)]
    return [(x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in angles]


def _rounded(points: Stroke, times: int) -> Stroke:
    """The same line with its corners cut off, each time more smoothly (Chaikin's way)."""
    for _ in range(times):
        cut = [points[0]]
        for (x, y), (u, v) in itertools.pairwise(points):
            cut += [(0.8 * x + 0.2 * u, 0.8 * y + 0.2 * v), (0.2 * x + 0.8 * u, 0.2 * y + 0.8 * v)]
        points = [*cut, points[-1]]
    return points


def _placed(strokes: list[Stroke], chance: random.Random) -> list[Stroke]:
    """From the box of 10 x 10 to the canvas: turned, slanted, stretched a little, somewhere."""
    size = chance.uniform(12, 28)
    wide, slant = chance.uniform(0.6, 1.0), chance.uniform(-0.25, 0.25)
    turn = math.radians(chance.uniform(-10, 10))
    right, down = (chance.uniform(0.4, 0.6) * CANVAS for _ in "xy")
    placed = []
    for stroke in strokes:
        moved = []
        for x, y in stroke:
            across, along = wide * (x - 5) - slant * (y - 5), y - 5
            moved.append(
                (
                    right + size * (across * math.cos(turn) - along * math.sin(turn)),
                    down + size * (across * math.sin(turn) + along * math.cos(turn)),
                )
            )
        placed.append(moved)
    return placed


def hershey(path: Path) -> dict[str, list[Stroke]]:
    """The printable ASCII characters of a .jhf file, as strokes in the font's own units."""
    glyphs, lines = [], iter(path.read_text("ascii").splitlines())
    for line in lines:
        if not line.strip():
            continue
        count = int(line[5:8])  # of pairs: the margins, then a point each, or " R" to lift the pen
        while len(line) < 8 + 2 * count:
            line += next(lines)
        pairs = [line[at : at + 2] for at in range(10, 8 + 2 * count, 2)]
        runs = itertools.groupby(pairs, lambda pair: pair == " R")
        glyphs.append(
            [[(ord(x) - 82.0, ord(y) - 82.0) for x, y in run] for up, run in runs if not up]
        )
    return dict(zip(map(chr, range(32, 127)), glyphs, strict=False))


def wobbled(strokes: list[Stroke], chance: random.Random) -> list[Stroke]:
    """A character of a font as a hand that shakes a little copies it: no two are the same."""
    points = [point for stroke in strokes for point in stroke]
    low, high = ([choose(p[axis] for p in points) for axis in (0, 1)] for choose in (min, max))
    scale = 10 / max(high[0] - low[0], high[1] - low[1], 1e-9)
    waves = [
        (chance.uniform(0.2, 0.9), chance.uniform(0, 6.3), chance.gauss(0, 0.2)) for _ in "xyxy"
    ]

    def moved(point: Point) -> Point:
        x, y = (scale * (point[axis] - (low[axis] + high[axis]) / 2) for axis in (0, 1))
        by = [
            far * math.sin(often * along + start)
            for often, start, far in waves
            for along in (x + y,)
        ]
        return 5 + x + by[0] + by[1], 5 + y + by[2] + by[3]

    return _placed([[moved(point) for point in stroke] for stroke in strokes], chance)


def main() -> int:
    """Measure, print, judge."""
    import torch

    from benchmarks.bars import Bars
    from mnistcore.drawing.rasterize import from_strokes
    from mnistcore.models.registry import load_model

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fonts", type=Path)
    parser.add_argument("--model", default="shipped")
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a bar is missed")
    options = parser.parse_args()
    torch.set_num_threads(1)
    model, bars = load_model(options.model), Bars()
    signs = [sign for sign in string.ascii_letters if sign not in LIKE_DIGITS]
    passed: Counter[str] = Counter()
    for kind, names in FONTS.items():
        chance, before = random.Random(kind), passed.total()
        for name, sign in itertools.product(names, signs):
            strokes = hershey(options.fonts / f"{name}.jhf")[sign]
            for _ in range(EACH):
                picture = from_strokes(wobbled(strokes, chance))
                passed[f"{sign} {kind}"] += picture is not None and model.in_distribution(picture)
        share = (passed.total() - before) / (EACH * len(names) * len(signs))
        bars.share(
            f"{kind} letters that pass as digits ({', '.join(names)})", share, most=MAX_PASSING
        )
    each = EACH * len(names)
    print("\nleft out, for they are shaped like digits:", " ".join(LIKE_DIGITS))
    print("pass most:", ", ".join(f"{n} {c / each:.0%}" for n, c in passed.most_common(14) if c))
    return int(options.strict and bars.missed > 0)


if __name__ == "__main__":
    sys.exit(main())
