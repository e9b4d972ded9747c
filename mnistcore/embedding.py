"""A map of many images: those that the last hidden layer finds alike lie close together.

Alike is what excites the same units in the same proportions, as in `explain.most_alike`: features
are compared by their direction, so that one loud unit does not stretch the map.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

STEPS = 500  # of t-SNE; the islands stand long before
NEIGHBOURS = 5  # of a new image that say where on a t-SNE map it belongs


class Map(NamedTuple):
    """Images as points of a plane."""

    places: Tensor  # (n, 2)
    place: Callable[[Tensor], Tensor]  # features of new images, (m, units) -> (m, 2)


def principal(features: Tensor) -> Map:
    """The two directions in which the features differ most (PCA), at once and exactly.

    features: (n, units), as `explain.features` or `layers.survey` gives them.
    """
    known = functional.normalize(features)
    mean = known.mean(0)
    _, _, directions = torch.linalg.svd(known - mean, full_matrices=False)
    axes = directions[:2].T
    if axes.shape[1] < 2:  # a layer of one unit has one direction
        axes = functional.pad(axes, (0, 2 - axes.shape[1]))

    def place(new: Tensor) -> Tensor:
        return (functional.normalize(new) - mean) @ axes

    return Map(place(features), place)


def by_neighbours(features: Tensor, seed: int = 0) -> Map:
    """t-SNE: keeps neighbours together and gives up distances; about 10 s for 2,000 images.

    It cannot place what it has not seen; a new image goes among its nearest neighbours.
    """
    from sklearn.manifold import TSNE

    known = functional.normalize(features)
    perplexity = min(30.0, (len(known) - 1) / 3)
    method = TSNE(perplexity=perplexity, init="pca", max_iter=STEPS, random_state=seed, n_jobs=1)
    places = torch.from_numpy(method.fit_transform(known.numpy()))

    def place(new: Tensor) -> Tensor:
        distances = torch.cdist(functional.normalize(new), known)
        distances, nearest = distances.topk(min(NEIGHBOURS, len(known)), largest=False)
        nearness = 1 / (distances + 1e-6)
        shares = nearness / nearness.sum(1, keepdim=True)
        return (shares[..., None] * places[nearest]).sum(1)

    return Map(places, place)
