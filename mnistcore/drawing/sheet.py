"""The sheet of paper that a browser draws on: of the app, and of the page to take along."""

from pathlib import Path


def sheet(kind: str) -> str:
    """Its html, with {more} for one more button; its css; its js, which says how it is used."""
    return Path(__file__).with_suffix(f".{kind}").read_text(encoding="utf-8")
