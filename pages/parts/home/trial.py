"""Trials on Home: real trainings of about a second, each made once for all visitors."""

import streamlit as st
import torch

from mnistcore.config import TrainConfig
from mnistcore.errors import TrainingError
from mnistcore.training import trials
from pages.common.datasets import shared_dataset


def run(config: TrainConfig, *, validate: bool = False) -> trials.TrialResult | None:
    """What comes of it, the same whenever it is tried; None if the weights ran away.

    validate: judge it by training images that are held back, and not by test images.
    """
    trial = config, validate, shared_dataset().train.dataset
    with st.spinner("It learns ..."):
        result = _run(*trial)
    if result and not result.whole:  # a machine that is less busy will do better
        _run.clear(*trial)
    return result


@st.cache_data(show_spinner=False, max_entries=100)
def _run(config: TrainConfig, validate: bool, dataset: str) -> trials.TrialResult | None:
    torch.set_num_threads(1)
    train, test, _ = shared_dataset()
    try:
        return trials.run_trial(
            config, *(trials.split_validation(train) if validate else (train, test))
        )
    except TrainingError:
        return None
