"""Where every artefact lives, relative to the project folder: the only file with path strings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mculora.errors import MissingInputError
from mculora.modality import Modality, ModalityCombination

DOWNLOADS = Path("data", "downloads")
"""Archives that `download` fetched and what it unpacked of them, for all datasets."""
FACES = Path("reports", "faces")
"""Contact sheets of face crops (`faces`), to look at."""


@dataclass(frozen=True)
class Layout:
    """The artefacts of one dataset.

    Attributes:
        dataset: The dataset's name in params.yaml.
        root: The project folder.
    """

    dataset: str
    root: Path = Path()

    @property
    def raw(self) -> Path:
        """The raw corpus: links to its files as their publishers lay them out (`download`)."""
        return self.root / "data" / "raw" / self.dataset

    @property
    def corpus(self) -> Path:
        """The manifest's folder: corpus.json, utterances.jsonl, dropped.csv (`prepare`)."""
        return self.root / "data" / "corpus" / self.dataset

    def features(self, modality: Modality) -> Path:
        """One modality's feature store (`extract`)."""
        return self.root / "data" / "features" / self.dataset / modality.word

    def media_state(self, modality: Modality) -> Path:
        """Size and time of the media that a store was made from, on this machine; no result."""
        return self.features(modality).with_suffix(".media.json")

    @property
    def split(self) -> Path:
        """Folds and masks: folds.json, masks.safetensors (`split`)."""
        return self.root / "data" / "split" / self.dataset

    @property
    def folds(self) -> Path:
        """Which dialogues train, validate and test."""
        return self.split / "folds.json"

    @property
    def models(self) -> Path:
        """Checkpoints and training histories (`train`)."""
        return self.root / "models" / self.dataset

    def checkpoint(
        self, method: str, seed: int, fold: str, combination: ModalityCombination | None = None
    ) -> Path:
        """One trained network; a method of specialists has one for each combination."""
        which = f"-{combination.word}" if combination is not None else ""
        return self.models / method / f"seed-{seed}-{fold}{which}.safetensors"

    def epochs(
        self, method: str, seed: int, fold: str, combination: ModalityCombination | None = None
    ) -> Path:
        """The weights that every epoch of that network's training was judged by."""
        checkpoint = self.checkpoint(method, seed, fold, combination)
        return checkpoint.parent / "epochs" / checkpoint.name

    @property
    def unfinished(self) -> Path:
        """What a training under way has done so far; no output, and gone when it is done."""
        return self.root / ".progress" / self.dataset

    @property
    def live(self) -> Path:
        """Every epoch of a training under way so far, as a table; gone when it is done."""
        return self.unfinished / "live.csv"

    @property
    def training_lock(self) -> Path:
        """Held while the dataset is trained on in this folder."""
        return self.unfinished.with_suffix(".lock")

    @property
    def history(self) -> Path:
        """Every epoch of every training, as a table."""
        return self.models / "history.csv"

    @property
    def conflict(self) -> Path:
        """How the combinations' gradients agree, epoch by epoch, as a table."""
        return self.models / "conflict.csv"

    @property
    def bundle(self) -> Path:
        """The folder that travels (`export`)."""
        return self.root / "exports" / self.dataset

    @property
    def results(self) -> Path:
        """metrics.json and the tables behind the report (`evaluate`)."""
        return self.root / "results"

    @property
    def evaluation(self) -> Path:
        """Every result of every method."""
        return self.results / "evaluation.json"

    @property
    def predictions(self) -> Path:
        """All that was predicted of the test utterances (`evaluate`)."""
        return self.results / "predictions.safetensors"

    @property
    def representations(self) -> Path:
        """Common and specific representations of some test utterances, in two dimensions."""
        return self.results / "representations.csv"

    @property
    def separation(self) -> Path:
        """How far apart they are, per combination."""
        return self.results / "separation.csv"

    @property
    def metrics(self) -> Path:
        """The headline numbers, for `dvc metrics`."""
        return self.results / "metrics.json"

    @property
    def scores(self) -> Path:
        """Every metric of every method under every condition, one per line."""
        return self.results / "scores.csv"

    @property
    def by_combination(self) -> Path:
        """The primary metric under each combination, to plot."""
        return self.results / "by_combination.csv"

    @property
    def by_missing_rate(self) -> Path:
        """The primary metric at each missing rate, to plot."""
        return self.results / "by_missing_rate.csv"

    @property
    def by_rank(self) -> Path:
        """The primary metric at each rank of the adapters, to plot."""
        return self.results / "by_rank.csv"

    @property
    def ablations(self) -> Path:
        """The main method and what is left of it without one of its parts."""
        return self.results / "ablations.csv"

    @property
    def training_curves(self) -> Path:
        """The main method's training, averaged over seeds and folds, to plot."""
        return self.results / "training.csv"

    @property
    def report(self) -> Path:
        """The page (`report`)."""
        return self.root / "reports" / "report.html"

    @property
    def figures(self) -> Path:
        """The page's figures as files for papers (`report`)."""
        return self.root / "reports" / "figures"

    @property
    def tables(self) -> Path:
        """The page's tables as files for papers (`report`)."""
        return self.root / "reports" / "tables"

    @property
    def model_card(self) -> Path:
        """What the run made of what, and what it is not to be used for (`report`)."""
        return self.root / "reports" / "model_card.md"


def require(path: Path, *, command: str) -> Path:
    """Return `path`, or say which command makes it.

    Raises:
        MissingInputError: `path` does not exist.
    """
    if not path.exists():
        raise MissingInputError(path, command=command)
    return path
