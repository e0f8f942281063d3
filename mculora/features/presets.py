"""Named sets of encoders: one for each modality, with why it was chosen and what it costs.

The benchmarks behind `small` and `strong` read frozen vectors with a small classifier, as we do:
- MAEB (Massive Audio Embedding Benchmark), accuracy of a linear probe on IEMOCAP with 9 classes /
  CREMA-D with 6: Whisper medium 25.6 / 54.0, small 24.2 / 49.2, base 23.8 / 48.1, large-v3 22.2 /
  48.9; HuBERT base 20.6 / 40.5, WavLM large 20.3 / 38.9, wav2vec 2.0 large 16.8 / 35.5. (Audio
  language models of 7 billion parameters reach 30.0 / 74.0; they are not encoders.)
- MERBench (arXiv 2401.03429), the order that its code lists by accuracy, best first. Sound:
  HuBERT large (a Chinese one), Whisper large, WavLM large, ..., Whisper base, WavLM base, wav2vec
  2.0, data2vec, wav2vec large, eGeMAPS. Faces: CLIP large, MA-Net (RAF-DB), CLIP base, EVA-02,
  DINOv2 large, nets tuned on FER2013, VideoMAE. EmoBox (arXiv 2406.07162), 32 corpora of emotional
  speech: Whisper large-v3 is most often the best of ten.
- MTEB EmotionClassification, 6 emotions in English tweets, accuracy: bge-large 51.5, bge-small
  47.8, MiniLM-L6 40.8. Reviews in ImdbClassification: bge-large 92.8, bge-small 90.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mculora.modality import Modality

if TYPE_CHECKING:
    from mculora.features.encoder import Combine, Pooling


@dataclass(frozen=True)
class EncoderDefaults:
    """What a preset says about one modality; everything can be overruled.

    Attributes:
        encoder: A built-in name or the hub id of a transformers model.
        revision: The commit whose files were looked at, in safetensors; or the branch of one.
        layers: The hidden layers to combine; -1 is the last.
        combine: Their mean or their sum.
        pooling: What stands for an utterance, or for a picture of it: see `EncoderSpec`.
        detector: What finds the face (visual); `auto` is YuNet, or Haar where YuNet is not to be
            had.
        width: D, the length of a vector.
        parameters_millions: The size of the part that runs; 0 for a built-in encoder.
        download_megabytes: The weights' file, fetched once; 0 for a built-in encoder.
    """

    encoder: str
    revision: str = "main"
    layers: tuple[int, ...] = (-1,)
    combine: Combine = "mean"
    pooling: Pooling = "mean"
    detector: Literal["haar", "yunet", "auto"] | None = None
    width: int = 0
    parameters_millions: int = 0
    download_megabytes: int = 0

    @property
    def is_built_in(self) -> bool:
        """Whether it needs no download."""
        return "/" not in self.encoder


_OFFLINE = {
    Modality.AUDIO: EncoderDefaults("egemaps", width=88),
    Modality.TEXT: EncoderDefaults("hashed-ngrams", width=1024),
    Modality.VISUAL: EncoderDefaults("hog", detector="haar", width=648),
}
"""Everything comes with the packages."""

_SMALL = {
    # Ahead of every wav2vec 2.0, HuBERT and WavLM in MAEB. It always hears 30 s, which on one
    # sentence is about the work of wav2vec 2.0 base.
    Modality.AUDIO: EncoderDefaults(
        "openai/whisper-base",
        revision="e37978b90ca9030d5170a5c07aadb050351a65bb",
        width=512,
        parameters_millions=21,
        download_megabytes=290,
    ),
    # Trained so that its first token is the sentence.
    Modality.TEXT: EncoderDefaults(
        "BAAI/bge-small-en-v1.5",
        revision="5c38ec7c405ec4b44b94cc5a9bb96e735b38267a",
        pooling="first",
        width=384,
        parameters_millions=33,
        download_megabytes=133,
    ),
    # 50 patches a face where the other ViTs have 197 or 257: a quarter of their work. Its `main`
    # has no safetensors; this commit is the same model in them.
    Modality.VISUAL: EncoderDefaults(
        "openai/clip-vit-base-patch32",
        revision="c237dc49a33fc61debc9276459120b7eac67e7ef",
        pooling="first",
        detector="auto",
        width=768,
        parameters_millions=87,
        download_megabytes=605,
    ),
}
"""For a laptop: about 1 GB once, and no GPU."""

_PAPER = {
    # The paper: wav2vec (v1) large of fairseq, 512 context features, which no maintained library
    # loads. The nearest is its successor, trained on the same 960 hours without labels. Its last
    # layer has turned back into a code for the loss and hardly tells emotions (see MAEB); the
    # middle one stands for v1's context. Safetensors are only in the hub's own conversion branch
    # (d296915), not pinned because its full commit is not known; the store records it.
    Modality.AUDIO: EncoderDefaults(
        "facebook/wav2vec2-large",
        revision="refs/pr/2",
        layers=(12,),
        width=1024,
        parameters_millions=315,
        download_megabytes=1270,
    ),
    # The paper's own: the sum of the last four layers, parts of words averaged to words, then the
    # mean over words. The branch (1a4b2ef) and why it is not pinned: as above.
    Modality.TEXT: EncoderDefaults(
        "microsoft/deberta-large",
        revision="refs/pr/3",
        layers=(-4, -3, -2, -1),
        combine="sum",
        pooling="words",
        width=1024,
        parameters_millions=405,
        download_megabytes=1630,
    ),
    # The paper: MA-Net, 1024 values of a ResNet tuned on RAF-DB, weights on a private drive. The
    # nearest is a ViT tuned on faces in seven expressions: 0.712 on FER2013's test (its card).
    Modality.VISUAL: EncoderDefaults(
        "trpakov/vit-face-expression",
        revision="c09980ee4484af73734ac0f35412fda62c7daedf",
        pooling="first",
        detector="auto",
        width=768,
        parameters_millions=86,
        download_megabytes=343,
    ),
}
"""The nearest public equivalents of the paper's encoders."""

_STRONG = {
    # MAEB's best encoder for IEMOCAP and CREMA-D; last layer, the mean over the sound alone.
    Modality.AUDIO: EncoderDefaults(
        "openai/whisper-medium",
        revision="abdf7c39ab9d0397620ccaea8974cc764cd0953e",
        width=1024,
        parameters_millions=307,
        download_megabytes=3056,
    ),
    Modality.TEXT: EncoderDefaults(
        "BAAI/bge-large-en-v1.5",
        revision="d4aa6901d3a41ba39fb536a557fa166f842b0e09",
        pooling="first",
        width=1024,
        parameters_millions=335,
        download_megabytes=1341,
    ),
    # MERBench's best for faces. It took the projection (768 values) of the state that we take.
    Modality.VISUAL: EncoderDefaults(
        "openai/clip-vit-large-patch14",
        revision="32bd64288804d66eefd0ccbe215aa642df71cc41",
        pooling="first",
        detector="auto",
        width=1024,
        parameters_millions=303,
        download_megabytes=1711,
    ),
}
"""What public benchmarks found best for English emotion and sentiment; wants a GPU."""

PRESETS: Mapping[str, Mapping[Modality, EncoderDefaults]] = {
    "offline": _OFFLINE,
    "small": _SMALL,
    "paper": _PAPER,
    "strong": _STRONG,
}
"""The presets by name, from light to heavy."""
