"""Whatever comes by any way in is taken or refused in words; benchmarks/fuzz.py tries more."""

from collections.abc import Iterator
from typing import Any

import pytest
import streamlit as st
from hypothesis import HealthCheck, Phase, given, settings

from benchmarks.ways_in import WAYS_IN, is_refused

# The same cases every time; nothing is kept between two runs.
FEW = settings(
    max_examples=200,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture
def empty_caches() -> Iterator[None]:
    """What pages keep goes by a dataset's name, and here it is another one of that name."""
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


@pytest.mark.usefixtures("fresh", "empty_caches")
@pytest.mark.parametrize("name", WAYS_IN)
def test_whatever_comes_is_taken_or_refused_in_words(name: str) -> None:
    way = WAYS_IN[name]

    @FEW
    @given(way.cases)
    def hold(case: Any) -> None:
        is_refused(way, case)

    hold()
