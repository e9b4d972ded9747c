"""Teaching: a copy learns a new hand, remembers the rest, and leaves everything else alone."""

import pytest
import torch

from mnistcore.config import Conv, NetworkConfig, TrainConfig
from mnistcore.data.digits import to_model_input
from mnistcore.errors import TrainingError
from mnistcore.evaluation.metrics import evaluate
from mnistcore.training.finetune import N_STEPS, fine_tune
from mnistcore.training.trainer import train


@pytest.fixture(scope="module")
def network(digits):
    config = TrainConfig(
        network=NetworkConfig((Conv(8, 5), Conv(16, 5)), (32,), batch_norm=True, dropout=0.1),
        epochs=6,
        batch_size=50,
        learning_rate=5e-3,
        schedule="one-cycle",
        device="cpu",
    )
    training = train(config, *digits)
    for _ in training:
        pass
    return training.network.eval()


@pytest.fixture(scope="module")
def odd_hand(digits):
    """Somebody who writes every digit lying on its side: 3 lessons of each, the rest an exam."""
    images = to_model_input(digits[1].images)[:, 0].rot90(1, (1, 2))
    labels = digits[1].labels
    lessons = torch.cat([(labels == digit).nonzero().flatten()[:3] for digit in range(10)])
    rest = torch.ones(len(labels), dtype=torch.bool)
    rest[lessons] = False
    return (images[lessons], labels[lessons]), (images[rest], labels[rest])


def right(network, pictures, labels):
    with torch.no_grad():
        return (network(pictures.unsqueeze(1)).argmax(1) == labels).float().mean().item()


def test_a_new_hand_is_learned_and_the_old_ones_are_remembered(network, odd_hand, digits):
    lessons, exam = odd_hand
    known = evaluate(network, digits[1]).accuracy
    *_, learner = fine_tune(network, *lessons, digits[0])
    assert right(network, *exam) < 0.5
    assert right(learner, *lessons) > 0.8
    assert right(learner, *exam) > right(network, *exam) + 0.2
    assert evaluate(learner, digits[1]).accuracy > known - 0.05


def test_the_taught_network_is_a_copy(network, odd_hand, digits):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    *_, learner = fine_tune(network, *odd_hand[0], digits[0])
    assert learner is not network
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_the_same_lessons_end_in_the_same_weights_whatever_chance_does_meanwhile(
    network, odd_hand, digits
):
    def taught(disturb):
        steps = 0
        for learner in fine_tune(network, *odd_hand[0], digits[0]):  # noqa: B007
            steps += 1
            if disturb:
                torch.rand(7)
        assert steps == N_STEPS
        return torch.cat([p.detach().flatten() for p in learner.parameters()])

    assert torch.equal(taught(False), taught(True))


def test_without_a_drawing_there_is_nothing_to_learn(network, digits):
    with pytest.raises(TrainingError, match="Draw at least one digit"):
        next(
            fine_tune(network, torch.zeros(0, 28, 28), torch.zeros(0, dtype=torch.long), digits[0])
        )


def test_lessons_that_contradict_all_others_are_followed_part_of_the_way(network, digits):
    images, labels = to_model_input(digits[1].images)[:, 0], digits[1].labels
    threes = images[labels == 3][:3]
    known = evaluate(network, digits[1]).accuracy
    steps, share = fine_tune(network, threes, torch.full((3,), 8), digits[0]), None
    while share is None:
        try:
            learner = next(steps)
        except StopIteration as end:
            share = end.value
    assert 0 <= share < 1
    assert evaluate(learner, digits[1]).accuracy > known - 0.02
