"""Embedding: many images as points of a plane, by PCA or t-SNE of their features' directions."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

STEPS = 250  # of t-SNE's descent
EXAGGERATED_STEPS = 80  # of them at first, with EARLY_EXAGGERATION of the attraction between likes
EARLY_EXAGGERATION = 12.0
STEPS_PER_FRAME = 10  # after which the map is shown as far as it is
PERPLEXITY = 30.0
N_NEIGHBORS = 5  # of a new image that say where on a t-SNE map it belongs
_ROWS = 50  # of all distances at a time: so many stay in the processor's cache


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
        return (_unit_norm(new) - mean) @ axes

    return Embedding(project(features), project)


def tsne(features: Tensor) -> Iterator[Embedding]:
    """t-SNE (van der Maaten and Hinton 2008), exact: keeps neighbours, gives up distances.

    features: (n, units). Yields the map as it forms, at first as PCA has it; some seconds for 2,000
    images. It has no projection of its own: a new image goes among its nearest neighbours.
    """
    known = _unit_norm(features)
    points = pca(features).points
    points = points / points.std().clamp(min=1e-9) * 1e-4  # small, so that they can move
    yield Embedding(points, partial(_among_neighbors, known, points))
    affinities = _affinities(known)
    learning_rate = max(len(known) / EARLY_EXAGGERATION / 4, 50)
    velocity, gain = torch.zeros_like(points), torch.ones_like(points)
    for step in range(STEPS):
        early = step < EXAGGERATED_STEPS
        slope = _slope(affinities, points, EARLY_EXAGGERATION if early else 1.0)
        # Each coordinate goes faster while it goes on, slower when it turns (Jacobs 1988).
        gain = torch.where(slope * velocity < 0, gain + 0.2, gain * 0.8).clamp(min=0.01)
        velocity = (0.5 if early else 0.8) * velocity - learning_rate * gain * slope
        points = points + velocity
        if (step + 1) % STEPS_PER_FRAME == 0:
            yield Embedding(points, partial(_among_neighbors, known, points))


def _affinities(known: Tensor) -> Tensor:
    """(n, n), 1 in all: how much two images are neighbours, each with about PERPLEXITY of them."""
    entropy = math.log(min(PERPLEXITY, (len(known) - 1) / 3))
    found = []
    for at, rows in enumerate(known.split(_ROWS)):
        distances = torch.cdist(rows, known).square_()
        distances.diagonal(at * _ROWS).fill_(1e9)  # nobody is one's own neighbour
        low, high = torch.zeros(len(rows), 1), torch.full((len(rows), 1), 2e4)
        for _ in range(25):  # by halves: how narrow each one's view is
            narrow = (low + high) / 2
            shares = (-narrow * distances).softmax(1)
            too_wide = torch.special.entr(shares).sum(1, keepdim=True) > entropy
            low, high = torch.where(too_wide, narrow, low), torch.where(too_wide, high, narrow)
        found.append(shares)
    mutual = torch.cat(found)
    return (mutual + mutual.T) / (2 * len(known))


def _slope(affinities: Tensor, points: Tensor, exaggeration: float) -> Tensor:
    """(n, 2): the gradient of the Kullback-Leibler divergence by the points."""
    places = torch.cat([points, torch.ones(len(points), 1)], 1)
    squares = points.square().sum(1)
    pull, push, total = [], [], -float(len(points))  # each is near itself, which does not count
    for wanted, rows in zip(affinities.split(_ROWS), places.split(_ROWS), strict=True):
        own = rows[:, :2].square().sum(1, keepdim=True)
        near = torch.addmm(1 + squares + own, rows[:, :2], points.T, alpha=-2).reciprocal_()
        total += float(near.sum())
        pull.append((wanted * near) @ places)
        push.append(near.square_() @ places)
    force = exaggeration * torch.cat(pull) - torch.cat(push) / total
    return 4 * (force[:, 2:] * points - force[:, :2])


def _among_neighbors(known: Tensor, points: Tensor, new: Tensor) -> Tensor:
    """New images, (m, units), on a map of known ones: (m, 2), amid those most like them."""
    distances = torch.cdist(_unit_norm(new), known)
    distances, nearest = distances.topk(min(N_NEIGHBORS, len(known)), largest=False)
    weights = 1 / (distances + 1e-6)
    weights = weights / weights.sum(1, keepdim=True)
    return (weights[..., None] * points[nearest]).sum(1)


def _unit_norm(features: Tensor) -> Tensor:
    """(n, units) -> length 1, so that no loud unit stretches the map; 0 if weights ran away."""
    return functional.normalize(features.nan_to_num(0, 0, 0))
