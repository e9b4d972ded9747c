"""glibc's memory allocator: its settings and its trimming; other C libraries do without."""

import ctypes
import sys

MMAP_THRESHOLD, TRIM_THRESHOLD, ARENA_MAX = -3, -1, -8  # names of settings in glibc's malloc.h


def mallopt(setting: int, value: int) -> None:
    """Set one of the settings above for this process, in bytes or, of arenas, in number."""
    _call("mallopt", setting, value)


def malloc_trim() -> None:
    """Give what is free back to the system."""
    _call("malloc_trim", 0)


def _call(function: str, *numbers: int) -> None:
    if sys.platform.startswith("linux") and (call := getattr(ctypes.CDLL(None), function, None)):
        call(*numbers)
