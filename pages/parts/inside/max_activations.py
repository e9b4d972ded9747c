"""Test images of maximal activation of one unit."""

from collections.abc import Callable

import torch
from torch import Tensor

from mnistcore.data.digits import Digits
from mnistcore.inspection import activations
from mnistcore.inspection.activations import WeightLayer
from mnistcore.models.network import Network
from pages.common import tiles
from pages.common.text import with_article

_FAVOURITES = 12


def show(
    network: Network,
    layer: WeightLayer,
    unit: int,
    max_activations: Tensor,
    test: Digits,
    on_pick: Callable[[int], None],
) -> None:
    """The test images that excite a unit most, faint where it does not look.

    max_activations: (n,) of the first n test images; on_pick: called with the index of one.
    """
    most, best = max_activations.topk(min(_FAVOURITES, len(max_activations)))
    images, labels = test.images[best], test.labels[best].tolist()
    values = activations.activations(network, images)[layer.last + 1]
    if values.ndim == 4:
        for place, each in enumerate(values):
            position = activations.argmax_position(each, unit)
            seen = activations.receptive_field_mask(network, layer, position)
            images[place] = torch.where(seen, images[place], images[place] // 4)
    found = zip(best.tolist(), labels, most.tolist(), strict=True)
    names = [f"test image {n}, {with_article(label)}: {value:.2f}" for n, label, value in found]
    here = best.tolist()
    tiles.tiles(images, names, "favourites", captions=labels, on_pick=lambda n: on_pick(here[n]))
