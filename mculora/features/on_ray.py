"""Extraction on a Ray cluster: the same groups through the same code, in many processes.

Rows of the manifest go to workers by the group, vectors come back; only media and models have to
be where every worker finds them, under the same paths. A worker that dies is replaced, and its
group computed again.
"""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from mculora.corpora.manifest import from_line, to_line
from mculora.corpora.utterance import Utterance
from mculora.errors import InputError, MCULoRAError
from mculora.features.encoder import EncoderSpec, identify
from mculora.features.extraction import GROUP, extract_utterances
from mculora.features.identity import FeatureIdentity
from mculora.features.loading import load_encoder
from mculora.features.meter import Meter
from mculora.features.outcome import Extracted
from mculora.features.outcome_rows import Columns, from_row, to_columns

_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True)
class Workers:
    """The processes that a cluster lends.

    Attributes:
        count: How many.
        cpus: Processors of each; the threads of its model.
        gpus: GPUs of each, 0 or 1.
    """

    count: int
    cpus: int
    gpus: int

    @property
    def device(self) -> str:
        """Where the model of each runs; Ray shows a worker its own GPU only."""
        return "cuda" if self.gpus else "cpu"


class RayExtraction:
    """An extraction by the workers of a Ray cluster; a context manager, which connects.

    Args:
        spec: Which encoder; a local folder has to be there on every node.
        address: `local` for a cluster of this machine alone, made for the occasion; `auto` for one
            that runs here; or where one is (`ray://head:10001`).
        num_workers: How many processes; None for one per GPU, or one per node without any.
        device: `auto`, `cpu` or `cuda`.
        budget: See `extract_utterances`.
    """

    def __init__(
        self,
        spec: EncoderSpec,
        *,
        address: str = "local",
        num_workers: int | None = None,
        device: str = "auto",
        budget: int | None = None,
    ) -> None:
        folder = Path(spec.encoder).expanduser()
        self._spec = replace(spec, encoder=str(folder.resolve())) if folder.is_dir() else spec
        self._address, self._wanted = address, num_workers
        self._device, self._budget = device, budget

    def __enter__(self) -> RayExtraction:
        """Connect, and let a worker say what its vectors are.

        Raises:
            InputError: Ray is not installed, there is no such cluster, or the encoder does not
                load on a worker.
        """
        ray = _import_ray()
        _check_reachable(self._address)
        try:
            ray.init(
                address=self._address, log_to_driver=False, logging_level="ERROR",
                **({"include_dashboard": False} if self._address == "local" else {}),
            )  # fmt: skip
        except (ConnectionError, ValueError, RuntimeError, ImportError) as error:
            found = f"no Ray cluster ({' '.join(str(error).split())[:120]})"
            raise InputError(f"--address {self._address}", found=found, expected="one") from error
        self._workers = _divide(ray, self._wanted, device=self._device)
        describe = ray.remote(num_gpus=self._workers.gpus)(_describe)
        self._facts = _fetch(ray, describe.remote(self._spec, self._workers.device))
        dtype = self._facts["settings"].get("dtype")
        self._spec = replace(self._spec, dtype=dtype or self._spec.dtype)  # of all workers
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect; a cluster made for the occasion ends."""
        _import_ray().shutdown()

    def identify(self, *, corpus: str, corpus_fingerprint: str) -> FeatureIdentity:
        """Say what the vectors of a corpus will be."""
        about = {"corpus": corpus, "corpus_fingerprint": corpus_fingerprint}
        return FeatureIdentity.from_json({**self._facts, **about})

    def extract(
        self, utterances: Sequence[Utterance], raw_folder: Path, meter: Meter
    ) -> Iterator[Extracted]:
        """Encode utterances and yield each in the given order; see `extract_utterances`.

        Raises:
            InputError: A worker makes other vectors than the first one that was asked: its
                packages or model files differ.
        """
        ray = _import_ray()
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)  # it tells its plans
        context.execution_options.preserve_order = True
        groups = [utterances[i : i + GROUP] for i in range(0, len(utterances), GROUP)]
        items = [{"rows": [to_line(utterance) for utterance in group]} for group in groups]
        if not items:
            return
        encoded = ray.data.from_items(items, override_num_blocks=len(items)).map_batches(
            _Worker,
            fn_constructor_args=(
                self._spec,
                self._workers,
                raw_folder.resolve(),
                self._budget,
            ),
            batch_size=1,
            num_cpus=self._workers.cpus,
            num_gpus=self._workers.gpus,
            compute=ray.data.ActorPoolStrategy(size=min(self._workers.count, len(items))),
        )
        expected = self.identify(corpus="", corpus_fingerprint="")
        with _explained(ray):
            for group, row in zip(groups, encoded.iter_rows(), strict=True):
                _check_worker(row, expected)
                meter.waiting_seconds += row["waiting_seconds"]
                meter.encoding_seconds += row["encoding_seconds"]
                meter.media_seconds += sum(u.end_seconds - u.start_seconds for u in group)
                meter.utterances += len(group)
                yield from from_row(row)


class _Worker:
    """What lives in each process: the encoder, loaded once."""

    def __init__(
        self, spec: EncoderSpec, workers: Workers, raw_folder: Path, budget: int | None
    ) -> None:
        torch.set_num_threads(max(workers.cpus, 1))
        self._encoder = load_encoder(spec, device=workers.device)
        self._raw_folder, self._budget, self._cpus = raw_folder, budget, workers.cpus

    def __call__(self, batch: Mapping[str, Any]) -> Columns:
        """Encode one group."""
        [rows] = batch["rows"]
        meter = Meter()
        extracted = list(
            extract_utterances(
                self._encoder,
                [from_line(row) for row in rows],
                self._raw_folder,
                num_workers=max(self._cpus, 1),
                budget=self._budget,
                meter=meter,
            )
        )
        identity = identify(self._encoder, corpus="", corpus_fingerprint="")
        return to_columns(extracted) | {
            "identity": [json.dumps(identity.to_json())],
            "waiting_seconds": [meter.waiting_seconds],
            "encoding_seconds": [meter.encoding_seconds],
        }


def _describe(spec: EncoderSpec, device: str) -> dict[str, Any] | str:
    """What a worker's vectors are, or why its encoder does not load."""
    try:
        return identify(
            load_encoder(spec, device=device), corpus="", corpus_fingerprint=""
        ).to_json()
    except InputError as error:
        return str(error)


