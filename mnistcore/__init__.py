"""See a network learn: digits as tensors, a network of your choice, training you can watch.

from mnistcore import PRESETS, load, train

for progress in train(PRESETS["fast"].recipe, *load("mnist")):
    print(progress.images, progress.loss, progress.test_accuracy)
"""

from importlib import import_module
from typing import Any

# Each name is imported when it is first used: torch takes seconds, and not everybody needs it.
_HOMES = {
    "Digits": "data",
    "load": "data",
    "NetworkConfig": "network",
    "Network": "network",
    "build": "network",
    "TrainConfig": "training",
    "Progress": "training",
    "train": "training",
    "evaluate": "training",
    "PRESETS": "presets",
    "from_strokes": "drawing",
    "from_bitmap": "drawing",
    "load_model": "predict",
    "read": "predict",
    "MnistError": "errors",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
