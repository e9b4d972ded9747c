"""When a picture is no digit at all."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from mnistcore.config import Conv, NetworkConfig, TrainConfig
from mnistcore.data.digits import Digits
from mnistcore.drawing.rasterize import from_bitmap, from_strokes
from mnistcore.evaluation.metrics import evaluate
from mnistcore.inference import calibration, ood, ood_data, predict
from mnistcore.inference.calibration import fit_temperature, held_out
from mnistcore.models.checkpoint import save_network
from mnistcore.models.network import build_network
from mnistcore.models.registry import Model, load_model
from mnistcore.training.trainer import train


@pytest.fixture(scope="module")
def shipped() -> Model:
    return load_model()


@pytest.fixture
def few(monkeypatch, digits) -> Digits:
    sizes = {"TRAIN": 400, "RERENDERED": 60, "TYPED": 40, "HANDWRITTEN": 60}
    sizes |= {"TYPED_LETTERS": 60, "LETTERS": 60, "COMPOSED": 60, "SCRIBBLES": 100}
    for name, value in sizes.items():
        monkeypatch.setattr(ood, f"N_{name}", value)
    monkeypatch.setattr(ood, "EPOCHS", 2)
    for module in (ood, calibration):
        monkeypatch.setattr(module, "N_HELD_OUT", 300)
    return digits[0]


def small(seed: int = 1):
    return build_network(NetworkConfig((Conv(4, 5), Conv(8, 5)), (16,)), seed).eval()


def test_scribbles_do_not_look_like_digits_to_the_shipped_network(shipped):
    pictures = ood_data.scribbles(60, np.random.default_rng(2))
    assert int(shipped.ood_detector.is_ood(pictures).sum()) >= 48


def test_letters_do_not_look_like_digits_to_the_shipped_network(shipped):
    pictures = ood_data.letters(100, np.random.default_rng(2))
    assert int(shipped.ood_detector.is_ood(pictures).sum()) > 90


RING = [
    [(200 + w * np.sin(t), 200 - 100 * np.cos(t)) for t in np.linspace(0, 6.3, 60)]
    for w in (35, 60)
]
CLEAN = {
    "a narrow 0": (0, [RING[0]]),
    "a 0": (0, [RING[1]]),
    "a crossed 7": (7, [[(150, 120), (230, 120), (180, 280)], [(170, 200), (230, 200)]]),
    "a flagged 1": (1, [[(160, 160), (200, 110), (200, 280)]]),
    "a 1 with a foot": (1, [[(160, 160), (200, 110), (200, 280)], [(150, 280), (250, 280)]]),
    "a bare 1": (1, [[(200, 100), (200, 300)]]),
    "an open 4": (4, [[(160, 110), (160, 200), (250, 200)], [(240, 110), (240, 300)]]),
    "a closed 4": (4, [[(220, 300), (220, 100), (150, 220), (260, 220)]]),
}


@pytest.mark.parametrize("how", CLEAN)
@pytest.mark.parametrize("size", [0.5, 1.0, 1.6])
@pytest.mark.parametrize("pen", [None, 6, 30])
def test_a_clean_digit_is_not_sent_away_whatever_its_size_and_pen(shipped, how, size, pen):
    digit, strokes = CLEAN[how]
    strokes = [[(x * size, y * size) for x, y in stroke] for stroke in strokes]
    image = from_strokes(strokes)
    if pen is not None:
        sheet = Image.new("L", (660, 660), 255)
        for stroke in strokes:
            brush, width = ImageDraw.Draw(sheet), max(2, round(pen * size))
            brush.line(stroke, fill=0, width=width, joint="curve")
        image = from_bitmap(sheet)
    reading = predict.predict(shipped, image)
    assert reading.in_distribution and reading.digit == digit


def test_no_letter_that_the_doubt_learns_from_looks_like_a_digit():
    assert not set("OoIlZzSsbgq") & set(ood_data.LETTERS)
    drawn = ood_data.letters(5, np.random.default_rng(1))
    assert torch.equal(drawn, ood_data.letters(5, np.random.default_rng(1)))
    assert drawn.shape == (5, 28, 28) and 0 <= drawn.min() < drawn.max() <= 1


def test_fonts_give_the_signs_that_they_have_in_turn():
    face = ImageFont.load_default(ood_data.TYPE_SIZE)
    pillows, ours, twice = (
        ood_data.typed_digits(20, np.random.default_rng(1), fonts)
        for fonts in ([], [face], [face, face])
    )
    assert torch.equal(pillows, ours) and torch.equal(ours, twice)
    assert not ood_data._has(face, "\uffff")


def an_m() -> torch.Tensor:
    return ood_data.letters(8, np.random.default_rng(5))[7:]


def test_every_network_knows_what_is_no_digit_even_one_that_learned_nothing(shipped):
    model = Model("new", "New", small())
    assert not model.in_distribution(an_m()[0])
    assert model.in_distribution(from_strokes(CLEAN["a 0"][1]))


def test_what_somebody_writes_as_a_digit_is_one_but_not_every_scribble(shipped):
    odd = an_m()
    alike = torch.cat([odd, odd.roll(1, 2)])  # as it is, and a pixel further right
    others = ood_data.scribbles(40, np.random.default_rng(4))
    assert shipped.ood_detector.is_ood(alike).all()
    assert not shipped.ood_detector.is_ood(alike, odd).any()
    refused = shipped.ood_detector.is_ood(others)
    assert refused.sum() > 30
    assert shipped.ood_detector.is_ood(others, odd).sum() >= refused.sum() - 2


def test_a_smiley_does_not_look_like_a_digit_to_the_shipped_network(shipped):
    turn = torch.linspace(0, 6.3, 40)
    ring = torch.stack([turn.cos(), turn.sin()], 1)
    face = [(200 + 100 * ring), (165 + 8 * ring), (torch.tensor([235.0, 165.0]) + 8 * ring)]
    mouth = 200 + 55 * ring[4:17]
    reading = predict.predict(shipped, from_strokes([s.tolist() for s in (*face, mouth)]))
    assert not reading.in_distribution and not reading.sure
    assert reading.sentence.startswith("This does not look like a digit. If it had to choose: a")


def test_few_real_digits_of_other_hands_are_sent_away(shipped, digits):
    images = digits[1].images[:200].float() / 255
    assert sum(not shipped.in_distribution(image) for image in images) <= 20


def test_calibration_changes_how_sure_it_is_and_no_answer(few):
    training = train(TrainConfig(small().config, epochs=1), few, few.head(50))
    for _ in training:
        pass
    network = training.network.eval()
    before = evaluate(network, few)
    with torch.no_grad():
        network.layers[-1].weight *= 8  # far too sure
        network.layers[-1].bias *= 8
    warmth = fit_temperature(network, few)
    after = evaluate(network, few)
    assert warmth > 1
    assert torch.equal(before.predicted, after.predicted)
    assert fit_temperature(network, few) == pytest.approx(1.0, abs=0.03)


def test_a_doubt_is_fitted_the_same_every_time_and_survives_the_file(few, tmp_path):
    network = small()
    one, again = (ood.fit_ood_head(network, few, seed=3) for _ in range(2))
    path = tmp_path / "network.safetensors"
    save_network(network, path, ood_head=one)
    kept = load_model(str(path))
    seen = ood.ood_features(network, few.images[:50].float() / 255)
    assert torch.equal(one(seen), again(seen))
    assert torch.equal(kept.ood_detector.head(seen), one(seen))
    assert all(map(torch.equal, network.state_dict().values(), kept.network.state_dict().values()))


def test_one_held_out_digit_in_a_hundred_is_sent_away_at_most(few):
    network = small()
    fitted = ood.fit_ood_head(network, few)
    away = fitted(ood.ood_features(network, held_out(few))) > 0
    assert float(away.float().mean()) <= ood.MAX_FALSE_REJECTION_RATE + 0.004


def test_a_file_without_a_doubt_borrows_the_shipped_networks(shipped, tmp_path):
    path = tmp_path / "network.safetensors"
    odd = an_m()
    save_network(small(), path)
    assert not load_model(str(path)).in_distribution(odd[0])
    save_network(small(), path, accepted_drawings=odd)
    assert load_model(str(path)).in_distribution(odd[0])
