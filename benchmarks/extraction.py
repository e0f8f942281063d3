"""Extraction against a plain loop, against the encoder alone, and its memory by number of clips.

Run: python benchmarks/extraction.py [--device cuda]  (in the project's folder, after `dvc repro`)

The networks have the sizes of real ones and random weights. Three ways take turns:
- plain: what others do. One clip after the other, decoded, then encoded in float32.
- ours: `extract_utterances` into a feature store.
- ceiling: the same encoder on what was decoded and put into batches before.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import transformers
from huggingface_hub.utils.tqdm import disable_progress_bars

from mculora.corpora.manifest import read_manifest
from mculora.corpora.utterance import Utterance
from mculora.features.batching import plan_batches
from mculora.features.encoder import Encoder, EncoderSpec, Piece, identify
from mculora.features.extraction import encode_one, extract_utterances
from mculora.features.loading import load_encoder
from mculora.features.meter import Meter
from mculora.features.observation import Observation
from mculora.features.store.writer import StoreWriter
from mculora.modality import Modality

RAW, CORPUS = Path("data/raw/sample"), Path("data/corpus/sample")
ROUNDS = 3
NUM_CLIPS = {Modality.AUDIO: 32, Modality.TEXT: 64, Modality.VISUAL: 6}
"""Utterances per round on a processor; a GPU gets them all."""

WORDS = 2000


def save_audio_model(folder: Path) -> None:
    """wav2vec 2.0 base in size, with the normalisation of the large one: it may be padded."""
    config = transformers.Wav2Vec2Config(feat_extract_norm="layer", do_stable_layer_norm=True)
    transformers.Wav2Vec2Model(config).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(return_attention_mask=True).save_pretrained(folder)


def save_text_model(folder: Path) -> None:
    """RoBERTa base in size; every word is a token."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = ["<pad>", "<s>", "</s>", "<unk>", *(f"w{number}" for number in range(WORDS))]
    backend = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", unk_token="<unk>", model_max_length=512
    ).save_pretrained(folder)
    config = transformers.RobertaConfig(
        vocab_size=len(words), pad_token_id=0, max_position_embeddings=514
    )
    transformers.RobertaModel(config).save_pretrained(folder)


def save_visual_model(folder: Path) -> None:
    """ViT base: 16 x 16 patches of 224 x 224 pixels."""
    transformers.ViTModel(transformers.ViTConfig()).save_pretrained(folder)
    transformers.ViTImageProcessor().save_pretrained(folder)


SAVE: dict[Modality, Callable[[Path], None]] = {
    Modality.AUDIO: save_audio_model,
    Modality.TEXT: save_text_model,
    Modality.VISUAL: save_visual_model,
}


@dataclass(frozen=True)
class Ways:
    """The three ways through the same utterances, in seconds each."""

    plain: list[float]
    ours: list[float]
    ceiling: list[float]

    def row(self, modality: Modality, meter: Meter) -> str:
        """One line of the table: medians, and how ours stands between the other two."""
        plain, ours, ceiling = map(statistics.median, (self.plain, self.ours, self.ceiling))
        return (
            f"| {modality.word} | {plain:.2f} s | {ours:.2f} s | {ceiling:.2f} s "
            f"| {plain / ours:.2f} | {ceiling / ours:.2f} | {meter.bound} |"
        )


def plain_loop(encoder: Encoder, utterances: Sequence[Utterance]) -> None:
    """One clip after the other."""
    for utterance in utterances:
        encode_one(encoder, Observation.of(utterance, RAW))


def ours(encoder: Encoder, utterances: Sequence[Utterance], meter: Meter) -> None:
    """As the stage `extract` does it, store included."""
    identity = identify(encoder, corpus="sample", corpus_fingerprint="")
    with tempfile.TemporaryDirectory() as folder:
        inputs = {u.id: u.id for u in utterances}
        with StoreWriter(Path(folder) / "store", identity, inputs) as writer:
            for one in extract_utterances(encoder, utterances, RAW, meter=meter):
                writer.add(one)
            writer.finish()


