"""Stage `download`: bring the raw corpus here; the sample corpus is made, not fetched."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path

from mculora.acquire.checksums import Progress
from mculora.acquire.links import clear_links, link_tree
from mculora.corpora.artefacts import Artefact, published_artefacts, raw_artefacts
from mculora.corpora.clips.corpus import find_table
from mculora.corpora.clips.paths import MEDIA_FOLDER, linked_name
from mculora.corpora.clips.table import list_clip_paths
from mculora.errors import InputError, MCULoRAError
from pipeline.acquisition import Part, bring
from pipeline.console import progress, say, stage
from pipeline.layout import Layout
from pipeline.params import PARAMS, Params, read_params
from pipeline.transfers import Transfers


def run(downloads: Path) -> None:
    """Make the sample corpus, or bring what the corpus in params.yaml consists of.

    Archives and what is unpacked of them stay in `downloads`; the raw corpus is a tree of links
    to the needed files, there or in the user's own folders.
    """
    params = read_params()
    layout = Layout(params.dataset)
    if params.dataset == "sample":
        _make_sample(params, layout)
        return
    parts = _parts(params)
    with stage("download", reads=[p.place for p in parts], writes=layout.raw) as facts:
        places = _bring_all(parts, downloads)
        kept = set()
        for part, place in zip(parts, places, strict=True):
            folder = layout.raw / part.artefact.name / part.name
            kept.add(folder)
            facts.append(_link(part, place, folder, params))
        for artefact in layout.raw.iterdir():
            for folder in artefact.iterdir() if artefact.is_dir() else ():
                if folder not in kept:
                    clear_links(folder)


def _make_sample(params: Params, layout: Layout) -> None:
    from mculora.corpora.sample.corpus import synthesise
    from mculora.corpora.sample.plan import plan_sample

    source = f"params.yaml (seed {params.sample.seed})"
    with stage("download", reads=[source], writes=layout.raw) as facts:
        plan = plan_sample(params.sample.seed, params.sample.num_videos)
        made = progress(
            synthesise(plan, layout.raw), label="sample videos", total=len(plan.available)
        )
        paths = list(made)
        megabytes = sum(path.stat().st_size for path in paths) / 1e6
        facts += [f"{len(paths)} videos", f"{megabytes:.0f} MB"]


def _parts(params: Params) -> list[Part]:
    """Every place that is needed; what a person has to get first is an error before any fetching.

    Raises:
        InputError: A source is not named.
    """
    if params.features == "published":
        entries = (params.published.audio, params.published.text, params.published.visual)
        artefacts = published_artefacts(params.dataset, entries)
    else:
        artefacts = raw_artefacts(params.dataset)
    parts = []
    for artefact in artefacts:
        source = params.sources[params.dataset].get(artefact.name)
        key = f"sources.{params.dataset}.{artefact.name}"
        if source is not None and source.places:
            parts += [Part(key, artefact, place, source) for place in source.places]
        elif not artefact.is_optional:
            raise _not_named(key, artefact)
    return parts


def _not_named(key: str, artefact: Artefact) -> InputError:
    return InputError(
        f"{PARAMS}: key {key}.at",
        found="nothing",
        expected="a folder, a file or archive, or a URL",
        remedy=artefact.how_to_get,
    )


def _bring_all(parts: list[Part], downloads: Path) -> list[Path]:
    """Bring all places side by side; the first that fails stops the others, which can go on later.

    Raises:
        InputError: A place cannot be had.
    """
    is_over = threading.Event()
    with Transfers() as transfers, ThreadPoolExecutor(max(len(parts), 1)) as pool:

        def watch(label: str, now: Progress) -> None:
            if is_over.is_set():
                raise MCULoRAError(f"{label}: stopped")
            transfers.tell(label, now)

        futures = [pool.submit(bring, part, downloads, watch) for part in parts]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
            failed = [f for f in futures if f.done() and f.exception() is not None]
        finally:
            is_over.set()
        for future in failed:
            future.result()
        return [future.result() for future in futures]


def _link(part: Part, place: Path, folder: Path, params: Params) -> str:
    """Link what is needed of one place, and say how much that is."""
    if params.dataset == "clips":
        return _link_clips(place, folder)
    published = (params.published.audio, params.published.text, params.published.visual)
    members = () if place.name in published else part.artefact.members
    tree = link_tree(place, folder, members=members)
    for path, reason in tree.skipped:
        say(f"left out: {place / path}: {reason}")
    if not tree.num_files:
        raise InputError(
            place,
            found="no file that is needed",
            expected=" or ".join(part.artefact.members),
            remedy=part.artefact.how_to_get,
        )
    return f"{part.artefact.name}: {tree.num_files} files of {place}"


def _link_clips(place: Path, folder: Path) -> str:
    """Copy a table of clips and link the files that it names; a missing one is for `prepare`."""
    table = find_table(place) if place.is_dir() else place
    clear_links(folder)
    paths = list_clip_paths(table)
    for path in paths:
        clip = table.parent / Path(path.replace("\\", "/")).expanduser()
        link = folder / MEDIA_FOLDER / linked_name(path)
        if clip.is_file():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(clip.resolve())
    for old in folder.iterdir() if folder.is_dir() else ():
        if old.is_file():
            old.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(table, folder / table.name)
    return f"{table.name} and {len(paths)} clips"
