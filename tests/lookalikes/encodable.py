"""Whether the media of a look-alike are what its builder promised: voices and faces."""

from mculora.features.audio import LogMel
from mculora.features.extraction import extract_utterances
from mculora.features.face_settings import FaceSettings
from mculora.features.outcome import Absence
from mculora.features.visual import Hog


def assert_encodable(corpus, built):
    """Every voice can be heard and every face seen, but for what must be absent."""
    audio, visual = LogMel(), Hog(FaceSettings(2.0))
    for utterance in corpus.utterances:
        absent = set(built.kept[utterance.id].absent)
        if utterance.id in built.beyond_media:
            absent |= {"audio", "visual"}
        for encoder, word in ((audio, "audio"), (visual, "visual")):
            [extracted] = extract_utterances(encoder, [utterance], built.folder)
            outcome = extracted.outcome
            assert isinstance(outcome, Absence) == (word in absent), (utterance.id, outcome)
