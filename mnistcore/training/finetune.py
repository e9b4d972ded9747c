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
MAX_FORGETTING = 0.003  # by so much what it gives the right digits of the exam may fall
N_PROBE = 2_000  # training images, each a little changed, on which that is found out
N_BISECTIONS = 4  # so the way that it may go is found to a sixteenth


def fine_tune(
    network: Network, drawings: Tensor, labels: Tensor, replay: Digits, seed: int = 1
) -> Generator[Network, None, float]:
    """Let a copy of `network` learn these drawings; yields the copy after every step.

    drawings: (n, 28, 28) float32 in [0, 1];  labels: (n,) int64;  replay: what the network was
    trained on, mixed in so that it is not forgotten. Lessons that contradict what it knows, a 3
    called an 8, would spoil it for every other hand: then it goes only part of the way, which the
    generator returns (see `limit_forgetting`). The same seed ends in the same weights.
    """
    if not len(labels) or len(labels) != len(drawings):
        raise TrainingError("Draw at least one digit, and say which it is, to teach the network.")
    # In eval mode, so that normalisation stays as it was: a few drawings say little of the whole.
    learner = copy.deepcopy(network).eval()
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
    """Put `learner` as far on its way from `network` as it forgets next to nothing; the part of it.

    What it forgets shows in the probabilities that it gives the right digits of training images,
    moved and slanted so that they are new to both.
    """
    exam = replay.select(slice(-N_PROBE, None))
    generator = torch.Generator().manual_seed(1)
    images = affine(to_model_input(exam.images), generator=generator)
    new = [weights.clone() for weights in learner.parameters()]

    def go(alpha: float) -> None:
        for weights, old, end in zip(learner.parameters(), network.parameters(), new, strict=True):
            weights.copy_(old.lerp(end, alpha))

    def right(alpha: float) -> float:
        go(alpha)
        answers = torch.cat([learner(batch).softmax(1) for batch in images.split(250)])
        return float(answers.gather(1, exam.labels[:, None]).mean())

    enough = right(0.0) - MAX_FORGETTING
    if right(1.0) >= enough:
        return 1.0
    alpha = 0.0
    for halving in range(1, N_BISECTIONS + 1):
        if right(alpha + 0.5**halving) >= enough:
            alpha += 0.5**halving
    go(alpha)
    return alpha
