"""Stage `evaluate`: checkpoints, test split and masks -> metrics and the report's tables."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from mculora.corpora.manifest import Corpus
from mculora.evaluation.calibrated import calibration_report
from mculora.evaluation.gathering import Gathering
from mculora.evaluation.groups import by_groups
from mculora.evaluation.metrics import PRIMARY, majority_metrics
from mculora.evaluation.predicted import write_predictions
from mculora.evaluation.prediction import (
    account_for_conditions,
    predict_by_specialists,
    predict_conditions,
)
from mculora.evaluation.statistics import mean_metrics
from mculora.evaluation.sweep import align_masks, evaluate_conditions
from mculora.features.identity import check_same
from mculora.modality import Modality, ModalityCombination
from mculora.model.checkpoint import Checkpoint, load_checkpoint
from mculora.model.network import MCULoRA
from mculora.protocol.folds import Fold
from mculora.protocol.masks import TestMasks, read_masks
from mculora.training.methods import Group, Method
from pipeline.console import progress, stage
from pipeline.device import one_thread, pick_device
from pipeline.evaluating.looking_back import LookingBack
from pipeline.evaluating.method_runs import MethodRuns
from pipeline.evaluating.missing_moments import MissingMoments
from pipeline.evaluating.representing import BestNetwork
from pipeline.evaluating.results import write_results
from pipeline.inputs import Inputs, input_paths, read_inputs, trained_features
from pipeline.layout import Layout, require
from pipeline.params import Params, read_params, what_counts
from pipeline.recipe import comparison
from pipeline.training.jobs import networks_of

LIBRARIES = ("mculora", "torch", "numpy", "scikit-learn", "transformers", "opensmile")


def run(*, device: str) -> None:
    """Test every trained network under every condition."""
    params = read_params()
    layout = Layout(params.dataset)
    inputs = read_inputs(layout)
    masks = {m.fold: m for m in read_masks(layout.split)}
    require(layout.models, command="mculora train")
    where = pick_device(device)
    methods = comparison(params, widths=inputs.widths, outputs=inputs.outputs).methods
    runs = {m.name: MethodRuns(m.name, m.group, rank=_rank_of_interest(m)) for m in methods}
    corpus = inputs.corpus
    gathering = Gathering(
        corpus.task, corpus.class_names, seeds=params.seeds, methods=[m.name for m in methods]
    )
    moments = MissingMoments(layout, inputs, params.missing_rates, params.split.seed)
    total = len(inputs.folds) * len(methods) * params.num_seeds
    reads = [*input_paths(layout), layout.models]
    with stage("evaluate", reads=reads, writes=layout.results) as facts, one_thread():
        tests = (
            _FoldTest(inputs, fold, masks[fold.name], where, gathering, moments)
            for fold in inputs.folds
        )
        each = ((t, m, s) for t in tests for m in methods for s in params.seeds)
        looking_back = LookingBack(params, layout, inputs=inputs, device=where)
        fitted, best = {}, BestNetwork()
        for test, method, seed in progress(each, label="tests", total=total):
            trained = looking_back.selected(
                method,
                seed,
                test.checkpoints(layout, method, seed),
                fold=test.fold,
                test=test.table,
            )
            if method.group is Group.MAIN:
                fitted[seed, test.fold.name] = trained[None].provenance.get("calibration", {})
                best.see(trained[None], test.table)
            test.add(seed, runs[method.name], trained)
        record = gathering.record()
        write_predictions(layout.predictions, record)
        best.write(layout, corpus.task, seed=params.seed)
        headline = write_results(
            layout,
            {
                **_facts(params, inputs, masks),
                "calibration": asdict(calibration_report(record, fitted)),
                "groups": {k: asdict(g) for k, g in by_groups(record, corpus.utterances).items()},
                "selection_gap": looking_back.as_json(),
                "missing_moments": moments.as_json(),
            },
            [*runs.values()],
            record=record,
            dialogues={u.id: u.dialogue for u in corpus.utterances},
        )
        facts.append(headline)


class _FoldTest:
    """The test split of a fold and its masks, put together once for all networks."""

    def __init__(
        self,
        inputs: Inputs,
        fold: Fold,
        masks: TestMasks,
        device: torch.device,
        gathering: Gathering,
        moments: MissingMoments,
    ) -> None:
        self.inputs, self.fold, self.device = inputs, fold, device
        self.gathering = gathering
        self.table = inputs.table(fold.test).to(device)
        self.kept = align_masks(masks.ids, masks.present, self.table)
        self.thinned = moments.of(fold.name, self.table)
        self.kept |= {condition: table.available for condition, table in self.thinned.items()}
        gathering.open_fold(fold.name, self.table, self.kept)

    def checkpoints(
        self, layout: Layout, method: Method, seed: int
    ) -> dict[ModalityCombination | None, Checkpoint]:
        """A method's networks, by what tells them apart."""
        trained = {}
        for combination in networks_of(method):
            path = layout.checkpoint(method.name, seed, self.fold.name, combination)
            trained[combination] = load_checkpoint(path, self.device)
            _check_belongs(trained[combination], self.inputs)
        return trained

    def add(
        self, seed: int, runs: MethodRuns, trained: Mapping[ModalityCombination | None, Checkpoint]
    ) -> None:
        """Test a method's networks."""
        networks = {which: checkpoint.network for which, checkpoint in trained.items()}
        predictions = self._predict(runs, seed, networks)
        self.gathering.add(runs.method, seed, predictions)
        task = self.inputs.corpus.task
        validation = [c.provenance["validation_mean"] for c in trained.values()]
        runs.add(
            seed,
            num_parameters=sum(p.numel() for n in networks.values() for p in n.parameters()),
            validation_mean=fmean(value for value in validation if value is not None),
            scores=evaluate_conditions(predictions, self.table, self.kept, task),
        )

    def _predict(
        self, runs: MethodRuns, seed: int, networks: Mapping[ModalityCombination | None, MCULoRA]
    ) -> dict[str, Tensor]:
        """What a method says under every condition; of ours, also what that is made of."""
        whole = {c: kept for c, kept in self.kept.items() if c not in self.thinned}
        own = {which: n for which, n in networks.items() if which is not None}
        if own:
            said = predict_by_specialists(own, self.table, whole)
        elif runs.group != Group.MAIN:
            said = predict_conditions(networks[None], self.table, whole)
        else:
            account = account_for_conditions(networks[None], self.table, whole)
            self.gathering.add_account(seed, account)
            said = {condition: told.prediction for condition, told in account.items()}
        for condition, table in self.thinned.items():
            kept = {condition: table.available}
            if own:
                said |= predict_by_specialists(own, table, kept)
            else:
                said |= predict_conditions(networks[None], table, kept)
        return said


