"""Words of visitors on pages that read Markdown."""

import re

import pytest

from pages.common.text import escape_markdown


@pytest.mark.parametrize(
    "name",
    ["plain", "a *star*", "# big", "1. first", "- dash", "![x](http://y)", "<b>", "$x$", "`"],
)
def test_a_backslash_stands_before_every_sign_and_the_rest_stays(name: str) -> None:
    told = escape_markdown(name)
    assert re.sub(r"\\(?=[^\w\s])|\u2060", "", told) == name
    assert not re.search(r"(?<!\\)[*#\[`<$]|^\d*[-.]", told)


def test_names_that_mean_nothing_in_markdown_are_left_alone() -> None:
    assert all(escape_markdown(name) == name for name in ("Small, seed 3 (mine)", "2026-11-24"))


@pytest.mark.parametrize(
    "name",
    ["https://e.vil/a", "www.e.vil", "a@e.vil", ":material/delete:", "a -- b -> c", ":red[x]"],
)
def test_what_streamlit_itself_would_change_is_broken_up(name: str) -> None:
    told = escape_markdown(name)
    assert re.sub(r"\\(?=[^\w\s])|\u2060", "", told) == name
    assert not re.search(r":[a-z/]|www\.|@\w|--|->", told)
