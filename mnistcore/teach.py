"""Teaching a network one person's hand: a copy learns a few drawings and forgets nothing."""

import copy
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from mnistcore.augment import affine
from mnistcore.data import Digits, as_input
from mnistcore.errors import TrainingError
from mnistcore.network import Network

STEPS = 60  # batches that one teaching takes
LESSONS_PER_BATCH = 32  # of the drawings, each time a little different
KNOWN_PER_BATCH = 64  # of the training images, so that the network remembers them
LEARNING_RATE = 1e-3


def teach(
    network: Network, drawings: Tensor, labels: Tensor, known: Digits, seed: int = 1
) -> Iterator[Network]:
    """Let a copy of `network` learn these drawings; gives the copy after every step.

    drawings: (n, 28, 28) float32 in [0, 1];  labels: (n,) int64;  known: what the network was
    trained on, mixed in so that it is not forgotten. `network` itself is not changed. Chance is
    `seed`'s alone, so the same lessons end in the same weights.
    """
    if not len(labels) or len(labels) != len(drawings):
        raise TrainingError("Draw at least one digit, and say which it is, to teach the network.")
    learner = copy.deepcopy(network)
    learner.eval()  # normalisation stays as it was: a few drawings say little of the whole
    optimiser = torch.optim.Adam(learner.parameters(), LEARNING_RATE, fused=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        chance = torch.get_rng_state()
    for step in range(STEPS):
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(chance)
            lessons = torch.randint(len(labels), (LESSONS_PER_BATCH,))
            review = torch.randint(len(known), (KNOWN_PER_BATCH,))
            images = torch.cat(
                [affine(drawings[lessons].unsqueeze(1)), as_input(known.images[review])]
            )
            chance = torch.get_rng_state()
        answers = torch.cat([labels[lessons], known.labels[review]])
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * (1 - step / STEPS)
        loss = functional.cross_entropy(learner(images), answers)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        yield learner
