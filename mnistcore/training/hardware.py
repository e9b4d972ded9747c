"""What this computer offers to training: 16-bit arithmetic, and memory that stays at hand."""

import torch

from mnistcore import glibc

_LARGEST_BLOCK = 32 << 20  # bytes; every intermediate result of a batch is smaller
_KEPT = 512 << 20  # bytes that may lie ready for the next batch


def has_native_bfloat16(device: torch.device) -> bool:
    """Whether 16-bit multiplication is a processor's own, and so twice as fast as 32-bit.

    A graphics card spends longer on launching networks as small as these than on multiplying, and
    conversions are further launches: False.
    """
    can = torch.cpu.get_capabilities()
    return device.type == "cpu" and bool(can.get("avx512_bf16") or can.get("amx_bf16"))


def tune_malloc() -> None:
    """Let this process keep the memory that it frees, for the next batch to use.

    Otherwise Linux hands it out anew at every step, page by page and zeroed: a third of its time.
    """
    glibc.call("mallopt", glibc.MMAP_THRESHOLD, _LARGEST_BLOCK)
    glibc.call("mallopt", glibc.TRIM_THRESHOLD, _KEPT)
