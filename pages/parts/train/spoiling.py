"""Spoiled training data: how it was spoiled, and the damage, digit by digit."""

import streamlit as st

from mnistcore.config import Defect, TrainConfig
from mnistcore.data.defects import TaughtSet, taught_set
from mnistcore.data.digits import Digits


def taught_images(train: Digits, config: TrainConfig) -> TaughtSet:
    """The training images as a recipe teaches them; worked out once for all visitors."""
    return _taught(train.dataset, config.train_size, config.defect, config.seed, train, config)


@st.cache_resource(show_spinner=False, max_entries=16)
def _taught(
    dataset: str, size: int | None, defect: Defect, seed: int, _train: Digits, _config: TrainConfig
) -> TaughtSet:
    return taught_set(_train, _config)