def _check_reachable(address: str) -> None:
    """Find out soon whether anything answers at `host:port`: Ray itself goes on trying.

    Raises:
        InputError: Nothing does.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        with socket.create_connection((host, int(port)), timeout=_PATIENCE_SECONDS):
            pass
    except (OSError, OverflowError) as error:
        found = f"no Ray cluster ({error})"
        raise InputError(f"--address {address}", found=found, expected="one") from error


def _fetch(ray: Any, promise: Any) -> dict[str, Any]:
    with _explained(ray):
        facts = ray.get(promise)
    if isinstance(facts, str):
        raise MCULoRAError(f"on a Ray worker: {facts}")
    return dict(facts)


@contextmanager
def _explained(ray: Any) -> Iterator[None]:
    """Say in one line what went wrong on a worker."""
    try:
        yield
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None) or error
        reason = " ".join(str(cause).split())[-300:]
        raise MCULoRAError(f"on a Ray worker: {type(cause).__name__}: {reason}") from error


def _check_worker(row: Mapping[str, Any], expected: FeatureIdentity) -> None:
    found = json.loads(row["identity"])
    for fact, value in expected.to_json().items():
        if found[fact] != value:
            raise InputError(
                "a Ray worker",
                found=f"{fact} {found[fact]}",
                expected=f"{value}, as on the others",
                remedy="install the same packages and models on every node",
            )


def _divide(ray: Any, wanted: int | None, *, device: str) -> Workers:
    """Divide what the cluster has among workers, so that each fits on some node.

    Raises:
        InputError: A GPU is asked for and the cluster has none, or there is no such device.
    """
    kind = device.partition(":")[0]
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    num_gpus = sum(int(node.get("GPU", 0)) for node in nodes) if kind != "cpu" else 0
    if kind not in ("auto", "cpu", "cuda") or (kind == "cuda" and not num_gpus):
        expected = "auto, cpu or cuda" if num_gpus else "auto or cpu: the cluster has no GPU"
        raise InputError("--device", found=device, expected=expected)
    num_cpus = [int(node.get("CPU", 0)) for node in nodes if node.get("CPU", 0) >= 1]
    count = wanted or num_gpus or max(len(num_cpus), 1)
    share = min(sum(num_cpus) // count, min(num_cpus, default=1))
    return Workers(count, cpus=max(share, 1), gpus=1 if num_gpus else 0)


def _import_ray() -> Any:
    try:
        import ray
        import ray.data
    except ImportError:
        raise InputError(
            "--engine ray",
            found="no package ray",
            expected="the optional extra",
            remedy="install it: pip install 'mculora[ray]'",
        ) from None
    return ray
