"""What may be done with a network, by the corpus that it learnt from: notes, no legal advice."""

from __future__ import annotations

from collections.abc import Mapping

_CMU = (
    "collected from public videos by Carnegie Mellon University, for research; its terms, and the "
    "rights of the people who are seen in it, bind who uses what was learnt from it"
)
_IEMOCAP = (
    "licensed by the University of Southern California for research, to whoever signed its release "
    "form: ask there before you pass on, or sell, what was learnt from it"
)
TERMS: Mapping[str, str] = {
    "sample": "made by this program: nobody's face, voice or words; free to use, and good for "
    "nothing but trying things out",
    "mosei": f"CMU-MOSEI: {_CMU}",
    "mosi": f"CMU-MOSI: {_CMU}",
    "iemocap4": f"IEMOCAP: {_IEMOCAP}",
    "iemocap6": f"IEMOCAP: {_IEMOCAP}",
    "clips": "your own clips: you know who is seen and heard in them, and what they agreed to",
}
"""The training corpus of each dataset."""

_OPENSMILE = (
    "openSMILE is free for research and education; commercial use needs a licence of audEERING"
)
_HUB = "a model of the hub: its own card has its licence"


def encoder_terms(encoder: str) -> str:
    """What binds who uses an encoder, or `""`."""
    if encoder == "egemaps":
        return _OPENSMILE
    return _HUB if "/" in encoder else ""
