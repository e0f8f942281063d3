"""Stage `faces`: some utterances' face crops -> contact sheets, for people to look at."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path

from mculora.corpora.manifest import read_manifest
from mculora.corpora.utterance import Utterance
from mculora.errors import InputError, MediaError
from mculora.features.face_settings import FaceSettings
from mculora.features.faces import SeenFaces, make_detector, see_faces, see_frames
from mculora.features.observation import Observation
from mculora.features.outcome import Absence
from mculora.files import whole_file
from mculora.media.faces.sheets import SheetRow, contact_sheet, encode_png, pick_evenly
from mculora.modality import Modality
from pipeline.console import progress, stage
from pipeline.encoders import face_settings
from pipeline.layout import Layout, require
from pipeline.params import read_params

_COLUMNS, _SIDE = 12, 96  # pictures in a row, pixels along each
_ROWS = 10  # utterances on a page
_PAGES = "faces-*.png"


def run(folder: Path, *, count: int) -> None:
    """Save contact sheets of the face crops that `extract` would encode.

    A row per utterance: how many of its frames had a face, and some of the crops; where there is
    no face, the reason, and frames to see whether it is right.

    Args:
        folder: Where the pages go; those of an earlier run are replaced.
        count: How many utterances, spread evenly over those that have a video.

    Raises:
        InputError: The manifest is missing, or has no video.
    """
    params = read_params()
    layout = Layout(params.dataset)
    require(layout.raw, command="mculora download")
    corpus = read_manifest(require(layout.corpus, command="mculora prepare"))
    filmed = [u for u in corpus.utterances if u.video_path is not None]
    if not filmed:
        raise InputError(layout.corpus, found="no video", expected="utterances that have one")
    chosen = pick_evenly(filmed, count)
    looking = _Looking(layout.raw, face_settings(params))
    with stage("faces", reads=[layout.corpus, layout.raw], writes=folder) as facts:
        for earlier in folder.glob(_PAGES):
            earlier.unlink()
        rows = progress(map(looking.at, chosen), label="faces", total=len(chosen))
        number = 0
        while page_rows := list(islice(rows, _ROWS)):
            number += 1
            page = contact_sheet(page_rows, columns=_COLUMNS, side=_SIDE)
            with whole_file(folder / _PAGES.replace("*", f"{number:03}")) as temporary:
                temporary.write_bytes(encode_png(page))
        facts += [f"{number} pages", *looking.summary(len(chosen))]


class _Looking:
    """Looks at one utterance after the other, and remembers why some had no face."""

    def __init__(self, raw: Path, settings: FaceSettings) -> None:
        self._raw, self._settings = raw, settings
        self._detector = make_detector(settings)
        self._reasons: Counter[str] = Counter()

    def at(self, utterance: Utterance) -> SheetRow:
        """The row of an utterance."""
        observation = Observation.of(utterance, self._raw)
        faces = self._see(utterance, observation)
        if isinstance(faces, SeenFaces):
            title = f"{utterance.id}: {len(faces.crops)} of {faces.frames} frames"
            return SheetRow(title, pick_evenly(faces.crops, _COLUMNS))
        self._reasons[faces.reason] += 1
        some = replace(self._settings, num_frames=_COLUMNS)
        frames = see_frames(observation, some) if faces.facts else ()
        return SheetRow(f"{utterance.id}: {faces.reason}", [frame.pixels for frame in frames])

    def _see(self, utterance: Utterance, observation: Observation) -> SeenFaces | Absence:
        known = utterance.absent.get(Modality.VISUAL)
        if known is not None:
            return Absence(known)
        try:
            return see_faces(observation, self._detector, self._settings, side=_SIDE)
        except MediaError as error:
            return Absence(error.reason)

    def summary(self, count: int) -> list[str]:
        """How many of `count` utterances had a face, by whom found, and why the others had none."""
        found = count - self._reasons.total()
        reasons = [f"{number} {reason}" for reason, number in self._reasons.most_common()]
        return [f"{found} of {count} utterances with a face by {self._detector.name}", *reasons]
