"""Predicting: the model's part of one clip, a clip from end to end by stage, and many at once.

Run: python benchmarks/predict.py [CLIP] [--device cuda]  (needs nothing else; without CLIP it makes
one of ten seconds)

The networks have learnt nothing, which costs the same. Encoders of base size are wav2vec 2.0,
RoBERTa and ViT with random weights.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from extraction import SAVE
from huggingface_hub.utils.tqdm import disable_progress_bars
from printed_table import print_head, print_row

from mculora.corpora.sample.plan import plan_sample
from mculora.corpora.sample.video import write_video
from mculora.features.encoder import EncoderSpec, identify
from mculora.features.loading import load_encoder
from mculora.features.observation import Observation
from mculora.inference.bundle import Bundle, save_bundle
from mculora.inference.fused import Fused
from mculora.inference.onnx_file import PREDICTION, PRESENT, write_onnx
from mculora.inference.predictor import Predictor
from mculora.modality import Modality, ModalityCombination
from mculora.model.folding import fold
from mculora.model.network import MCULoRA, NetworkConfig

SECONDS, WORDS = 10.0, "w1 w2 well that was a lovely film and i would see it again any day"
BUILT_IN = {Modality.AUDIO: "egemaps", Modality.TEXT: "hashed-ngrams", Modality.VISUAL: "hog"}
SIZES = {
    "default (hidden 32, depth 2)": NetworkConfig((88, 1024, 648), 1, hidden=32, depth=2),
    "paper (hidden 256, depth 4)": NetworkConfig((512, 1024, 1024), 4),
}
ROUNDS = 3
COLD = """
import sys, time
start = time.perf_counter()
from mculora.inference.predictor import Predictor
imported = time.perf_counter()
predictor = Predictor.load(sys.argv[1], sys.argv[4])
loaded = time.perf_counter()
predictor.predict(sys.argv[2], transcript=sys.argv[3])
print(imported - start, loaded - imported, time.perf_counter() - loaded)
"""


def seconds(action: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def milliseconds(action: Callable[[], object], times: int = 100) -> float:
    """The least of many times, after a few: what neighbours on the machine have no part in."""
    for _ in range(5):
        action()
    return 1000 * min(seconds(action) for _ in range(times))


def bundle_of(specs: Mapping[Modality, EncoderSpec], config: NetworkConfig) -> Bundle:
    """A bundle of a network that has learnt nothing, as wide as these encoders' features."""
    encoders = {m: load_encoder(spec) for m, spec in specs.items()}
    features = {
        m.word: identify(encoder, corpus="none", corpus_fingerprint="").to_json()
        for m, encoder in encoders.items()
    }
    widths = tuple(encoders[m].width for m in Modality)
    network = MCULoRA(replace(config, widths=widths, outputs=1)).eval()
    facts = {"task": "regression", "class_names": [], "corpus": "none", "features": features}
    return Bundle(network, specs, facts)


@torch.no_grad()
def model_part(name: str, config: NetworkConfig, length: int) -> None:
    """Time what one recording costs after its encoders, all three modalities at hand."""
    network = MCULoRA(config).eval()
    features = [torch.randn(length, width) for width in config.widths]
    padded = [f[None] for f in features]
    present, dialogue = torch.ones(length, 3) > 0, torch.zeros(length, dtype=torch.int64)
    names = [str(number) for number in range(config.outputs)] if config.outputs > 1 else []
    task = "classification" if names else "regression"
    bundle = Bundle(network, {}, {"task": task, "class_names": names})
    fused, merged = Fused(bundle, torch.device("cpu")), fold(network, [ModalityCombination.ATV])
    print_row(
        f"{name}, {length} utterance{'s' * (length > 1)}",
        f"{milliseconds(lambda: network.predict(padded, present[None])):.2f}",
        f"{milliseconds(lambda: merged(features, dialogue)):.2f}",
        f"{milliseconds(lambda: fused.predict(features, present, dialogue)):.2f}",
        f"{_in_onnxruntime(network, padded, present):.2f}",
    )


def _in_onnxruntime(network: MCULoRA, features: list[torch.Tensor], present: torch.Tensor) -> float:
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        write_onnx(Path(folder) / "fusion.onnx", network)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(Path(folder) / "fusion.onnx", options)
    inputs = {m.word: f.numpy() for m, f in zip(Modality, features, strict=True)}
    inputs[PRESENT] = present[None].numpy()
    return milliseconds(lambda: session.run([PREDICTION], inputs))


def end_to_end(name: str, bundle: Bundle, clip: Path, *, device: str, many: int) -> None:
    """Time one clip: in a fresh process, then again and again, by stage; then many at once."""
    with tempfile.TemporaryDirectory() as folder:
        save_bundle(Path(folder), bundle)
        command = [sys.executable, "-c", COLD, folder, str(clip), WORDS, device]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        cold = [float(part) for part in done.stdout.split()[-3:]]
        predictor = Predictor.load(folder, device)
    predictor.predict(clip, transcript=WORDS)
    runs = [predictor.predict(clip, transcript=WORDS).seconds for _ in range(ROUNDS)]
    stages = {stage: statistics.median(run[stage] for run in runs) for stage in runs[0]}
    print_head(f"{name}, one clip", "ms")
    for stage, taken in stages.items():
        print_row(f"warm: {stage}", f"{1000 * taken:.1f}")
    print_row("warm: all", f"{1000 * statistics.median(sum(run.values()) for run in runs):.1f}")
    for stage, taken in zip(("imports", "bundle", "encoders, first clip"), cold, strict=True):
        print_row(f"cold: {stage}", f"{1000 * taken:.0f}")
    one = Observation(transcript=WORDS, audio_path=clip, video_path=clip)
    alone = seconds(lambda: [predictor.predict_observations([one]) for _ in range(many)])
    together = seconds(lambda: predictor.predict_dialogues([[one]] * many))
    print_row(f"{many} clips one by one, clips/s", f"{many / alone:.1f}")
    print_row(f"{many} clips at once, clips/s", f"{many / together:.1f}")


def make_clip(path: Path) -> Path:
    """A video of the sample corpus, ten seconds of it."""
    video = next(v for v in plan_sample(1, 12).videos if v.media_seconds > SECONDS)
    write_video(replace(video, media_seconds=SECONDS, has_sound=True, has_picture=True), path)
    return path


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path, nargs="?")
    parser.add_argument("--device", default="cpu")
    chosen = parser.parse_args()
    disable_progress_bars()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # small products; and a second processor may be somebody else's
    print_head("ms, one thread", "as trained", "merged", "merged, and without", "onnxruntime")
    for name, config in SIZES.items():
        for length in (1, 20):
            model_part(name, config, length)
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        clip = chosen.clip or make_clip(folder / "clip.mp4")
        default, paper = SIZES.values()
        specs = {m: EncoderSpec(m, encoder) for m, encoder in BUILT_IN.items()}
        end_to_end(
            "offline encoders", bundle_of(specs, default), clip, device=chosen.device, many=16
        )
        for modality, save in SAVE.items():
            save(folder / modality.word)
        specs = {m: EncoderSpec(m, str(folder / m.word)) for m in Modality}
        end_to_end(
            "encoders of base size", bundle_of(specs, paper), clip, device=chosen.device, many=4
        )


if __name__ == "__main__":
    main()
