"""Text: Markdown escaping of words that visitors chose, and the digits' articles."""

import re

_JOINER = "\N{WORD JOINER}"  # without width


def escape_markdown(text: object) -> str:
    """The text as it is, whatever Markdown, or Streamlit, would make of the signs in it.

    An MnistError, a run's name or message: they quote visitors, paths and files.
    """
    # Links, icons and arrows are found after backslashes are gone, so these are broken up.
    text = re.sub(r"(:(?=[a-z/+])|[~<>=-](?=[<>=-])|@|www)", rf"\1{_JOINER}", str(text), flags=re.I)
    text = re.sub(r"([\\`*_\[\]<>$~#!|&])", r"\\\1", text)
    # A list, if it begins the text.
    return re.sub(r"^(\s*\d*)([-+.)])(?=\s|$)", r"\1\\\2", text)


def with_article(digit: int) -> str:
    """The digit with its article: a 7, an 8."""
    return f"{'an' if digit == 8 else 'a'} {digit}"
