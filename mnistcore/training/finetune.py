"""Fine-tuning with replay: a copy learns a few drawings by one person and forgets nothing."""

import copy
from collections.abc import Generator

import torch
from torch import Tensor
from torch.nn import functional

from mnistcore.data.augment import affine
from mnistcore.data.digits import Digits, to_model_input
from mnistcore.errors import TrainingError
from mnistcore.models.network import Network

N_STEPS = 60  # batches that one teaching takes
DRAWINGS_PER_BATCH = 32  # of the drawings, each time a little different
REPLAY_PER_BATCH = 64  # of the training images, so that the network remembers them
LEARNING_RATE = 1e-3
MAX_FORGETTING = 0.005  # by so much what it gives the right digits of the exam may fall
N_PROBE = 2_000  # training images, each a little changed, on which that is found out
N_BISECTIONS = 4  # so the way that it may go is found to a sixteenth


def fine_tune(
    network: Network, drawings: Tensor, labels: Tensor, replay: Digits, seed: int = 1
) -> Generator[Network, None, float]:
    """Let a copy of `network` learn these drawings; gives the copy after every step.

    Lessons that contradict what it knows, a 3 called an 8, would spoil it for every other hand:
    then it goes only part of the way (see `limit_forgetting`). The generator returns which part.

    drawings: (n, 28, 28) float32 in [0, 1];  labels: (n,) int64;  replay: what the network was
    trained on, mixed in so that it is not forgotten. `network` itself is not changed. Chance is
    `seed`'s alone, so the same drawings end in the same weights.
    """
    if not len(labels) or len(labels) != len(drawings):
        raise TrainingError("Draw at least one digit, and say which it is, to teach the network.")
    learner = copy.deepcopy(network)
    learner.eval()  # normalisation stays as it was: a few drawings say little of the whole
    optimizer = torch.optim.Adam(learner.parameters(), LEARNING_RATE, fused=True)
    generator = torch.Generator().manual_seed(seed)
    for step in range(N_STEPS):
        chosen = torch.randint(len(labels), (DRAWINGS_PER_BATCH,), generator=generator)
        review = torch.randint(len(replay), (REPLAY_PER_BATCH,), generator=generator)
        drawn = affine(drawings[chosen].unsqueeze(1), generator=generator)
        images = torch.cat([drawn, to_model_input(replay.images[review])])
        answers = torch.cat([labels[chosen], replay.labels[review]])
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * (1 - step / N_STEPS)
        loss = functional.cross_entropy(learner(images), answers)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        alpha = limit_forgetting(network, learner, replay) if step == N_STEPS - 1 else 1.0
        yield learner
    return alpha


@torch.inference_mode()
def limit_forgetting(network: Network, learner: Network, replay: Digits) -> float:
    """Put `learner` as far on its way from `network` as it forgets next to nothing.

    Returns the part of the way, 1 for all of it. What it forgets shows in the probabilities that
    it gives the right digits of training images, moved and slanted so that they are new to both.
    """
    exam = torch.arange(len(replay))[-N_PROBE:]
    generator = torch.Generator().manual_seed(1)
    images = affine(to_model_input(replay.images[exam]), generator=generator)

    def right() -> float:
        answers = torch.cat([learner(batch).softmax(1) for batch in images.split(250)])
        return float(answers[torch.arange(len(exam)), replay.labels[exam]].mean())

    old, new = ([p.clone() for p in each.parameters()] for each in (network, learner))

    def go(alpha: float) -> None:
        for weights, start, end in zip(learner.parameters(), old, new, strict=True):
            weights.copy_(start.lerp(end, alpha))

    learned = right()
    go(0.0)
    enough = right() - MAX_FORGETTING
    if learned >= enough:
        go(1.0)
        return 1.0
    alpha = 0.0
    for halving in range(1, N_BISECTIONS + 1):
        further = alpha + 0.5**halving
        go(further)
        if right() >= enough:
            alpha = further
    go(alpha)
    return alpha
