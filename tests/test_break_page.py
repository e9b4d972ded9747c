"""Break it on Inside, run by Streamlit's own tester on scikit-learn's digits."""

import time
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest
from test_draw_page import a_run
from test_evaluate_page import spoken
from test_inside_page import inside, text, written_out

from mnistcore.config import Defect, NetworkConfig, TrainConfig
from mnistcore.data.digits import Digits
from mnistcore.errors import TrainingError
from mnistcore.inspection import ablation
from mnistcore.models.checkpoint import save_network
from mnistcore.models.network import Network, build_network
from mnistcore.runs import store
from mnistcore.training import healing
from mnistcore.training.healing import Healed
from pages.parts.inside import turns
from pages.parts.inside.ablation_bet import verdict

pytestmark = pytest.mark.usefixtures("folder")


def broken(**address: str) -> AppTest:
    return inside(**{"break": "true", **address})


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def test_nothing_is_broken_before_somebody_asks() -> None:
    app = inside()
    assert "read right, of" not in written_out(app).lower()
    app.toggle(key="break").set_value(True).run()
    assert not app.exception
    assert "0 of 352 units are off. It reads a" in spoken(app)


def test_units_off_and_on_again_give_the_very_same_page() -> None:
    app = broken()
    before = written_out(app)
    app.slider(key="share").set_value(60).run()
    assert not app.exception
    assert "211 of 352 units are off" in spoken(app)
    assert written_out(app) != before
    press(app, "All as it was")
    assert written_out(app) == before
    app.slider(key="shake").set_value(80).run()
    assert "every weight is shaken by 80%" in spoken(app)
    assert written_out(app) != before
    app.slider(key="shake").set_value(0).run()
    assert written_out(app) == before


def test_the_address_says_what_is_broken() -> None:
    app = broken(
        where="convolution 2", share="50", chance="3", tapped="convolution 1 4 7, dense 1 9"
    )
    assert "35 of 352 units are off" in spoken(app)
    assert "**Convolution 2**: 32 of 64 units off" in text(app)
    press(app, "Roll again")
    assert app.query_params["chance"] == "4"
    assert "tapped" not in app.query_params


@pytest.mark.parametrize(
    "address",
    [
        {"break": "maybe"},
        {"where": "basement"},
        {"share": "half"},
        {"share": "-3", "shake": "1e9"},
        {"chance": "0"},
        {"tapped": "convolution 9 4, dense 1 99999, <b>"},
    ],
)
def test_an_address_that_makes_no_sense_breaks_nothing(address: dict) -> None:
    app = broken(**address)
    assert not app.exception
    assert app.session_state["break"] is (address.get("break") is None)
    if app.session_state["break"]:
        assert "0 of 352 units are off" in spoken(app)


def test_a_bet_is_measured_and_judged() -> None:
    app = broken(where="dense 1")
    app.slider(key="break bet").set_value(95).run()
    press(app, "Bet, and measure it")
    assert "You bet 95 %" in spoken(app)
    while "More and more of it goes" in spoken(app):
        time.sleep(0.2)
        app.run()
    assert "points fewer" in spoken(app)


