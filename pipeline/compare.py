"""Command `compare`: two experiments, pair by pair, from the predictions that each left behind."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mculora.corpora.manifest import UTTERANCES_FILE, from_line
from mculora.errors import InputError
from mculora.evaluation.bootstrap import MEAN, NUM_RESAMPLES
from mculora.evaluation.metrics import PRIMARY
from mculora.evaluation.paired import PairedDifference, Side, compare_pairs
from mculora.evaluation.predicted import PredictedTest, read_predictions
from mculora.evaluation.tallies import Clusters, clusters_of
from mculora.files import write_text
from pipeline.console import say
from pipeline.layout import Layout

WORKSPACE = "workspace"
"""What DVC calls the experiment that lies in this folder."""
_NO_DATASET = Layout("")


def run(
    experiments: Sequence[str], *, methods: Sequence[str], metric: str, to: Path | None
) -> None:
    """Say how far the first experiment is from the second.

    Args:
        experiments: Two; each a folder, `workspace`, a DVC experiment or a git revision.
        methods: None for the main method of each, one for both, or one of each.
        metric: Its name; empty for the primary one.
        to: A JSON file to write, too.
    """
    if len(methods) > 2:
        found = f"{len(methods)} methods"
        raise InputError("--method", found=found, expected="one for both, or one of each")
    records = [_predictions(experiment) for experiment in experiments]
    chosen = [*methods, *methods][:2] or [record.main for record in records]
    a, b = (Side(*parts) for parts in zip(experiments, records, chosen, strict=True))
    metric = metric or PRIMARY[a.record.task]
    clusters = clusters_of(a.record, _dialogues(a.experiment))
    pairs = compare_pairs(a, b, metric, clusters=clusters)
    for line in _lines(a, b, metric, pairs, _resampled(clusters)):
        say(line)
    for experiment in filter(_is_selected_on_test, dict.fromkeys(experiments)):
        say(f"{experiment} is selected on the test split: only beside published numbers that are")
    if to is not None:
        write_text(to, _json(a, b, metric, pairs, clusters))
        say(f"compare: wrote {to}")


def _predictions(experiment: str) -> PredictedTest:
    """All predictions of an experiment's test utterances."""
    if folder := _folder(experiment):
        return read_predictions(Layout("", folder).predictions)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary, "predictions")
        path.write_bytes(_read(experiment, _NO_DATASET.predictions))
        return read_predictions(path)


def _dialogues(experiment: str) -> dict[str, str]:
    """The dialogue of each utterance; none where the experiment's manifest is not at hand."""
    try:
        dataset = json.loads(_read(experiment, _NO_DATASET.evaluation))["dataset"]
        text = _read(experiment, Layout(dataset).corpus / UTTERANCES_FILE).decode()
    except InputError:
        return {}
    return {u.id: u.dialogue for u in map(from_line, text.splitlines())}


def _is_selected_on_test(experiment: str) -> bool:
    """Whether the experiment's epochs were chosen by what they are compared on."""
    try:
        evaluation = json.loads(_read(experiment, _NO_DATASET.evaluation))
    except InputError:
        return False
    return bool(evaluation.get("selection") == "test")


def _read(experiment: str, path: Path) -> bytes:
    """A file of an experiment, from its folder or from what git and DVC keep of it.

    Raises:
        InputError: There is no such experiment, or it has no such file.
    """
    import dvc.api  # type: ignore[import-untyped]
    from dvc.exceptions import DvcException  # type: ignore[import-untyped]
    from dvc.scm import RevError  # type: ignore[import-untyped]

    try:
        if folder := _folder(experiment):
            return (folder / path).read_bytes()
        content: bytes = dvc.api.read(path.as_posix(), rev=experiment, mode="rb")
    except RevError:
        expected = "a DVC experiment, a git revision, a folder or workspace"
        raise InputError(
            experiment, found="nothing of that name", expected=expected, remedy="see `dvc exp show`"
        ) from None
    except (DvcException, OSError):
        expected = "what `mculora evaluate` wrote, here or in DVC's cache"
        raise InputError(
            f"{experiment}: {path}", found="nothing", expected=expected, remedy="try `dvc fetch -A`"
        ) from None
    return content


def _folder(experiment: str) -> Path | None:
    """The folder that an experiment is, if it is one."""
    folder = Path("." if experiment == WORKSPACE else experiment)
    return folder if folder.is_dir() else None


def _resampled(clusters: Clusters) -> str:
    return "dialogues" if clusters.have_several else "utterances"


def _lines(
    a: Side, b: Side, metric: str, found: Mapping[str, PairedDifference], resampled: str
) -> list[str]:
    """The comparison as a table."""
    num_seeds = found[MEAN].num_seeds
    seeds = f"{num_seeds} seeds" if num_seeds > 1 else "1 seed, which says nothing about others"
    return [
        f"compare: A is {a.method} of {a.experiment}, B is {b.method} of {b.experiment}",
        f"{metric} of {len(a.record.ids)} test utterances, {seeds}",
        f"{'':22}{'A':>8}{'B':>8}{'A - B':>9}  {'95 % interval':18}  A ahead",
        *(_line(name.replace("_", " "), pair) for name, pair in found.items()),
        f"paired bootstrap over {resampled} and seeds, {NUM_RESAMPLES} resamples",
    ]


def _line(name: str, pair: PairedDifference) -> str:
    if pair.difference is None:
        return f"{name:22}undefined"
    widest = pair.intervals.get("over_both") or pair.intervals.get("over_utterances")
    reach = f"{widest.low:+.4f} .. {widest.high:+.4f}" if widest else ""
    numbers = f"{pair.a:8.4f}{pair.b:8.4f}{pair.difference:+9.4f}"
    return f"{name:22}{numbers}  {reach:18}  {pair.num_ahead} of {pair.num_seeds}"


def _json(
    a: Side, b: Side, metric: str, found: Mapping[str, PairedDifference], clusters: Clusters
) -> str:
    content: dict[str, Any] = {
        "a": {"experiment": a.experiment, "method": a.method},
        "b": {"experiment": b.experiment, "method": b.method},
        "metric": metric,
        "seeds": [seed for seed in a.record.seeds if seed in b.record.seeds],
        "num_utterances": len(a.record.ids),
        "bootstrap": {
            "num_resamples": NUM_RESAMPLES,
            "resampled": _resampled(clusters),
            "num_units": len(clusters.fold),
        },
        "conditions": {name: _pair(pair) for name, pair in found.items() if name != MEAN},
        MEAN: _pair(found[MEAN]),
    }
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def _pair(pair: PairedDifference) -> dict[str, Any]:
    told = asdict(pair)
    intervals: dict[str, Any] = told.pop("intervals")
    return told | intervals