def _rank_of_interest(method: Method) -> int | None:
    """The rank of those that are compared by rank."""
    return method.network.rank if method.group in (Group.MAIN, Group.RANK) else None


def _check_belongs(checkpoint: Checkpoint, inputs: Inputs) -> None:
    """Refuse a network that was trained on other features than the ones at hand."""
    for modality in Modality:
        trained = trained_features(checkpoint, modality)
        check_same(inputs.stores[modality].identity, trained, remedy="run `mculora train`")


def _facts(params: Params, inputs: Inputs, masks: dict[str, TestMasks]) -> dict[str, Any]:
    """What the report says about the experiment beside its results."""
    corpus, task = inputs.corpus, inputs.corpus.task
    majorities = []
    for fold in inputs.folds:
        train, test = (inputs.table(part).labels for part in (fold.train, fold.test))
        majorities.append(majority_metrics(train, test, task))
    return {
        "dataset": params.dataset,
        "task": task.value,
        "primary": PRIMARY[task],
        "selection": params.selection,
        "num_seeds": params.num_seeds,
        "seeds": list(params.seeds),
        "folds": [fold.name for fold in inputs.folds],
        "corpus": _corpus_facts(corpus, inputs),
        "features": {m.word: _feature_facts(inputs, m) for m in Modality},
        "masks": {name: mask.digest for name, mask in masks.items()},
        "missing_rule": next(iter(masks.values())).rule,
        "nominal_rates": dict(next(iter(masks.values())).rates),
        "majority": mean_metrics(majorities),
        "params": what_counts(params),
        "versions": {"python": platform.python_version(), **{n: version(n) for n in LIBRARIES}},
        "machine": "CUDA" if torch.cuda.is_available() else "CPU",
    }


def _corpus_facts(corpus: Corpus, inputs: Inputs) -> dict[str, Any]:
    fold = inputs.folds[0]
    parts = {"train": fold.train, "validation": fold.validation, "test": fold.test}
    per_dialogue = Counter(u.dialogue for u in corpus.utterances)
    return {
        "name": corpus.name,
        "fingerprint": corpus.fingerprint,
        "num_utterances": len(corpus.utterances),
        "num_dialogues": len({u.dialogue for u in corpus.utterances}),
        "splits": {n: sum(per_dialogue[d] for d in part) for n, part in parts.items()},
        "dropped": dict(Counter(d.kind for d in corpus.dropped).most_common()),
        "notes": [*corpus.notes, *_missing_modalities(inputs)],
    }


def _missing_modalities(inputs: Inputs) -> list[str]:
    """A sentence for each modality that no utterance offers."""
    return [
        f"No utterance offers {m.word}: `{m.letter}` alone cannot be tested, and means are over "
        "the combinations that can."
        for m in Modality
        if not inputs.stores[m].ids
    ]


def _feature_facts(inputs: Inputs, modality: Modality) -> dict[str, Any]:
    store = inputs.stores[modality]
    return {
        "encoder": store.identity.encoder,
        "revision": store.identity.revision,
        "width": store.identity.width,
        "available": len(store.ids),
        "absent": store.absent_by_reason,
    }