def batches_of(encoder: Encoder, utterances: Sequence[Utterance]) -> list[list[Piece]]:
    """Decode and batch all, so that the encoder alone can be timed."""
    prepared = [encoder.prepare(Observation.of(u, RAW)) for u in utterances]
    pieces = [piece for one in prepared for piece in getattr(one, "pieces", ())]
    lengths = [piece.length for piece in pieces]
    planned = plan_batches(lengths, budget=encoder.budget, can_pad=encoder.can_pad)
    return [[pieces[index] for index in batch] for batch in planned]


def ceiling(encoder: Encoder, batches: Sequence[Sequence[Piece]]) -> None:
    """The encoder and nothing else; the last state is fetched, as nothing is done before that."""
    states = [encoded.states for batch in batches for encoded in encoder.encode(batch)]
    torch.cat(states).cpu()


def seconds(action: Callable[[], None]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def compare(modality: Modality, utterances: Sequence[Utterance], device: str) -> str:
    """Time the three ways in turns; return a line of the table."""
    with tempfile.TemporaryDirectory() as folder:
        SAVE[modality](Path(folder))
        spec = EncoderSpec(modality, folder)
        encoder = load_encoder(spec, device=device)
        plain = load_encoder(replace(spec, dtype="float32"), device=device)
    if modality is Modality.TEXT:  # the sample's sentences are short and of few words
        utterances = [replace(u, transcript=spoken(i)) for i, u in enumerate(utterances)]
    batches, meter = batches_of(encoder, utterances), Meter()
    ways = {
        "plain": lambda: plain_loop(plain, utterances),
        "ours": lambda: ours(encoder, utterances, meter),
        "ceiling": lambda: ceiling(encoder, batches),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    order = list(ways)
    for number in range(ROUNDS + 1):
        for name in order:
            took = seconds(ways[name])
            if number:  # the first round warms up
                taken[name].append(took)
        order.append(order.pop(0))  # nobody always comes after the same one
    return Ways(**taken).row(modality, meter)


def spoken(number: int) -> str:
    """A sentence of 4 to 40 words."""
    return " ".join(f"w{(number * 31 + i * 7) % WORDS}" for i in range(4 + number * 13 % 37))


def peak_memory(num_clips: int) -> float:
    """The peak of a process that extracts so many clips, in MiB."""
    program = [sys.executable, __file__, "--memory-of", str(num_clips)]
    process = subprocess.Popen(program, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"the extraction of {num_clips} clips failed")
    return usage.ru_maxrss / 1024


def extract_many(num_clips: int) -> None:
    """Take so many clips, the sample's in turns, through a small audio and visual encoder."""
    rows = [u for u in read_manifest(CORPUS).utterances if not u.absent]
    many = [replace(rows[i % len(rows)], id=str(i)) for i in range(num_clips)]
    for modality in (Modality.AUDIO, Modality.VISUAL):
        with tempfile.TemporaryDirectory() as folder:
            save_tiny(modality, Path(folder))
            encoder = load_encoder(EncoderSpec(modality, folder))
        ours(encoder, many, Meter())


def save_tiny(modality: Modality, folder: Path) -> None:
    """A network that costs nearly nothing, so that reading and keeping is what is measured."""
    tiny = {
        "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 32,
    }  # fmt: skip
    if modality is Modality.VISUAL:
        transformers.ViTModel(transformers.ViTConfig(**tiny, patch_size=56)).save_pretrained(folder)
        transformers.ViTImageProcessor().save_pretrained(folder)
        return
    config = transformers.Wav2Vec2Config(
        **tiny, feat_extract_norm="layer", conv_dim=(8,) * 7, num_conv_pos_embedding_groups=2
    )
    transformers.Wav2Vec2Model(config).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(return_attention_mask=True).save_pretrained(folder)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--memory-of", type=int)
    options = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    disable_progress_bars()
    torch.manual_seed(0)
    if options.memory_of:
        extract_many(options.memory_of)
        return
    rows = [u for u in read_manifest(CORPUS).utterances if not u.absent]
    print("| modality | plain | ours | ceiling | times plain | of ceiling | bound |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for modality in Modality:
        count = NUM_CLIPS[modality] if options.device == "cpu" else len(rows)
        print(compare(modality, rows[:count], options.device), flush=True)
    print("\n| clips | peak memory |\n| --- | --- |")
    for num_clips in (200, 2000):
        print(f"| {num_clips} | {peak_memory(num_clips):.0f} MiB |", flush=True)


if __name__ == "__main__":
    main()
