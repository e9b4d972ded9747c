"""Subject: a network that is to be broken, and what it is tried on."""

from typing import NamedTuple

from torch import Tensor

from mnistcore.data.digits import Digits
from mnistcore.models.registry import Model

EVERYWHERE = "all layers"  # where it is broken


class Subject(NamedTuple):
    """A network of which a copy is broken; nothing here is ever changed."""

    model: Model
    stamp: int  # as in model_picker.Snapshot
    image: Tensor  # (28, 28) float32 in [0, 1]
    train: Digits
    test: Digits

    @property
    def key(self) -> tuple[str, int, str]:
        """Names the network and the dataset, for caches."""
        return self.model.model_id, self.stamp, self.test.dataset
