"""What is exported: a network and its card, without what nobody else is to know."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mnistcore.config import TrainConfig
from mnistcore.drawing.strokes import Stroke
from mnistcore.errors import ModelError, RunError
from mnistcore.evaluation.provenance import training_provenance
from mnistcore.models.network import Network
from mnistcore.models.registry import SHIPPED, load_saved
from mnistcore.records import FineTuneResult, ModelCard, RunResult
from mnistcore.runs import store
from mnistcore.runs.store import Run


@dataclass(frozen=True)
class Subject:
    """A network and what is known of it; nothing tells of a machine, others, or a run's id."""

    network: Network
    card: ModelCard
    dataset: str  # a key of DATASETS
    reads_views: bool = False  # whether it averages over views of an image where it reads drawings
    drawing: Sequence[tuple[Stroke, float]] = ()  # a visitor's, by own wish: strokes and widths
    run: Run | None = None  # that shows how it learned; nothing of it is written but that

    @property
    def title(self) -> str:
        """What the run or network is called."""
        return self.card.title

    @property
    def config(self) -> TrainConfig | None:
        """By which it was trained; None where that makes no sense."""
        return self.card.train

    @property
    def result(self) -> RunResult | None:
        """How its training ended; None of one that has not."""
        return self.card.result

    @property
    def fine_tune(self) -> FineTuneResult | None:
        """What drawings changed in it afterwards."""
        return self.result.fine_tune if self.result else None

    @property
    def can_be_retrained(self) -> bool:
        """Whether its recipe alone leads to it."""
        return self.config is not None and self.fine_tune is None


def load_subject(model_id: str = SHIPPED, runs_folder: Path | None = None) -> Subject:
    """What `load_model` knows by this id, fit to be given away; raises ModelError or RunError."""
    provenance = training_provenance(model_id, runs_folder)
    if store.split_moment(model_id)[1] is not None:
        raise ModelError("A moment of a run cannot be taken home: take the run itself.")
    saved = load_saved(model_id, runs_folder)
    card = replace(
        saved.card,
        command=None,
        train=provenance.config,
        result=_anonymous(saved.card.result),
        calibration=None,
    )
    run = None
    with suppress(RunError):  # the shipped network and files have none
        run = store.find_run(model_id, runs_folder)
    dataset = provenance.dataset or "mnist"
    return Subject(saved.network, card, dataset, reads_views=model_id == SHIPPED, run=run)


def _anonymous(result: RunResult | None) -> RunResult | None:
    """Without the ids by which runs are found."""
    if result is None:
        return None
    tuned = result.fine_tune
    if tuned is not None and tuned.base_model != SHIPPED:
        tuned = replace(tuned, base_model="a run")
    return replace(result, run="", fine_tune=tuned)
