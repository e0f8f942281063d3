"""Invented results in the form that `evaluate` and `train` write: test data, nobody's results."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from statistics import fmean, stdev

from tested_example import write_tested

from mculora.evaluation.comparison import compare
from mculora.evaluation.metrics import CLASSIFICATION_METRICS, REGRESSION_METRICS
from mculora.modality import Modality, ModalityCombination

WORDS = [c.word for c in ModalityCombination]
STRENGTH = {"atv": 0.80, "at": 0.79, "av": 0.66, "tv": 0.78, "a": 0.62, "t": 0.77, "v": 0.57}
PAIRS = [(a, b) for place, a in enumerate(WORDS) for b in WORDS[place + 1 :]]
STUDY = (
    *("mculora", "joint", "dropout", "specialists"),
    *("without_specific", "without_orthogonality", "without_dpft"),
    *("without_weight_mlp", "without_stage_one", "rank_1", "rank_2", "rank_4"),
)
"""Every method that the project knows."""
PARAMS = Path(__file__).parents[2] / "params.yaml"


def example_evaluation(
    *, dataset="sample", task="regression", methods=("mculora", "dropout"), num_seeds=3, seed=0
):
    """evaluation.json of a dataset; the first method is a little ahead on average."""
    draw = random.Random(seed)
    names = REGRESSION_METRICS if task == "regression" else CLASSIFICATION_METRICS
    results = {name: _method(draw, names, num_seeds, i) for i, name in enumerate(methods)}
    for name, result in results.items():
        result |= _group(name, methods)
        result |= _against(results, name, names[0])
    return {
        "dataset": dataset,
        "task": task,
        "primary": "weighted_f1_nonzero" if task == "regression" else "wa",
        "selection": "validation",
        "num_seeds": num_seeds,
        "seeds": list(range(num_seeds)),
        "folds": ["official"],
        "corpus": {
            "name": dataset,
            "fingerprint": "5a" * 32,
            "num_utterances": 331,
            "num_dialogues": 58,
            "splits": {"train": 191, "validation": 50, "test": 90},
            "dropped": {"label file names no such clip": 3, "no start time": 1},
        },
        "features": {
            m.word: {
                "encoder": encoder,
                "revision": "1.0.0",
                "width": width,
                "available": 331 - len(absent),
                "absent": absent,
            }
            for m, encoder, width, absent in zip(
                Modality,
                ("egemaps", "hashed-ngrams", "hog"),
                (88, 256, 1764),
                ({"no audio track": 6, "silence": 2}, {}, {"no frame decodes": 4}),
                strict=True,
            )
        },
        "masks": {"official": "c3" * 32},
        "majority": dict.fromkeys(names, 0.41),
        "methods": results,
        "params": {"dataset": dataset, "rank": 8, "train": {"dpft": "one_sided"}},
        "versions": {"python": "3.11.7", "torch": "2.13.0", "mculora": "0.1.0"},
        "machine": "CPU",
    }


def resampled(evaluation):
    """The same evaluation with all that `evaluate` adds: intervals, classes, what is pooled."""
    classes = ["-1", "0", "1"] if evaluation["task"] == "regression" else ["angry", "sad"]
    evaluation |= {
        "classes": classes,
        "bootstrap": {
            **{"num_resamples": 2000, "seed": 0},
            **{"resampled": "dialogues", "num_units": 16},
        },
    }
    draw = random.Random(1)
    for result in evaluation["methods"].values():
        for tested in result["combinations"].values():
            tested["recall"] = {
                name: _summary(draw, 0.6, len(evaluation["seeds"])) for name in classes
            }
            tested["confusion"] = [[draw.randrange(1, 40) for _ in classes] for _ in classes]
        result["pooled"] = result["mean_of_combinations"]
        result["relative_robustness"] = result["mean_of_combinations"]
        summaries = [*result["mean_of_combinations"].values()]
        summaries += [s for t in result["combinations"].values() for s in t["metrics"].values()]
        for place, interval in enumerate(("over_utterances", "over_seeds", "over_both"), 1):
            for summary in summaries:
                ends = {
                    "low": summary["mean"] - 0.01 * place,
                    "high": summary["mean"] + 0.01 * place,
                }
                summary[interval] = ends
            for versus in (v for k, v in result.items() if k.startswith("against_")):
                ends = {"low": versus["difference"] - 0.02 * place}
                versus[interval] = {**ends, "high": versus["difference"] + 0.02 * place}
    return evaluation


def example_history(*, methods=("mculora", "dropout"), num_seeds=3, num_epochs=24, seed=0):
    """The rows of history.csv; only the first method has separabilities."""
    draw = random.Random(seed)
    rows = []
    for method in methods:
        for run in range(num_seeds):
            best = 0.0
            presence = {m.word: 0.5 for m in Modality}
            for epoch in range(num_epochs - 3 * run):
                gain = 1 - 0.8 ** (epoch + 1)
                scores = {
                    w: 0.45 + (s - 0.45) * gain + draw.gauss(0, 0.01) for w, s in STRENGTH.items()
                }
                mean = fmean(scores.values())
                presence = {
                    w: min(0.6, max(0.4, p + draw.gauss(0, 0.004))) for w, p in presence.items()
                }
                row = {"method": method, "seed": run, "fold": "official", "epoch": epoch}
                row |= {"train_loss": 1.5 - gain, "task_loss": 1.4 - gain}
                row |= {"validation_mean": mean, "is_selected": int(mean > best)}
                row |= {f"validation_{w}": score for w, score in scores.items()}
                row |= {f"probability_{w}": p for w, p in presence.items()}
                row |= {f"share_{w}": 1 / 7 for w in WORDS}
                for place, w in enumerate(WORDS):
                    jsd = 0.05 * gain * (place + 1) + draw.gauss(0, 0.002)
                    row[f"separability_{w}"] = jsd if method == methods[0] else ""
                best = max(best, mean)
                rows.append(row)
    return rows


def example_conflict(*, methods=("mculora", "dropout"), num_seeds=3, epochs=(0, 1, 2, 4, 8, 16)):
    """The rows of conflict.csv; the first method's gradients agree better, and ever better."""
    draw = random.Random(0)
    rows = []
    for place, method in enumerate(methods):
        for run in range(num_seeds):
            for epoch in epochs:
                for first, second in PAIRS:
                    alike = len(set(first) & set(second)) / len(set(first) | set(second)) - 0.2
                    cosine = alike + draw.gauss(0, 0.1) + 0.01 * epoch * (1 - place)
                    row = {"method": method, "seed": run, "fold": "official", "epoch": epoch}
                    cosine = f"{max(-1, min(1, cosine)):.6f}"
                    rows.append({**row, "first": first, "second": second, "cosine": cosine})
    return rows


