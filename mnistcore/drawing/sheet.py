"""The sheet of paper that a browser draws on: of the app, and of the page to take along."""

from pathlib import Path


def sheet(kind: str) -> str:
    """Its html, with {more} for one more button; its css; its js, which says how it is used."""
    return _read(f"sheet.{kind}")


def rasterizer() -> str:
    """What rasterize.py does, and whether strokes are several digits, in JavaScript."""
    return _read("rasterize.js")


def _read(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
