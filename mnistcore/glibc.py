"""glibc's memory allocator: its settings and its trimming; other C libraries do without."""

import ctypes
import sys

MMAP_THRESHOLD, TRIM_THRESHOLD, ARENA_MAX = -3, -1, -8  # names of settings in glibc's malloc.h


def call(function: str, *numbers: int) -> None:
    """Call "mallopt" with a setting above and its bytes or arenas, or "malloc_trim" with 0."""
    if sys.platform.startswith("linux") and (found := getattr(ctypes.CDLL(None), function, None)):
        found(*numbers)
