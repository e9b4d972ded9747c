"""Words that visitors chose, on pages that read Markdown."""

import re


def literally(text: str) -> str:
    """The text with a backslash before whatever Markdown would take for a sign of its own."""
    text = re.sub(r"([\\`*_\[\]<>$~#!|&])", r"\\\1", text)
    return re.sub(r"^(\s*\d*)([-+.)])(?=\s|$)", r"\1\\\2", text)  # else a list
