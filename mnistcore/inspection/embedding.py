"""Embedding: many images as points of a plane, by PCA or t-SNE of their features' directions."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

STEPS_PER_STAGE = 250  # of each of the two stages of t-SNE; scikit-learn takes no fewer
EARLY_EXAGGERATION = 12.0  # of the attraction between likes, in the first stage
PERPLEXITY = 30.0
N_NEIGHBORS = 5  # of a new image that say where on a t-SNE map it belongs


class Embedding(NamedTuple):
    """Images as points of a plane, and the way to put further ones there."""

    points: Tensor  # (n, 2)
    project: Callable[[Tensor], Tensor]  # features of new images, (m, units) -> (m, 2)


def pca(features: Tensor) -> Embedding:
    """Principal component analysis (Pearson 1901) of (n, units): the two axes that vary most."""
    known = _unit_norm(features)
    mean = known.mean(0)
    _, _, directions = torch.linalg.svd(known - mean, full_matrices=False)
    # A layer of one unit has one direction.
    axes = functional.pad(directions[:2].T, (0, 2 - len(directions[:2])))

    def project(new: Tensor) -> Tensor:
        projected: Tensor = (_unit_norm(new) - mean) @ axes
        return projected

    return Embedding(project(features), project)


def tsne(
    features: Tensor,
    seed: int = 0,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Embedding:
    """t-SNE (van der Maaten and Hinton 2008): keeps neighbours together, gives up distances.

    features: (n, units); some seconds for 2,000 images. A new image goes among its nearest
    neighbours. `on_progress(steps_done, steps_in_all)` is called when a stage begins.
    """
    from sklearn.manifold import TSNE

    known = _unit_norm(features)
    perplexity = min(PERPLEXITY, (len(known) - 1) / 3)
    learning_rate = max(len(known) / EARLY_EXAGGERATION / 4, 50)  # scikit-learn's, for both stages
    start = pca(features).points
    found = (start / start.std().clamp(min=1e-9) * 1e-4).numpy()  # small, so that they can move
    # First islands form, then they settle.
    for stage, exaggeration in enumerate((EARLY_EXAGGERATION, 1.0)):
        on_progress(stage * STEPS_PER_STAGE, 2 * STEPS_PER_STAGE)
        method = TSNE(
            perplexity=perplexity,
            early_exaggeration=exaggeration,
            learning_rate=learning_rate,
            max_iter=STEPS_PER_STAGE,
            init=found,
            random_state=seed,
            n_jobs=1,
        )
        found = method.fit_transform(known.numpy())
    points = torch.from_numpy(found)

    def project(new: Tensor) -> Tensor:
        distances = torch.cdist(_unit_norm(new), known)
        distances, nearest = distances.topk(min(N_NEIGHBORS, len(known)), largest=False)
        weights = 1 / (distances + 1e-6)
        weights = weights / weights.sum(1, keepdim=True)
        return (weights[..., None] * points[nearest]).sum(1)

    return Embedding(points, project)


def _unit_norm(features: Tensor) -> Tensor:
    """(n, units) -> length 1, so that no loud unit stretches the map; 0 if weights ran away."""
    return functional.normalize(features.nan_to_num(0, 0, 0))
