"""When a picture is no digit at all."""

import pytest
import torch

from mnistcore import doubt, drawing, predict
from mnistcore.data import Digits
from mnistcore.network import Conv, NetworkConfig, build
from mnistcore.training import TrainConfig, evaluate, train


@pytest.fixture(scope="module")
def shipped() -> predict.Model:
    return predict.load_model()


@pytest.fixture
def few(monkeypatch, digits) -> Digits:
    monkeypatch.setattr(doubt, "KNOWN", 400)
    monkeypatch.setattr(doubt, "SCRAWLS", 100)
    monkeypatch.setattr(doubt, "HELD_OUT", 300)
    monkeypatch.setattr(doubt, "ROUNDS", 2)
    return digits[0]


def small(seed: int = 1):
    return build(NetworkConfig((Conv(4, 5), Conv(8, 5)), (16,)), seed).eval()


def test_scribbles_do_not_look_like_digits_to_the_shipped_network(shipped):
    pictures = doubt.scrawls(60, seed=2)
    assert sum(not shipped.digit_like(picture) for picture in pictures) > 40


def test_a_smiley_does_not_look_like_a_digit_to_the_shipped_network(shipped):
    turn = torch.linspace(0, 6.3, 40)
    ring = torch.stack([turn.cos(), turn.sin()], 1)
    face = [(200 + 100 * ring), (165 + 8 * ring), (torch.tensor([235.0, 165.0]) + 8 * ring)]
    mouth = 200 + 55 * ring[4:17]
    reading = predict.read(shipped, drawing.from_strokes([s.tolist() for s in (*face, mouth)]))
    assert not reading.digit_like and not reading.sure
    assert reading.sentence.startswith("This does not look like a digit. Perhaps a")


def test_few_real_digits_of_other_hands_are_sent_away(shipped, digits):
    images = digits[1].images[:200].float() / 255
    assert sum(not shipped.digit_like(image) for image in images) <= 20


def test_calibration_changes_how_sure_it_is_and_no_answer(few):
    training = train(TrainConfig(small().config, epochs=1), few, few.first(50))
    for _ in training:
        pass
    network = training.network.eval()
    before = evaluate(network, few)
    with torch.no_grad():
        network.layers[-1].weight *= 8  # far too sure
        network.layers[-1].bias *= 8
    warmth = doubt.calibrate(network, few)
    after = evaluate(network, few)
    assert warmth > 1
    assert torch.equal(before.predicted, after.predicted)
    assert doubt.calibrate(network, few) == pytest.approx(1.0, abs=0.03)


def test_a_doubt_is_fitted_the_same_every_time_and_survives_the_file(few, tmp_path):
    network = small()
    one, again = (doubt.fit(network, few, seed=3) for _ in range(2))
    path = tmp_path / "network.safetensors"
    predict.save_network(network, path, doubt=one, title="It")
    kept = predict.load_model(str(path))
    seen = doubt.views(network, few.images[:50].float() / 255)
    assert torch.equal(one(seen), again(seen))
    assert torch.equal(kept.doubt(seen), one(seen))
    assert all(map(torch.equal, network.state_dict().values(), kept.network.state_dict().values()))


def test_one_held_out_digit_in_a_hundred_is_sent_away_at_most(few):
    network = small()
    fitted = doubt.fit(network, few)
    away = fitted(doubt.views(network, doubt.held_out(few))) > 0
    assert float(away.float().mean()) <= doubt.SENT_AWAY + 0.004


def test_a_file_without_a_doubt_still_reads(tmp_path):
    path = tmp_path / "network.safetensors"
    predict.save_network(small(), path)
    model = predict.load_model(str(path))
    assert model.doubt is None
    assert not model.digit_like(torch.zeros(28, 28))  # all ten equally likely
