"""Frozen transformers models as encoders: chosen hidden layers, averaged over layers and time.

A model comes from a hub id (its files cached, or fetched once) or from a local folder. Nothing it
ships is executed: only architectures inside the transformers package are used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from mculora.errors import InputError
from mculora.features.audio import hear
from mculora.features.encoder import Encoded, EncoderSpec, Level, Piece, Prepared
from mculora.features.faces import FaceSettings, see_faces
from mculora.features.identity import JSON
from mculora.features.observation import Observation
from mculora.features.outcome import Absence
from mculora.features.text import read_words
from mculora.media.audio import SAMPLE_RATE
from mculora.media.faces.haar import HaarDetector
from mculora.modality import Modality

_FRAMES_AT_ONCE = 32
_FACE_SIDE = 224
_NOT_WEIGHTS = (".md", ".txt.lock", ".gitattributes")

Inputs = Mapping[str, torch.Tensor]
Prepare = Callable[[Observation], "Inputs | Absence"]


class PretrainedEncoder:
    """A transformers model that is only read; see `Encoder`.

    Args:
        spec: Which model, revision and layers.
        model: The network, in inference mode.
        prepare: Turns an observation into the model's input tensors, or says why it cannot.
        revision: The resolved version: a commit, or a digest of the local files.
        settings: What else changes the numbers.
    """

    level = Level.UTTERANCE
    can_pad = False
    budget = 1

    def __init__(
        self,
        spec: EncoderSpec,
        model: Any,
        prepare: Prepare,
        *,
        revision: str,
        settings: Mapping[str, JSON],
    ) -> None:
        self.modality, self.name = spec.modality, _public_name(spec.encoder)
        self.revision, self.settings = revision, settings
        self.width = int(model.config.hidden_size)
        self._layers, self._model, self._prepare = spec.layers, model, prepare
        self._check_layers()

    def prepare(self, observation: Observation) -> Prepared | Absence:
        """See `Encoder.prepare`."""
        inputs = self._prepare(observation)
        if isinstance(inputs, Absence):
            return inputs
        return Prepared((Piece(inputs, length=len(next(iter(inputs.values())))),))

    def encode(self, pieces: Sequence[Piece]) -> list[Encoded]:
        """Encode one by one: a padded batch is neither faster nor the same on a processor."""
        return [self._encode_one(piece.inputs) for piece in pieces]

    def _encode_one(self, inputs: Inputs) -> Encoded:
        length = len(next(iter(inputs.values())))
        frames = [
            self._hidden({name: value[i : i + _FRAMES_AT_ONCE] for name, value in inputs.items()})
            for i in range(0, length, _FRAMES_AT_ONCE)
        ]
        return Encoded(torch.cat(frames).mean(dim=(0, 1))[None])  # (T, N, D) -> (1, D)

    @torch.inference_mode()
    def _hidden(self, inputs: Inputs) -> torch.Tensor:
        """The mean of the chosen layers: (T, N, D); nothing in it is padding."""
        placed = {name: value.to(self._model.device) for name, value in inputs.items()}
        states = self._model(**placed, output_hidden_states=True).hidden_states
        return torch.stack([states[layer] for layer in self._layers]).mean(dim=0).float()

    def _check_layers(self) -> None:
        """Refuse a layer that the model has not."""
        num_states = int(self._model.config.num_hidden_layers) + 1
        for layer in self._layers:
            if not -num_states <= layer < num_states:
                raise InputError(
                    f"extract.{self.modality.word}.layers",
                    found=str(layer),
                    expected=f"-{num_states} to {num_states - 1} for {self.name}",
                )


def load_pretrained(spec: EncoderSpec, *, device: str) -> PretrainedEncoder:
    """Load a model and what prepares its input.

    Raises:
        InputError: Its files are not on this machine and cannot be fetched, are no such model, or
            would need code that they ship.
    """
    import transformers

    loaders = {
        Modality.AUDIO: transformers.AutoFeatureExtractor,
        Modality.TEXT: transformers.AutoTokenizer,
        Modality.VISUAL: transformers.AutoImageProcessor,
    }
    where = str(Path(spec.encoder).expanduser()) if _is_local(spec) else spec.encoder
    options: dict[str, Any] = {"trust_remote_code": False}
    if not _is_local(spec):
        options["revision"] = spec.revision
    with _quiet(transformers), _explained(spec):
        model = transformers.AutoModel.from_pretrained(where, dtype=torch.float32, **options)
        processor = loaders[spec.modality].from_pretrained(where, **options)
    model.eval().requires_grad_(False).to(device)
    prepare, settings = _preparation(spec, processor)
    settings["layers"] = list(spec.layers)
    return PretrainedEncoder(
        spec, model, prepare, revision=_exact_revision(spec, model), settings=settings
    )


def _preparation(spec: EncoderSpec, processor: Any) -> tuple[Prepare, dict[str, JSON]]:
    """How an observation becomes input, and which settings of that change the numbers."""
    if spec.modality is Modality.AUDIO:
        return lambda observation: _sound_inputs(observation, processor), {}
    if spec.modality is Modality.TEXT:
        return lambda observation: _word_inputs(observation, processor), {}
    detector, rate = HaarDetector(), spec.frames_per_second
    settings: dict[str, JSON] = {"frames_per_second": rate, "faces": detector.name}

    def prepare(observation: Observation) -> Inputs | Absence:
        faces = see_faces(observation, detector, FaceSettings(rate), side=_FACE_SIDE)
        if isinstance(faces, Absence):
            return faces
        return dict(processor(images=faces.crops, return_tensors="pt"))

    return prepare, settings


def _sound_inputs(observation: Observation, extractor: Any) -> Inputs | Absence:
    clip = hear(observation)
    if isinstance(clip, Absence):
        return clip
    inputs = extractor(clip.samples, sampling_rate=SAMPLE_RATE, return_tensors="pt")
    return dict(inputs)


def _word_inputs(observation: Observation, tokenizer: Any) -> Inputs | Absence:
    words = read_words(observation)
    if isinstance(words, Absence):
        return words
    return dict(tokenizer(words, truncation=True, return_tensors="pt"))


def _exact_revision(spec: EncoderSpec, model: Any) -> str:
    """The commit that a hub id resolved to, or a digest of a local folder's files."""
    if not _is_local(spec):
        return str(model.config._commit_hash or spec.revision)
    digest = hashlib.sha256()
    folder = Path(spec.encoder).expanduser()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        relative = path.relative_to(folder)
        if path.name.endswith(_NOT_WEIGHTS) or any(part.startswith(".") for part in relative.parts):
            continue
        digest.update(f"{relative.as_posix()}\0".encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return f"files {digest.hexdigest()}"


def _is_local(spec: EncoderSpec) -> bool:
    return Path(spec.encoder).expanduser().is_dir()


def _public_name(encoder: str) -> str:
    """A hub id as it is, a local folder by its last name: no path of a machine in a store."""
    folder = Path(encoder).expanduser()
    return folder.resolve().name if folder.is_dir() else encoder


@contextmanager
def _explained(spec: EncoderSpec) -> Iterator[None]:
    """Say in one line why a model does not load and what to do."""
    from huggingface_hub.constants import HF_HUB_CACHE

    try:
        yield
    except (OSError, ValueError, ImportError, KeyError) as error:
        reason = " ".join(str(error).split())
        if _is_local(spec):
            raise InputError(
                spec.encoder,
                found=f"a folder that does not load ({_first_sentence(reason)})",
                expected="a model with its processor, as save_pretrained writes them",
            ) from error
        raise InputError(
            f"model {spec.encoder}, revision {spec.revision}",
            found=f"no files of it in {HF_HUB_CACHE} and no way to fetch them"
            f" ({_first_sentence(reason)})",
            expected="a model on the hub or in that cache",
            remedy="set HF_HOME to a folder that holds it, or give its local folder as the encoder",
        ) from error


def _first_sentence(text: str) -> str:
    return text.split(". ")[0][:160].rstrip(".")


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Keep progress bars and advice off the terminal while loading."""
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    logging, was_off = transformers.utils.logging, are_progress_bars_disabled()
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    disable_progress_bars()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        logging.enable_progress_bar()
        if not was_off:
            enable_progress_bars()
