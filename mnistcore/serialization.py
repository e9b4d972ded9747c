"""Bounded reading and checked structuring of plain values from files that anybody may write."""

import contextlib
import dataclasses
import errno
import functools
import json
import os
import re
import reprlib
import sys
import types
import zlib
from gzip import GzipFile
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

MAX_JSON_BYTES = 4_000_000  # bytes: a run's largest file of JSON has some thousand
NEEDED = {"needed": True}  # metadata of a field that has a default, but not where it is read
MAX_NUMBER = 10**15  # whole numbers up to here are exact also as floats


def read_bounded(path: Path, most: int) -> bytes:
    """What is in a file, unpacked if its name ends in .gz, or of a longer one `most` + 1 bytes.

    Raises OSError where it cannot be read, or is no gzip file, or no file: a pipe may never answer.
    """
    if not path.is_file():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    with path.open("rb") as file:
        if path.suffix != ".gz":
            size = os.fstat(file.fileno()).st_size  # to ask for more makes room for more
            return file.read(min(size, most) + 1)
        try:
            with GzipFile(fileobj=file) as unpacked:
                return unpacked.read(most + 1)
        except (EOFError, zlib.error) as error:
            raise OSError(str(error)) from error


def parse_object(text: str | bytes) -> dict[str, Any]:
    """The JSON object in this text, infinity and NaN as None; ValueError if there is none."""

    def number(digits: str) -> float | None:
        return finite_or_none(float(digits))

    try:
        value = json.loads(text, parse_constant=number, parse_float=number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("it is no JSON object")
    return value


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; OSError or ValueError if there is none of a reasonable size."""
    text = read_bounded(path, MAX_JSON_BYTES)
    if len(text) > MAX_JSON_BYTES:
        raise ValueError(f"it has more than {MAX_JSON_BYTES:,} bytes")
    return parse_object(text)


class Range(NamedTuple):
    """Bounds of a number, both included: `Annotated[float, Range(0, 1)]`, see `structure`."""

    low: float
    high: float


_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character: no text that can be shown has one
_ANY_NUMBER = Range(-MAX_NUMBER, MAX_NUMBER)


def is_number(value: Any, most: float = MAX_NUMBER) -> bool:
    """Whether one can reckon with it: int or float, not NaN, and no larger than `most`."""
    return type(value) in (int, float) and abs(value) <= most


def is_finite(value: object) -> bool:
    """Whether it is a number that can be drawn: no infinity, no NaN, no bool, no text."""
    return is_number(value, sys.float_info.max)


def finite_or_none(value: float) -> float | None:
    """What JSON has a word for."""
    return value if is_finite(value) else None


@functools.cache
def type_hints(kind: type) -> dict[str, Any]:
    """The kind of each field of a class, with the Range of a number."""
    return get_type_hints(kind, include_extras=True)


def structure(kind: Any, value: Any, name: str = "it", allowed: Range = _ANY_NUMBER) -> Any:
    """The inverse of `dataclasses.asdict`, also after a trip through JSON.

    kind: a dataclass or NamedTuple of these and of tuples, int, float, bool, str, Literal and None;
    a number may be Annotated with its Range. An int will do for a float, and a field may be left
    out that has a default and is not NEEDED. Raises ValueError, about the field `name`, where a
    value is of another kind or out of range, or text that cannot be encoded.
    """
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (types.UnionType, Union):
        for each in parts:
            with contextlib.suppress(ValueError):
                return structure(each, value, name)
    elif origin is Annotated:
        return structure(parts[0], value, name, allowed=parts[1])
    elif origin is Literal:
        if value in parts:
            return value
    elif origin is tuple and isinstance(value, list | tuple):
        return tuple(structure(parts[0], each, name) for each in value)
    elif dataclasses.is_dataclass(kind) and isinstance(kind, type) and isinstance(value, dict):
        hints = type_hints(kind)
        for each in dataclasses.fields(kind):
            if each.metadata == NEEDED and each.name not in value:
                raise ValueError(f"{name} has no {each.name}")
        if unknown := value.keys() - hints.keys():
            raise ValueError(f"{name} has something called {reprlib.repr(unknown.pop())}")
        return kind(**{known: structure(hints[known], v, known) for known, v in value.items()})
    elif hasattr(kind, "_fields") and isinstance(value, list | tuple):
        kinds = type_hints(kind).values()
        if len(value) <= len(kinds):
            pairs = zip(kinds, value, strict=False)
            with contextlib.suppress(TypeError):  # if there are too few
                return kind(*(structure(each, v, name) for each, v in pairs))
    elif type(value) in (int, float):
        if allowed.low <= value <= allowed.high and kind in (float, type(value)):
            return value
    elif type(value) is kind and not (kind is str and _SURROGATE.search(value)):
        return value
    raise ValueError(f"{name} cannot be {reprlib.repr(value)}")
