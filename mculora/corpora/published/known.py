"""What is known of each published corpus before its files are seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mculora.corpora.iemocap.corpus import CLASS_NAMES


@dataclass(frozen=True)
class PublishedCorpus:
    """One corpus that is published as labels and features.

    Attributes:
        family: How its folders are called by those who publish several corpora together.
        label_files: The names of its label files, the preferred first.
        class_names: In the order of the published indices; empty where labels are scores.
        folds_file: The standard folds for label files that have no splits, or `""`.
        words_files: The timed words for label files that have no transcripts.
    """

    family: str
    label_files: tuple[str, ...]
    class_names: tuple[str, ...] = ()
    folds_file: str = ""
    words_files: tuple[str, ...] = ()

    @property
    def has_sessions(self) -> bool:
        """Whether it is tested session by session, as IEMOCAP is, and has classes."""
        return bool(self.class_names)


_MMSA = ("aligned_50.pkl", "unaligned_50.pkl")
CORPORA: Mapping[str, PublishedCorpus] = MappingProxyType(
    {
        "mosei": PublishedCorpus(
            "mosei",
            (
                *("CMUMOSEI_features_raw_2way.pkl", "label.npz", *_MMSA),
                *("CMU_MOSEI_Labels.csd", "CMU_MOSEI_LabelsSentiment.csd"),
            ),
            folds_file="cmu_mosei_std_folds.py",
            words_files=("CMU_MOSEI_TimestampedWords.csd",),
        ),
        "mosi": PublishedCorpus(
            "mosi",
            ("CMUMOSI_features_raw_2way.pkl", "label.npz", *_MMSA, "CMU_MOSI_Opinion_Labels.csd"),
            folds_file="cmu_mosi_std_folds.py",
            words_files=("CMU_MOSI_TimestampedWords.csd", "CMU_MOSI_ModifiedTimestampedWords.csd"),
        ),
        "iemocap4": PublishedCorpus(
            "iemocap",
            ("IEMOCAP_features_raw_4way.pkl", "label_4way.npz"),
            class_names=CLASS_NAMES[:4],
        ),
        "iemocap6": PublishedCorpus(
            "iemocap", ("IEMOCAP_features_raw_6way.pkl", "label_6way.npz"), class_names=CLASS_NAMES
        ),
    }
)
"""The corpora by the dataset's name in params.yaml."""
