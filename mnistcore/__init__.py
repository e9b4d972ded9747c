"""See a network learn: digits as tensors, a network of your choice, training you can watch.

from mnistcore import PRESETS, load_dataset, train

for progress in train(PRESETS["fast"].config, *load_dataset("mnist")):
    print(progress.images, progress.loss, progress.test_accuracy)
"""

from importlib import import_module
from typing import Any

# Each name is imported when it is first used: torch takes seconds, and not everybody needs it.
_HOMES = {
    "Digits": "data.digits",
    "load_dataset": "data.loading",
    "NetworkConfig": "config",
    "Network": "models.network",
    "build_network": "models.network",
    "TrainConfig": "config",
    "Defect": "config",
    "Progress": "records",
    "train": "training.trainer",
    "evaluate": "evaluation.metrics",
    "PRESETS": "presets",
    "from_strokes": "drawing.rasterize",
    "from_bitmap": "drawing.rasterize",
    "load_model": "models.registry",
    "predict": "inference.predict",
    "MnistError": "errors",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
