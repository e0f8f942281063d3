"""The one door to transformers: a folder's network and what prepares its input, in silence.

Nothing that a folder ships is executed: only architectures inside the package are used, and weights
are read as tensors or not at all.
"""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import torch
import transformers
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError

from mculora.errors import InputError
from mculora.features.pretrained.families import Family, family_of
from mculora.features.pretrained.hub import ModelFolder, first_sentence, without_progress_bars
from mculora.modality import Modality

_LOCAL = {"local_files_only": True, "trust_remote_code": False}
_UNUSED_WEIGHTS = re.compile(r"(^|\.)(pooler|masked_spec_embed|mask_token)(\.|$)|position_ids$")
_serialization: Any = torch.serialization

NOT_WEIGHTS_ALONE = _serialization.pickle.UnpicklingError
"""What torch raises of a file that holds more than tensors, or is no pickle."""

DOES_NOT_LOAD = (
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    SafetensorError,
    StrictDataclassError,
)
"""What damaged files make of the libraries that read them."""


@dataclass(frozen=True)
class Network:
    """A model's network, ready to compute.

    Attributes:
        module: The part that is used, in inference mode.
        config: Its configuration.
        family: What is known of its kind.
    """

    module: Any
    config: Any
    family: Family


@dataclass(frozen=True)
class SpeechRecognizer:
    """A network that writes down what is said, ready to compute.

    Attributes:
        module: It, in inference mode.
        processor: What prepares its sound and spells its tokens.
        is_ctc: Whether it gives a token for each moment; else it writes word by word.
    """

    module: Any
    processor: Any
    is_ctc: bool


def load_network(folder: ModelFolder, modality: Modality, dtype: torch.dtype) -> Network:
    """Load the part of a model that takes a modality.

    Raises:
        InputError: The folder holds no such model, only a part of one, or would need code that it
            ships.
    """
    with quiet(), _explained(folder):
        config = transformers.AutoConfig.from_pretrained(folder.path, **_LOCAL)
    kind = _class_of(config)
    family = family_of(config.model_type, getattr(kind, "main_input_name", ""))
    if family is None or family.modality is not modality:
        takes = "something else" if family is None else family.modality.word
        raise InputError(
            f"extract.{modality.word}.encoder",
            found=f"{folder.name}, a {config.model_type} model that takes {takes}",
            expected=f"a model that takes {modality.word}",
        )
    with quiet(), _explained(folder):
        if family.tower:
            kind = attrgetter(family.tower)(transformers)
            config = kind.config_class.from_pretrained(folder.path, **_LOCAL)
        for name in family.unused:
            setattr(config, name, False)
        module, report = kind.from_pretrained(
            folder.path,
            config=config,
            dtype=dtype,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # said below, in one line
            **_options(kind),
            **_LOCAL,
        )
    _check_weights(folder, report)
    module.eval().requires_grad_(False)
    _settle_dtype(module, dtype)
    warnings.filterwarnings("ignore", "Support for mismatched key_padding_mask")  # WavLM's own
    return Network(module, module.config, family)


def load_input_preparation(folder: ModelFolder, modality: Modality) -> Any:
    """Load a model's feature extractor, tokenizer or image processor.

    Raises:
        InputError: It does not load.
    """
    kind = {
        Modality.AUDIO: transformers.AutoFeatureExtractor,
        Modality.TEXT: transformers.AutoTokenizer,
        Modality.VISUAL: transformers.AutoImageProcessor,
    }[modality]
    with quiet(), _explained(folder):
        return kind.from_pretrained(folder.path, **_LOCAL)


def load_recognizer(folder: ModelFolder, dtype: torch.dtype) -> SpeechRecognizer:
    """Load a model for speech recognition with its processor; weights from safetensors alone.

    Raises:
        InputError: The folder holds no such model, only a part of one, or would need code that it
            ships.
    """
    with quiet(), _explained(folder):
        config = transformers.AutoConfig.from_pretrained(folder.path, **_LOCAL)
    makers = (transformers.AutoModelForCTC, transformers.AutoModelForSpeechSeq2Seq)
    maker = next((m for m in makers if m._model_mapping.get(type(config), None)), None)
    if maker is None:
        raise InputError(
            folder.where,
            found=f"a {config.model_type} model",
            expected="a model for speech recognition, as Whisper or wav2vec 2.0 with CTC",
        )
    with quiet(), _explained(folder):
        module, report = maker.from_pretrained(
            folder.path,
            config=config,
            dtype=dtype,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # said below, in one line
            use_safetensors=True,
            **_LOCAL,
        )
    _check_weights(folder, report)
    with quiet(), _explained(folder):
        processor = transformers.AutoProcessor.from_pretrained(folder.path, **_LOCAL)
    module.eval().requires_grad_(False)
    return SpeechRecognizer(module, processor, maker is transformers.AutoModelForCTC)


def _class_of(config: Any) -> Any:
    """The class that transformers takes for a configuration; None if it has none."""
    return transformers.AutoModel._model_mapping.get(type(config), None)


def _options(kind: Any) -> dict[str, Any]:
    """What keeps parts out of a model that are not used."""
    options: dict[str, Any] = {}
    if "add_pooling_layer" in inspect.signature(kind.__init__).parameters:
        options["add_pooling_layer"] = False
    if kind.__name__ == "WhisperEncoder":  # in a checkpoint it is a part of the model
        options["key_mapping"] = {r"^(model\.)?encoder\.": ""}
    return options


def _settle_dtype(module: Any, dtype: torch.dtype) -> None:
    """Convert weights that a network makes in float32 whatever it is asked for (DeBERTa)."""
    if getattr(module, "_keep_in_fp32_modules", None):
        return  # there it is on purpose
    for weights in module.parameters():
        if weights.is_floating_point():
            weights.data = weights.data.to(dtype)


def _check_weights(folder: ModelFolder, report: dict[str, Any]) -> None:
    """Refuse a model that would be filled up with random numbers."""
    for key, said in (
        ("missing_keys", "no weights"),
        ("mismatched_keys", "weights of other sizes"),
    ):
        names = [name if isinstance(name, str) else name[0] for name in report[key]]
        names = sorted(name for name in names if not _UNUSED_WEIGHTS.search(name))
        if names:
            raise InputError(
                folder.where,
                found=f"{said} for {len(names)} of its parts (first {names[0]})",
                expected="a model whose weights fit its config.json",
            )


@contextmanager
def _explained(folder: ModelFolder) -> Iterator[None]:
    """Say in one line why a model does not load and what to do."""
    expected = "a model with its processor, as save_pretrained writes them"
    try:
        yield
    except NOT_WEIGHTS_ALONE as error:
        raise InputError(
            folder.where,
            found="a pytorch_model.bin that holds more than weights, or is damaged",
            expected="weights alone, best as model.safetensors",
        ) from error
    except DOES_NOT_LOAD as error:
        reason = first_sentence(error)
        if "custom code" in reason or "trust_remote_code" in str(error):
            found = "a model that needs code which it ships"
            expected = "an architecture of the transformers package"
        else:
            found = f"files that do not load ({reason})"
        raise InputError(folder.where, found=found, expected=expected) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the library's progress bars and advice off the terminal."""
    logging = transformers.utils.logging
    verbosity, had_progress_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        with without_progress_bars():
            yield
    finally:
        logging.set_verbosity(verbosity)
        if had_progress_bars:
            logging.enable_progress_bar()
