"""The `mculora` command: one line per stage, in flow order; a known error is one line."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipeline.layout import DOWNLOADS, FACES

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Emotion recognition when audio, text or video are missing. Stages, in flow order:",
)

Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1 … or auto.")]
INTERRUPTED = 130
"""The exit code after Ctrl-C, which Typer also makes of the exception."""
MODALITIES = "audio|text|visual"
ModalityOption = Annotated[str, typer.Option(metavar=MODALITIES, help="What to extract.")]
Strict = Annotated[bool, typer.Option("--strict", help="Fail where something would be left out.")]


class Engine(StrEnum):
    """Who computes."""

    LOCAL = "local"
    RAY = "ray"


@app.command()
def download(
    downloads: Annotated[
        Path, typer.Option(envvar="MCULORA_DOWNLOADS", help="Where archives are kept.")
    ] = DOWNLOADS,
) -> None:
    """Bring the raw corpus here (the sample one is made)."""
    from pipeline import download

    download.run(downloads)


@app.command()
def prepare(strict: Strict = False) -> None:
    """Read the raw corpus into a manifest of utterances."""
    from pipeline import prepare

    prepare.run(strict=strict)


@app.command()
def extract(
    modality: ModalityOption,
    device: Device = "auto",
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, envvar="MCULORA_WORKERS", help="Threads that decode, or processes of Ray."
        ),
    ] = None,
    budget: Annotated[
        int | None,
        typer.Option(
            min=1, envvar="MCULORA_BUDGET", help="Seconds of sound, tokens or frames per batch."
        ),
    ] = None,
    engine: Annotated[
        Engine, typer.Option(envvar="MCULORA_ENGINE", help="This process alone, or Ray.")
    ] = Engine.LOCAL,
    address: Annotated[
        str,
        typer.Option(
            envvar="MCULORA_ADDRESS", help="Of the Ray cluster: local, auto or ray://head:10001."
        ),
    ] = "local",
    retry: Annotated[
        bool, typer.Option("--retry", help="Try again what failed in an earlier run.")
    ] = False,
    strict: Strict = False,
) -> None:
    """Turn one modality of every utterance into a feature vector."""
    from pipeline import extract
    from pipeline.extraction.engines import Computing

    computing = Computing(device, workers, budget, engine.value, address, retry)
    extract.run(modality, computing, strict=strict)


@app.command()
def split() -> None:
    """Draw the folds and the missing-modality masks of the test."""
    from pipeline import split

    split.run()


@app.command()
def train(
    device: Device = "auto",
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            envvar="MCULORA_TRAIN_WORKERS",
            help="Processes that train side by side; they change the wait only.",
        ),
    ] = None,
    deterministic: Annotated[
        bool,
        typer.Option(
            "--deterministic",
            envvar="MCULORA_DETERMINISTIC",
            help="The same bits in every run on CUDA, too, but slower; a CPU always gives them.",
        ),
    ] = False,
) -> None:
    """Train MCULoRA and all it is compared with; validation decides."""
    from pipeline import train

    train.run(device=device, workers=workers, is_deterministic=deterministic)


@app.command()
def evaluate(device: Device = "auto") -> None:
    """Test every modality combination and missing rate."""
    from pipeline import evaluate

    evaluate.run(device=device)


@app.command()
def report() -> None:
    """Write the report: one page that opens offline."""
    from pipeline import report

    report.run()


@app.command()
def predict(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="Audio or video files, folders of them, tables (CSV, JSONL) of them.",
            show_default=False,
        ),
    ],
    transcript: Annotated[
        str, typer.Option(help="The words spoken in the one file, or a .txt, .srt, .vtt file.")
    ] = "",
    without: Annotated[
        list[str] | None,
        typer.Option(metavar=MODALITIES, help="Leave this modality out; repeatable."),
    ] = None,
    asr: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            help="Speech recognition for what has no transcript: a transformers model.",
        ),
    ] = "",
    model: Annotated[
        Path | None, typer.Option(help="A folder that `mculora export` wrote.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Everything as JSON; - for here.")] = None,
    csv: Annotated[Path | None, typer.Option(help="A line per utterance; - for here.")] = None,
    timeline: Annotated[
        Path | None, typer.Option(help="A picture over time of one recording: .svg, .pdf.")
    ] = None,
    subtitles: Annotated[
        Path | None, typer.Option(help="The predictions as .srt, .vtt or .ass.")
    ] = None,
    annotated: Annotated[
        Path | None, typer.Option(help="The video with the predictions below: .mp4.")
    ] = None,
    device: Device = "auto",
) -> None:
    """Predict the emotion in recordings from whatever they offer."""
    from pipeline import predict
    from pipeline.predicting.outputs import Outputs

    wishes = predict.Wishes(transcript, tuple(without or ()), asr, model, device)
    outputs = Outputs(json, csv, timeline, subtitles, annotated)
    predict.run(paths, wishes, outputs)


@app.command()
def serve(
    model: Annotated[
        Path | None,
        typer.Option(help="A folder by `mculora export`; else the best network trained here."),
    ] = None,
    device: Device = "auto",
    host: Annotated[str, typer.Option(help="0.0.0.0 lets in the whole network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Predictions side by side; by default 4 at most.")
    ] = None,
    queue: Annotated[
        int, typer.Option(min=0, help="Requests that may wait; the next one is told 503.")
    ] = 50,
    max_megabytes: Annotated[float, typer.Option(min=0.001, help="The largest upload.")] = 50,
    max_clip_seconds: Annotated[float, typer.Option(min=0.1, help="The longest clip.")] = 60,
    max_seconds: Annotated[float, typer.Option(min=0.1, help="What a request may take.")] = 60,
) -> None:
    """Answer over HTTP, with a page to drop a clip on."""
    from pipeline import serve
    from pipeline.serving.limits import Limits, default_workers

    limits = Limits(
        max_megabytes, max_clip_seconds, max_seconds, queue, workers or default_workers()
    )
    serve.run(model, device=device, host=host, port=port, limits=limits)


@app.command()
def export(
    to: Annotated[Path | None, typer.Option(help="A folder [exports/DATASET].")] = None,
    onnx: Annotated[bool, typer.Option(help="Write the network as ONNX, too.")] = True,
    with_encoders: Annotated[
        bool, typer.Option("--with-encoders", help="Copy encoders that are local folders.")
    ] = False,
) -> None:
    """Write the best network as a folder that is all one needs to use it."""
    from pipeline import export

    export.run(to, has_onnx=onnx, with_encoders=with_encoders)


@app.command()
def compare(
    a: Annotated[
        str,
        typer.Argument(
            metavar="EXP_A", help="A DVC experiment, a git revision or a folder; or workspace."
        ),
    ],
    b: Annotated[str, typer.Argument(metavar="EXP_B", help="Likewise.")],
    method: Annotated[
        list[str] | None,
        typer.Option(metavar="METHOD", help="Of both, or given twice, of each [the main one]."),
    ] = None,
    metric: Annotated[str, typer.Option(help="What is compared [the primary one].")] = "",
    json: Annotated[Path | None, typer.Option(help="Everything as JSON.")] = None,
) -> None:
    """Compare two experiments on the same test, pair by pair."""
    from pipeline import compare

    compare.run((a, b), methods=method or (), metric=metric, to=json)


@app.command()
def doctor() -> None:
    """Tell what this machine can do and what extract needs."""
    from pipeline import doctor

    doctor.run()


@app.command()
def faces(
    folder: Annotated[Path, typer.Option(help="Where the pages go.")] = FACES,
    count: Annotated[int, typer.Option(min=1, help="Utterances, spread over the corpus.")] = 40,
) -> None:
    """Save contact sheets of the face crops to look at."""
    from pipeline import faces

    faces.run(folder, count=count)


def main() -> None:
    """Run the command; show an error of the user's, or of the machine's, as one line."""
    try:
        app()
    except (KeyboardInterrupt, SystemExit) as stop:
        if isinstance(stop, SystemExit) and stop.code != INTERRUPTED:
            raise
        typer.echo("stopped; run the command again to go on", err=True)
        sys.exit(INTERRUPTED)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        typer.echo(f"error: {place}{error.strerror or error}", err=True)
        sys.exit(1)
    except Exception as error:
        from concurrent.futures.process import BrokenProcessPool

        from mculora.errors import MCULoRAError

        if isinstance(error, BrokenProcessPool):
            error = MCULoRAError("the system ended a worker process (memory?); run it again")
        if not isinstance(error, MCULoRAError):
            raise
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
