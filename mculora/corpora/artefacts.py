"""The parts that each corpus consists of: which of their files are needed, and how to get them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mculora.corpora.published.known import CORPORA


@dataclass(frozen=True)
class Artefact:
    """One part of a corpus, brought from one source.

    Attributes:
        name: Its key below `sources.<dataset>` in params.yaml, and its folder below the raw corpus.
        members: Which files are needed: shell patterns on `/<path inside the source>`, in which
            `*` crosses folders; empty for all of them.
        how_to_get: What a person must do to have it: what, and from where.
        is_optional: Whether the corpus can be read without it.
    """

    name: str
    members: tuple[str, ...]
    how_to_get: str
    is_optional: bool = False


_SDK = "mmsdk/mmdatasdk/dataset/standard_datasets of the CMU Multimodal SDK on GitHub"
_CMU_DOWN = "the CMU server is often down: wait, or get the file from somebody who has it"
_DRIVE = "file {id} on Google Drive (linked in GCNet's README; downloaded by a person)"
_FOLDS = ("*std_folds.py",)
_LABELS = ("*.csd", "*.csv")
_MOSEI = (
    Artefact(
        "raw",
        (
            *("*/Transcript/Segmented/*.txt", "*/Transcript/Combined/*.txt", "*/[Ll]abels/*.csv"),
            *("*/WAV_16000/*.wav", "*/Videos/Full/*.mp4", "*/Videos/Combined/*.mp4"),
        ),
        f"CMU_MOSEI.zip (126 GB) from CMU's raw_datasets; {_CMU_DOWN}",
    ),
    Artefact(
        "labels",
        _LABELS,
        f"CMU_MOSEI_Labels.csd from CMU's CMU-MOSEI/labels; {_CMU_DOWN}; without it (at: null) the "
        "rating tables inside the archive are used",
        is_optional=True,
    ),
    Artefact("folds", _FOLDS, f"CMU_MOSEI/cmu_mosei_std_folds.py from {_SDK}"),
)
_MOSI = (
    Artefact(
        "raw",
        (
            *("*.annotprocessed", "*/OpinionLevelSentiment.csv"),
            *("*/WAV_16000/*.wav", "*/Video/*.mp4"),
        ),
        f"CMU_MOSI.zip from CMU's raw_datasets; {_CMU_DOWN}",
    ),
    Artefact(
        "labels",
        _LABELS,
        f"CMU_MOSI_Opinion_Labels.csd from CMU's CMU-MOSI/labels; {_CMU_DOWN}; without it "
        "(at: null) OpinionLevelSentiment.csv inside the archive is used",
        is_optional=True,
    ),
    Artefact("folds", _FOLDS, f"CMU_MOSI/cmu_mosi_std_folds.py from {_SDK}"),
)
_IEMOCAP = (
    Artefact(
        "raw",
        (
            *("*/EmoEvaluation/Ses*.txt", "*/transcriptions/Ses*.txt"),
            *("*/sentences/wav/*.wav", "*/dialog/wav/*.wav", "*/dialog/avi/*.avi"),
        ),
        "IEMOCAP is licensed to researchers who ask: fill in the release form on "
        "https://sail.usc.edu/iemocap/ (answered within days); take IEMOCAP_full_release.tar.gz, "
        "or the release without videos, as a file, an unpacked folder, or the URL of the mail with "
        "auth_env: IEMOCAP and IEMOCAP_USER and IEMOCAP_PASSWORD in the environment (the password "
        "expires after two days)",
    ),
)
_CLIPS = (
    Artefact(
        "table", (), "write a CSV or JSONL table with a column `path` (README: Your own clips)"
    ),
)
_RAW: Mapping[str, tuple[Artefact, ...]] = MappingProxyType(
    {
        "sample": (),
        "mosei": _MOSEI,
        "mosi": _MOSI,
        "iemocap4": _IEMOCAP,
        "iemocap6": _IEMOCAP,
        "clips": _CLIPS,
    }
)
_FEATURE_ARCHIVES = {
    "mosei": "1L6oDbtpFW2C4MwL5TQsEflY1WHjtv7L5",
    "mosi": "1aJxArYfZsA-uLC0sOwIkjl_0ZWxiyPxj",
    "iemocap4": "1Hn82-ZD0CNqXQtImd982YHHi-3gIX2G3",
    "iemocap6": "1Hn82-ZD0CNqXQtImd982YHHi-3gIX2G3",
}


def raw_artefacts(dataset: str) -> tuple[Artefact, ...]:
    """The parts of a corpus whose features are extracted here; none of the sample."""
    return _RAW[dataset]


def published_artefacts(dataset: str, entries: tuple[str, ...]) -> tuple[Artefact, ...]:
    """The parts of a corpus whose features somebody has published; none if nobody has.

    Args:
        dataset: Its name in params.yaml.
        entries: The folders and files that are wanted beside the labels' usual ones, by name.
    """
    if dataset not in _FEATURE_ARCHIVES:
        return ()
    known = CORPORA[dataset]
    names = (*known.label_files, *known.words_files, *filter(None, [known.folds_file]))
    labels = tuple(f"*/{name}" for name in names)
    wanted = dict.fromkeys(p for entry in entries for p in (f"*/{entry}", f"*/{entry}/*"))
    drive = _DRIVE.format(id=_FEATURE_ARCHIVES[dataset])
    return (
        Artefact(
            "published",
            (*wanted, *labels),
            f"the features as a folder or an archive: GCNet's are {drive}; or MMSA's "
            "aligned_50.pkl or .csd files, named under `published`",
        ),
        Artefact(
            "published_labels",
            (*wanted, *labels),
            "the label pickle of GCNet (dataset/*/*_features_raw_*way.pkl in its repository), "
            "where it does not lie beside the features",
            is_optional=True,
        ),
    )