def write_example(root, evaluation, history, conflict=()):
    """A project folder as the report finds it."""
    dataset = evaluation["dataset"]
    params = PARAMS.read_text(encoding="utf-8")
    (root / "params.yaml").write_text(params.replace("dataset: sample", f"dataset: {dataset}", 1))
    (root / "results").mkdir()
    (root / "results" / "evaluation.json").write_text(json.dumps(evaluation))
    write_tested(root, dataset=dataset, task=evaluation["task"])
    (root / "models" / dataset).mkdir(parents=True)
    conflict_header = ["method", "seed", "fold", "epoch", "first", "second", "cosine"]
    _write_table(root / "models" / dataset / "history.csv", list(history[0]), history)
    _write_table(root / "models" / dataset / "conflict.csv", conflict_header, conflict)


def _write_table(path, header, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        writer.writerows(rows)


def _group(name, methods):
    if name == methods[0]:
        return {"group": "main", "rank": 8}
    if name.startswith("rank_"):
        return {"group": "rank", "rank": int(name.removeprefix("rank_"))}
    return {"group": "ablation" if name.startswith("without_") else "baseline"}


def _against(results, name, metric):
    """As `evaluate` compares them: one fold, seeds are the pairs."""
    values = {
        method: dict(enumerate([v] for v in result["mean_of_combinations"][metric]["values"]))
        for method, result in results.items()
    }
    others = [other for other in results if other in STUDY[:4] and other != name]
    return {f"against_{o}": compare(values[name], values[o]).as_json() for o in others}


def _method(draw, names, num_seeds, place):
    def tested(strength, **facts):
        metrics = {name: _summary(draw, strength - 0.01 * place, num_seeds) for name in names}
        return {"num_utterances": 90, "metrics": metrics, **facts}

    combinations = {word: tested(STRENGTH[word]) for word in WORDS}
    rates = [r / 10 for r in range(8)]
    mean = fmean(STRENGTH.values())
    return {
        "num_parameters": 1234567 - 3000 * place,
        "combinations": combinations,
        "mean_of_combinations": tested(mean)["metrics"],
        "missing_rates": {
            str(r): tested(0.81 - 0.25 * r * r, realised=min(r, 2 / 3)) for r in rates
        },
        "validation": {"mean_of_combinations": {names[0]: _summary(draw, mean, num_seeds)}},
    }


def _summary(draw, centre, num_seeds):
    values = [centre + draw.gauss(0, 0.012) for _ in range(num_seeds)]
    sd = stdev(values) if num_seeds > 1 else None
    return {"mean": fmean(values), "sd": sd, "values": values}
