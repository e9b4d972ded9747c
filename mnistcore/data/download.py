"""MNIST downloaded through torchvision, in a process of its own that cannot hang its caller."""

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from filelock import FileLock

from mnistcore.data.mnist import FILE_NAMES
from mnistcore.errors import DataError

_TOTAL_BYTES = 11_594_722  # bytes of the four .gz files
_TIMEOUT_S = 20.0  # seconds without a new byte after which the network is given up
_COMMAND = [sys.executable, "-m", "mnistcore.data.download"]
_ROOT = Path(__file__).parents[2]  # where `-m` finds the package, wherever one stands


def download_mnist(folder: Path, on_progress: Callable[[int, int], None] | None = None) -> None:
    """Put MNIST's four files into `folder/MNIST/raw`, or nothing; raises DataError.

    Of several callers one downloads and the others wait for it. `on_progress(bytes_done,
    bytes_total)` is called as files grow.
    """
    target = folder / "MNIST" / "raw"
    try:
        target.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "MNIST" / ".download.lock"):
            if all((target / name).is_file() for name in FILE_NAMES):
                return
            with tempfile.TemporaryDirectory(dir=folder / "MNIST", prefix=".download-") as scratch:
                _fetch(Path(scratch), on_progress or (lambda done, total: None))
                for name in FILE_NAMES:
                    (Path(scratch) / "MNIST" / "raw" / name).replace(target / name)
    except OSError as error:
        raise DataError(
            f"MNIST cannot be stored in {folder} ({error.strerror or error}): "
            "make room there, or name another folder in MNIST_DATA."
        ) from error


def _fetch(scratch: Path, on_progress: Callable[[int, int], None]) -> None:
    """Run the download into `scratch` and report how its files grow."""
    if shutil.disk_usage(scratch).free < 100_000_000:
        raise OSError(None, "less than 100 MB are free")
    with (
        (scratch / "log").open("w+", encoding="utf-8") as log,
        subprocess.Popen(
            [*_COMMAND, str(scratch.resolve())], cwd=_ROOT, stdout=log, stderr=log
        ) as process,
    ):
        done, news = 0, time.monotonic()
        while process.poll() is None:
            time.sleep(0.1)
            grown = sum(file.stat().st_size for file in scratch.glob("MNIST/raw/*.gz"))
            if grown > done:
                done, news = grown, time.monotonic()
                on_progress(min(done, _TOTAL_BYTES), _TOTAL_BYTES)
            if time.monotonic() - news > _TIMEOUT_S:
                process.kill()
        if process.returncode:
            log.seek(0)
            raise DataError(
                "MNIST could not be downloaded: connect to the internet and try again, or put its "
                f"four files into {scratch.parent / 'raw'}."
            ) from RuntimeError(log.read()[-2000:])


def _main(folder: str) -> None:
    socket.setdefaulttimeout(10)  # seconds; urllib would wait for ever
    torchvision_mnist()(folder, download=True)


def torchvision_mnist() -> type[Any]:
    """`torchvision.datasets.MNIST`, also where torchvision's compiled part does not fit torch.

    Beside a CPU-only torch, a CUDA build cannot be imported for want of two operators' names
    (pytorch/vision issues 8985, 9077, 9085); for datasets, declaring them is enough.
    """
    try:
        from torchvision.datasets import MNIST
    except RuntimeError:
        import torch

        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        from torchvision.datasets import MNIST
    return cast("type[Any]", MNIST)  # torchvision is untyped


if __name__ == "__main__":
    _main(sys.argv[1])