@pytest.mark.parametrize(
    ("bet", "tolerated", "said"),
    [
        (30, 0.3, "You bet 30 %: spot on."),
        (30, 0.45, "You bet 30 %: 45 % of them can go, 15 points more."),
        (60, 0.55, "You bet 60 %: 55 % of them can go, 5 points fewer."),
    ],
)
def test_what_is_said_of_a_bet(bet: int, tolerated: float, said: str) -> None:
    assert verdict(bet, tolerated) == said


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Healing takes no time: how well it heals is looked at in test_ablation.py."""
    monkeypatch.setattr(healing, "N_STEPS", 3)


@pytest.mark.usefixtures("short")
def test_a_broken_network_is_healed_and_all_three_are_compared() -> None:
    app = broken(share="70")
    press(app, "Heal it")
    assert "Healed: it reads a" in text(app)
    table = written_out(app)
    assert all(f">{name}</th>" in table for name in ("as it was", "broken", "healed"))
    app.slider(key="share").set_value(60).run()
    assert ">healed</th>" not in written_out(app)


def test_healing_gives_back_no_more_than_it_was_taught(monkeypatch: pytest.MonkeyPatch) -> None:
    taught: list[Digits] = []

    def heal(damaged: Network, train: Digits, on_progress: object) -> Healed:
        taught.append(train)
        return Healed(damaged, len(train))

    monkeypatch.setattr(healing, "heal", heal)
    for recipe in (TrainConfig(train_size=300), TrainConfig(defect=Defect("missing-class", 7))):
        run = store.create_run(recipe, name="Spoiled")
        save_network(build_network(recipe.network, 1), run.model)
        store.write_json(run.path / "status.json", {"state": "finished", "progress": {}})
        press(broken(model=run.id, share="50"), "Heal it")
    assert len(taught[0]) == 300
    assert 7 not in taught[1].labels
    assert len(taught[1].labels.unique()) == 9


@pytest.mark.usefixtures("short")
def test_nothing_is_said_to_have_healed_what_reads_no_better() -> None:
    app = broken(tapped="dense 1 1")
    press(app, "Heal it")
    assert "It reads hardly better" in text(app)
    app = broken(share="100")
    assert next(each for each in app.button if each.label == "Heal it").disabled


@pytest.mark.usefixtures("short")
def test_one_at_a_time_is_healed() -> None:
    app = broken(tapped="dense 1 1 2 3")
    with turns._TURN:
        press(app, "Heal it")
        assert "try again in a few seconds" in app.warning[0].value
        press(app, "Bet, and measure it")
        assert "try again in a few seconds" in app.warning[0].value
    press(app, "Heal it")
    assert "Healed" in text(app)


@pytest.fixture
def idle() -> None:
    """Nothing that another test has begun is still being measured."""
    while turns._TURN.locked():
        time.sleep(0.1)


@pytest.mark.usefixtures("idle")
def test_half_a_curve_gets_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks_off(*asked: object) -> Iterator[tuple[float, float]]:
        yield 0.0, 0.99
        raise TrainingError("Out of memory.")

    measure = ablation.accuracy_by_share
    monkeypatch.setattr(ablation, "accuracy_by_share", breaks_off)
    app = broken(where="convolution 2")
    press(app, "Bet, and measure it")
    while not app.warning:  # after which it begins anew
        assert "You bet 30 %: " not in spoken(app)
        app.run()
    assert "Out of memory" in app.warning[0].value
    monkeypatch.setattr(ablation, "accuracy_by_share", measure)
    press(app, "Bet, and measure it")
    assert not app.warning


@pytest.mark.usefixtures("idle")
def test_a_thread_that_cannot_begin_gives_its_turn_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*asked: object, torch: bool) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(turns, "BackgroundTask", refuse)
    with pytest.raises(TrainingError, match="too busy"):
        turns.begin(lambda report: None)
    assert not turns._TURN.locked()


@pytest.mark.parametrize(
    "config", [NetworkConfig((), (), "none"), NetworkConfig((), (12, 8), "Tanh")]
)
def test_networks_without_convolutions_are_broken_too(config: NetworkConfig) -> None:
    run = store.create_run(TrainConfig(network=config), name="Other")
    save_network(build_network(config, 1), run.model)
    store.write_json(run.path / "status.json", {"state": "finished", "progress": {}})
    app = broken(model=run.id, share="50", shake="50")
    assert f"{sum(config.dense) // 2} of {sum(config.dense)} units are off" in spoken(app)
    assert ("nothing to bet on" in text(app)) == bool(config.dense)


def test_units_that_the_other_network_lacks_are_left_out() -> None:
    app = broken(model=a_run("Flat").id, where="convolution 3", tapped="convolution 1 1, dense 1 3")
    assert "1 of 8 units is off" in spoken(app)
