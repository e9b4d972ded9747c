"""Maps of many images, against scikit-learn and against what is known of the points."""

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, trustworthiness

from mnistcore.data.digits import Digits
from mnistcore.inspection import embedding


def clusters(count: int = 40, units: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    """Points around five centres, far apart, and which centre each belongs to."""
    generator = torch.Generator().manual_seed(0)
    centres = 20 * torch.randn(5, units, generator=generator)
    kinds = torch.arange(5).repeat_interleave(count)
    return centres[kinds] + torch.randn(len(kinds), units, generator=generator), kinds


def last_of_tsne(features: torch.Tensor) -> embedding.Embedding:
    """The map when it has formed."""
    *_, last = embedding.tsne(features)
    return last


def test_the_principal_map_is_scikit_learns_up_to_its_signs() -> None:
    features, _ = clusters()
    ours = embedding.pca(features)
    directions = torch.nn.functional.normalize(features).numpy()
    expected = torch.from_numpy(PCA(2).fit_transform(directions))
    for axis in range(2):
        sign = torch.sign((ours.points[:, axis] * expected[:, axis]).sum())
        assert torch.allclose(ours.points[:, axis], sign * expected[:, axis], atol=1e-3)


def test_a_new_image_goes_where_its_twin_is() -> None:
    features, _ = clusters(count=20)
    for make in (embedding.pca, last_of_tsne):
        plane = make(features)
        assert plane.points.shape == (100, 2)
        assert torch.allclose(plane.project(features[7:9]), plane.points[7:9], atol=1e-2)


def test_neighbours_stay_together_and_a_new_one_joins_its_kind() -> None:
    features, kinds = clusters(count=20)
    plane = last_of_tsne(features)
    new = features[45:46] + 0.5
    distances = torch.cdist(torch.cat([plane.points, plane.project(new)]), plane.points)
    distances.fill_diagonal_(torch.inf)
    assert (kinds[distances[:-1].argmin(1)] == kinds).float().mean() > 0.95
    assert kinds[distances[-1].argmin()] == kinds[45]


@pytest.mark.parametrize("units", [1, 2])
def test_a_layer_of_one_or_two_units_has_a_map_too(units: int) -> None:
    features, _ = clusters(units=units)
    plane = embedding.pca(features)
    assert plane.points.shape == (200, 2)
    assert plane.project(features[:3]).shape == (3, 2)


def test_a_louder_image_of_the_same_kind_has_the_same_place() -> None:
    features, _ = clusters(count=10)
    plane = embedding.pca(features)
    assert torch.allclose(plane.project(3 * features[:4]), plane.points[:4], atol=1e-5)


def test_the_same_images_give_the_same_map() -> None:
    features, _ = clusters(count=10)
    first, second = (last_of_tsne(features).points for _ in range(2))
    assert first.equal(second)


def test_the_map_begins_as_the_principal_one_and_forms_frame_by_frame() -> None:
    features, _ = clusters(count=10)
    frames = [frame.points for frame in embedding.tsne(features)]
    first, expected = frames[0], embedding.pca(features).points
    assert torch.allclose(first / first.std(), expected / expected.std(), atol=1e-4)
    assert len(frames) == 1 + embedding.STEPS // embedding.STEPS_PER_FRAME
    assert all(not one.equal(next_one) for one, next_one in pairwise(frames))


def test_neighbours_are_kept_as_well_as_by_scikit_learn(digits: tuple[Digits, Digits]) -> None:
    features = digits[1].images.flatten(1).float()
    directions = torch.nn.functional.normalize(features).numpy()
    theirs = TSNE(init="pca", random_state=0, n_jobs=1).fit_transform(directions)
    ours = last_of_tsne(features).points.numpy()
    kept, expected = (trustworthiness(directions, each) for each in (ours, theirs))
    assert kept > expected - 0.01


@pytest.mark.parametrize("make", [embedding.pca, last_of_tsne])
def test_a_network_whose_weights_ran_away_has_a_map_too(make: Callable) -> None:
    plane = make(torch.full((100, 8), torch.nan))
    assert plane.points.isfinite().all()
    assert plane.project(torch.full((1, 8), torch.inf)).isfinite().all()
