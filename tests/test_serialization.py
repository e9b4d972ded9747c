"""What files of anybody say is read within bounds, and believed only where it is of its kind."""

import gzip
import json
import math
import tracemalloc
from dataclasses import asdict
from pathlib import Path

import pytest

from mnistcore import serialization
from mnistcore.config import Conv, NetworkConfig, TrainConfig, check_network
from mnistcore.errors import MnistError

DEEP = "[" * 100_000
RECIPE = json.loads(json.dumps(asdict(TrainConfig())))


@pytest.mark.parametrize(
    "text",
    [DEEP, '{"a":' * 100_000, "1" * 5000, "null", '""', "[1]", "7", "", b"\xff\xfe\x00", "{"],
)
def test_what_is_no_object_of_json_is_one_kind_of_error(text: str | bytes, tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        serialization.parse_object(text)
    (tmp_path / "a.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError):
        serialization.read_object(tmp_path / "a.json")


def test_half_a_character_is_no_text_as_no_page_can_show_it() -> None:
    name = serialization.parse_object('{"name": "\\ud800"}')["name"]
    with pytest.raises(ValueError):
        serialization.structure(str, name)
    assert serialization.structure(str, "\U0001f642") == "\U0001f642"


def test_of_a_file_no_more_is_read_than_was_asked_for_packed_or_not(tmp_path: Path) -> None:
    """A packed file of 200 kB that would fill 200 MB."""
    with gzip.open(tmp_path / "bomb.gz", "wb") as file:
        for _ in range(200):
            file.write(bytes(1_000_000))
    (tmp_path / "long").write_bytes(bytes(2_000_000))
    tracemalloc.start()
    assert serialization.read_bounded(tmp_path / "bomb.gz", 1000) == bytes(1001)
    assert serialization.read_bounded(tmp_path / "long", 1000) == bytes(1001)
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()
    (tmp_path / "long.json").write_bytes(b'{"a":' + b" " * serialization.MAX_JSON_BYTES + b"1}")
    with pytest.raises(ValueError, match="more than"):
        serialization.read_object(tmp_path / "long.json")


def test_a_recipe_comes_back_from_json_as_it_was() -> None:
    network = NetworkConfig((Conv(4, 5, False, True),), (), "Tanh", 0.5, True)
    for recipe in (TrainConfig(), TrainConfig(network, epochs=1, train_size=100, threads=2)):
        assert TrainConfig.from_dict(json.loads(json.dumps(asdict(recipe)))) == recipe
    assert TrainConfig.from_dict({"network": RECIPE["network"]}) == TrainConfig()


@pytest.mark.parametrize("junk", [None, [], "x", 7, {}, {"network": None}, {"network": {}}])
def test_what_is_no_recipe_at_all_is_refused_in_words(junk: object) -> None:
    with pytest.raises(MnistError, match="begin with a preset"):
        TrainConfig.from_dict(junk)


@pytest.mark.parametrize("name", [*RECIPE, *(f"network.{name}" for name in RECIPE["network"])])
def test_every_setting_is_refused_in_words_where_it_is_of_another_kind(name: str) -> None:
    for wrong in ({}, [[[]]], ["x"], math.nan, math.inf, 10**400, [10**400], 1j, [[1]], [[1] * 9]):
        if (name, wrong) == ("defect", {}):  # which is clean data
            continue
        recipe = json.loads(json.dumps(asdict(TrainConfig())))
        *outer, inner = name.split(".")
        (recipe["network"] if outer else recipe)[inner] = wrong
        with pytest.raises(MnistError) as error:
            TrainConfig.from_dict(recipe)
        assert len(str(error.value)) < 200


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("epochs", True), ("epochs", "2"), ("batch_size", 8.5), ("seed", True), ("optimizer", 3)],
)
def test_a_text_is_no_number_and_yes_is_not_one(name: str, wrong: object) -> None:
    with pytest.raises(MnistError, match=f"{name} cannot be {wrong!r}"):
        TrainConfig.from_dict(RECIPE | {name: wrong})


def test_numbers_of_hundreds_of_digits_are_refused_in_a_short_sentence() -> None:
    with pytest.raises(MnistError, match="no more than 5,000,000"):
        check_network(NetworkConfig((), (10**400,)))
