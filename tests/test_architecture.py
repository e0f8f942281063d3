"""Imports run one way: pipeline -> mculora, inside mculora from room to room, never in a ring."""

import ast
import graphlib
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
ROOMS = [
    {"errors", "modality", "files"},
    {"acquire", "media", "model"},
    {"corpora"},
    {"features", "protocol"},
    {"batch"},
    {"evaluation", "inference"},
    {"training"},
]
"""What may be imported by what stands below it; rooms of one line do not know each other."""
OWNED = ("decord", "opensmile", "transformers", "av", "h5py", "requests", "ray")
"""Heavy or risky packages: one file imports each."""
SEVERAL_OWNERS = {"av": 3}
"""One reads what exists, one writes the sample corpus, one writes what was painted over."""
STAGES = ["download", "prepare", "extract", "split", "train", "evaluate", "report", "predict"]
ASIDE = ["faces", "doctor", "export", "serve", "compare"]
"""Commands beside the flow: they make nothing that a stage reads."""


def name_of(path):
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    name_of(path): path
    for package in ("mculora", "pipeline")
    for path in sorted((PROJECT / package).rglob("*.py"))
}


@cache
def imports(name):
    """Every module that a file imports, wherever in the file: TYPE_CHECKING and lazy ones too."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[name].read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: relative import"
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def own_imports(name):
    """The modules of this project that a file imports; a package only if nothing inside it."""
    found = imports(name) & MODULES.keys()
    return {m for m in found if not any(other.startswith(f"{m}.") for other in found)}


def room_of(name):
    return name.split(".")[1]


@pytest.mark.parametrize("name", [n for n in MODULES if n.startswith("mculora")])
def test_library_does_not_know_the_pipeline(name):
    assert not {
        m for m in imports(name) if m.split(".")[0] in ("pipeline", "typer", "yaml", "rich")
    }


@pytest.mark.parametrize("stage", [s for s in (*STAGES, *ASIDE) if f"pipeline.{s}" in MODULES])
def test_stages_talk_through_files(stage):
    others = {f"pipeline.{other}" for other in (*STAGES, *ASIDE, "cli")}
    assert not own_imports(f"pipeline.{stage}") & others


@pytest.mark.parametrize("name", [n for n in MODULES if n.count(".") > 0 and n[0] == "m"])
def test_rooms_import_what_is_above_them(name):
    room = room_of(name)
    (line,) = (i for i, rooms in enumerate(ROOMS) if room in rooms)
    allowed = {room}.union(*ROOMS[:line]) if line else ROOMS[0]
    assert {room_of(m) for m in own_imports(name) if "." in m} <= allowed


def test_no_import_ring():
    graphlib.TopologicalSorter({name: own_imports(name) for name in MODULES}).prepare()


@pytest.mark.parametrize("package", OWNED)
def test_heavy_packages_have_owners(package):
    users = [n for n in MODULES if any(m.split(".")[0] == package for m in imports(n))]
    assert len(users) <= SEVERAL_OWNERS.get(package, 1), users


@pytest.mark.parametrize("name", MODULES)
def test_modules_open_with_their_idea(name):
    docstring = ast.get_docstring(ast.parse(MODULES[name].read_bytes()))
    assert docstring, "a module opens with one sentence"


@pytest.mark.parametrize("name", MODULES)
def test_nothing_unpickles_or_runs_foreign_code(name):
    source = MODULES[name].read_text(encoding="utf-8")
    unsafe = {m.split(".")[0] for m in imports(name)} & {"pickle", "dill", "joblib", "shelve"}
    assert not unsafe or name == "mculora.acquire.pickles", "one file reads pickles, by allow-list"
    assert "trust_remote_code=True" not in source
    assert "weights_only=False" not in source
