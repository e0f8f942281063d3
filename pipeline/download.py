"""Stage `download`: bring the raw corpus here; the sample corpus is made, not fetched."""

from __future__ import annotations

import os
import threading
from multiprocessing.pool import ThreadPool
from pathlib import Path

from mculora.acquire.checksums import Progress
from mculora.acquire.links import clear_links, link_tree
from mculora.acquire.members import wanted
from mculora.corpora.artefacts import Artefact, published_artefacts, raw_artefacts
from mculora.corpora.clips.corpus import find_table
from mculora.corpora.clips.paths import MEDIA_FOLDER, linked_name
from mculora.corpora.clips.table import list_clip_paths
from mculora.errors import InputError, MCULoRAError
from pipeline.acquisition import Part, bring, naming_the_key, parts_of
from pipeline.console import progress, say, stage
from pipeline.layout import Layout
from pipeline.params import PARAMS, Params, read_params
from pipeline.sources import artefact_names
from pipeline.transfers import shown_transfers, size

MOST_AT_ONCE = 8
"""How many places are brought side by side."""
MOST_NAMED = 3
"""How many of the files that cannot be used are named, per place."""
Skipped = tuple[tuple[str, str], ...]
"""What could not be linked, as (path inside the source, reason)."""


def run(downloads: Path) -> None:
    """Make the sample corpus, or bring what the corpus in params.yaml consists of.

    Archives and what is unpacked of them stay in `downloads`; the raw corpus is a tree of links
    to the needed files, there or in the user's own folders.

    Raises:
        InputError: A source is not named, cannot be had, or has none of the needed files.
    """
    params = read_params()
    layout = Layout(params.dataset)
    if params.dataset == "sample":
        _make_sample(params, layout)
        return
    parts = _parts(params)
    reads = f"sources.{params.dataset} of {PARAMS}"
    with stage("download", reads=[reads], writes=layout.raw) as facts:
        places = _bring_all(parts, downloads)
        sizes: list[int] = []
        for part in parts:
            sizes += _link(part, places[part], layout.raw / part.folder)
        kept = {layout.raw / part.folder for part in parts}
        for name in artefact_names(params.dataset):
            _clear_others(layout.raw / name, kept)
        facts.append(_amount(sizes))


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


def _artefacts(params: Params) -> tuple[Artefact, ...]:
    if params.features == "extracted":
        return raw_artefacts(params.dataset)
    named = params.published
    labels = () if named.labels == "auto" else (named.labels,)
    return published_artefacts(params.dataset, (named.audio, named.text, named.visual, *labels))


def _parts(params: Params) -> list[Part]:
    """Every place that is needed; what a person has to get first is an error before any fetching.

    Raises:
        InputError: A source is not named.
    """
    sources = params.sources.get(params.dataset, {})
    parts: list[Part] = []
    for artefact in _artefacts(params):
        source, key = sources.get(artefact.name), f"sources.{params.dataset}.{artefact.name}"
        if source is not None and source.at:
            parts += parts_of(key, artefact, source)
        elif not artefact.is_optional:
            raise InputError(
                f"{PARAMS}: key {key}.at",
                found="nothing",
                expected="a folder, a file or archive, or a URL",
                remedy=artefact.how_to_get,
            )
    return parts


def _bring_all(parts: list[Part], downloads: Path) -> dict[Part, Path]:
    """Bring all places side by side; the first that fails stops the others, which can go on later.

    The threads are daemons: nobody waits for one that waits for a silent server.

    Raises:
        InputError: A place cannot be had.
    """
    is_over = threading.Event()
    places: dict[Part, Path] = {}

    def work(part: Part) -> None:
        def watch(now: Progress) -> None:
            if is_over.is_set():
                raise MCULoRAError(f"{part.key}: stopped")
            tell(str(part.folder), now)

        places[part] = bring(part, downloads, watch)

    with shown_transfers() as tell, ThreadPool(min(len(parts), MOST_AT_ONCE)) as pool:
        try:
            for _ in pool.imap_unordered(work, parts):
                pass
        finally:
            is_over.set()
    return places


def _link(part: Part, place: Path, folder: Path) -> list[int]:
    """Link what is needed of one place, say how much that is, and give the files' sizes.

    Raises:
        InputError: That is nothing.
    """
    with naming_the_key(part):
        skipped = _make_links(part, place, folder)
    sizes = [
        os.stat(os.path.join(inside, name)).st_size
        for inside, _, names in os.walk(folder)
        for name in names
    ]
    if not sizes:
        raise InputError(
            f"{part.key}.at: {place}",
            found="no file that is needed",
            expected=" or ".join(part.members) or "files",
            remedy=part.artefact.how_to_get,
        )
    kept = f", kept in {place}" if place != part.path else ""
    say(f"{part.folder}: {_amount(sizes)} from {part.place}{kept}")
    for path, reason in skipped[:MOST_NAMED]:
        say(f"left out: {path}: {reason}")
    if len(skipped) > MOST_NAMED:
        say(f"left out: {len(skipped) - MOST_NAMED:,} more")
    return sizes


def _make_links(part: Part, place: Path, folder: Path) -> Skipped:
    if part.artefact.name == "table":
        return _link_clips(place, folder)
    if place.is_dir() or wanted(place.name, part.members):
        return link_tree(place, folder, members=part.members).skipped
    clear_links(folder)
    return ()


def _link_clips(place: Path, folder: Path) -> Skipped:
    """Link a table of clips and the files that it names, and give what could not be linked."""
    table = find_table(place) if place.is_dir() else place
    paths = list_clip_paths(table)
    link_tree(table, folder)
    missing = []
    for path in paths:
        clip = os.path.join(table.parent, os.path.expanduser(path))
        link = folder / MEDIA_FOLDER / linked_name(path)
        if not os.path.isfile(clip):
            missing.append((path, "no such file"))
        elif not link.is_symlink():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(os.path.realpath(clip))
    return tuple(missing)


def _clear_others(folder: Path, kept: set[Path]) -> None:
    """Remove the links of places that are no longer named, and nothing but links."""
    if folder in kept or folder.is_symlink():
        return
    if any(folder in place.parents for place in kept):
        for inner in folder.iterdir():
            _clear_others(inner, kept)
    else:
        clear_links(folder)


def _amount(sizes: list[int]) -> str:
    return f"{len(sizes):,} file{'s' * (len(sizes) != 1)}, {size(sum(sizes))}"
