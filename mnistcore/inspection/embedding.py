"""A map of many images: those that the last hidden layer finds alike lie close together.

Alike is what excites the same units in the same proportions, as in `explain.most_alike`: features
are compared by their direction, so that one loud unit does not stretch the map.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

STEPS_PER_STAGE = 250  # of each of the two stages of t-SNE; scikit-learn takes no fewer
EARLY_EXAGGERATION = 12.0  # how much stronger likes attract each other in the first
N_NEIGHBORS = 5  # of a new image that say where on a t-SNE map it belongs


class Embedding(NamedTuple):
    """Images as points of a plane."""

    places: Tensor  # (n, 2)
    place: Callable[[Tensor], Tensor]  # features of new images, (m, units) -> (m, 2)


def pca(features: Tensor) -> Embedding:
    """The two directions in which the features differ most (PCA), at once and exactly.

    features: (n, units), as `explain.features` or `layers.survey` gives them.
    """
    known = _unit_norm(features)
    mean = known.mean(0)
    _, _, directions = torch.linalg.svd(known - mean, full_matrices=False)
    axes = directions[:2].T
    if axes.shape[1] < 2:  # a layer of one unit has one direction
        axes = functional.pad(axes, (0, 2 - axes.shape[1]))

    def place(new: Tensor) -> Tensor:
        return (_unit_norm(new) - mean) @ axes

    return Embedding(place(features), place)


def tsne(
    features: Tensor,
    seed: int = 0,
    on_progress: Callable[[int, int], None] = lambda done, of: None,
) -> Embedding:
    """t-SNE: keeps neighbours together and gives up distances; some seconds for 2,000 images.

    It cannot place what it has not seen; a new image goes among its nearest neighbours.
    `on_progress(steps, steps_in_all)` is called when a stage begins.
    """
    from sklearn.manifold import TSNE

    known = _unit_norm(features)
    perplexity = min(30.0, (len(known) - 1) / 3)
    rate = max(len(known) / EARLY_EXAGGERATION / 4, 50)  # scikit-learn's own, for both stages
    start = pca(features).places
    found = (start / start.std().clamp(min=1e-9) * 1e-4).numpy()  # small, so that they can move
    for number, strength in enumerate(
        (EARLY_EXAGGERATION, 1.0)
    ):  # first islands form, then they settle
        on_progress(number * STEPS_PER_STAGE, 2 * STEPS_PER_STAGE)
        method = TSNE(
            perplexity=perplexity,
            early_exaggeration=strength,
            learning_rate=rate,
            max_iter=STEPS_PER_STAGE,
            init=found,
            random_state=seed,
            n_jobs=1,
        )
        found = method.fit_transform(known.numpy())
    places = torch.from_numpy(found)

    def place(new: Tensor) -> Tensor:
        distances = torch.cdist(_unit_norm(new), known)
        distances, nearest = distances.topk(min(N_NEIGHBORS, len(known)), largest=False)
        nearness = 1 / (distances + 1e-6)
        shares = nearness / nearness.sum(1, keepdim=True)
        return (shares[..., None] * places[nearest]).sum(1)

    return Embedding(places, place)


def _unit_norm(features: Tensor) -> Tensor:
    """(n, units) scaled to length 1; a network whose weights ran away says nothing but zeros."""
    return functional.normalize(features.nan_to_num(0, 0, 0))
