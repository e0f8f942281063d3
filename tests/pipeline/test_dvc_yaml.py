"""dvc.yaml tells the truth: commands exist, keys exist, outputs have one owner, code is listed."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from pipeline.cli import app
from pipeline.layout import Layout

PROJECT = Path(__file__).parents[2]
EXEMPT = {
    "pipeline/params.py",
    "pipeline/layout.py",
    "pipeline/console.py",
    "pipeline/cli.py",
    "mculora/errors.py",
    "mculora/modality.py",
    "mculora/files.py",
}
"""The floor: every stage stands on it, and what it does to results shows in params and tests."""
ASIDE = ("unfinished", "live", "training_lock")
"""What training keeps for itself while it is under way."""
PARAMS = yaml.safe_load((PROJECT / "params.yaml").read_text(encoding="utf-8"))


def expand(value, item):
    """Fill in `${item}`, as DVC does for each member of a foreach."""
    if isinstance(value, str):
        return value.replace("${item}", item)
    if isinstance(value, list):
        return [expand(part, item) for part in value]
    if isinstance(value, dict):
        return {expand(key, item): expand(part, item) for key, part in value.items()}
    return value


def read_stages():
    stages = {}
    content = yaml.safe_load((PROJECT / "dvc.yaml").read_text(encoding="utf-8"))
    for name, stage in content["stages"].items():
        for item in stage.get("foreach", [None]):
            if item is None:
                stages[name] = stage
            else:
                stages[f"{name}@{item}"] = expand(stage["do"], item)
    return stages


STAGES = read_stages()
every_stage = pytest.mark.parametrize("name", STAGES)


def command(name):
    program, stage_command, *_ = STAGES[name]["cmd"].split()
    assert program == "mculora"
    return stage_command


def paths(entries):
    """Paths of deps, outs, metrics or plots: plain, or keys with settings."""
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]


def outputs(name):
    stage = STAGES[name]
    return paths(stage.get("outs", [])) + paths(stage.get("metrics", [])) + plots(name)


def plots(name):
    return paths(STAGES[name].get("plots", []))


def is_code(path):
    return Path(path).parts[0] in ("mculora", "pipeline")


def is_inside(path, folder):
    return Path(path).is_relative_to(folder)


@cache
def modules_behind(path):
    """Every file of the project that `path` imports, directly or not, itself included."""
    found, open_paths = set(), [path]
    while open_paths:
        current = open_paths.pop()
        if current not in found and current not in EXEMPT:
            found.add(current)
            open_paths += imported_files(current)
    return frozenset(found)


def imported_files(path):
    for node in ast.walk(ast.parse((PROJECT / path).read_bytes())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            file = Path(*name.split(".")).with_suffix(".py")
            if (PROJECT / file).is_file():
                yield file.as_posix()


@every_stage
def test_command_exists(name):
    known = {info.callback.__name__ for info in app.registered_commands}
    assert command(name) in known
    assert (PROJECT / "pipeline" / f"{command(name)}.py").is_file()


@every_stage
def test_params_keys_exist(name):
    for key in STAGES[name].get("params", []):
        value, key = PARAMS, key.replace("${dataset}", PARAMS["dataset"])
        for part in key.split("."):
            assert part in value, f"{key} is not in params.yaml"
            value = value[part]


@every_stage
def test_params_that_the_stage_reads_are_listed(name):
    listed = {key.split(".")[0] for key in STAGES[name].get("params", [])}
    read = set()
    for path in modules_behind(f"pipeline/{command(name)}.py"):
        if path.startswith("pipeline/"):
            source = (PROJECT / path).read_text(encoding="utf-8")
            read |= set(re.findall(r"\bparams\.(\w+)", source))
    if "seeds" in read:
        read |= {"seed", "num_seeds"}
    assert (read & PARAMS.keys()) - listed == set()


@every_stage
def test_code_behind_the_stage_is_listed(name):
    deps = paths(STAGES[name]["deps"])
    behind = modules_behind(f"pipeline/{command(name)}.py")
    missing = {path for path in behind if not any(is_inside(path, dep) for dep in deps)}
    assert not missing, f"add to the deps of {name}: {sorted(missing)}"


@every_stage
def test_listed_code_is_behind_the_stage(name):
    behind = modules_behind(f"pipeline/{command(name)}.py")
    for dep in filter(is_code, paths(STAGES[name]["deps"])):
        assert any(is_inside(path, dep) for path in behind), f"{name} does not use {dep}"


@every_stage
def test_artefacts_that_the_stage_names_are_listed(name):
    listed = [*paths(STAGES[name]["deps"]), *outputs(name)]
    artefacts = {
        n: v for n, v in vars(Layout).items() if isinstance(v, property) and n not in ASIDE
    }
    for path in modules_behind(f"pipeline/{command(name)}.py"):
        if path.startswith("pipeline/"):
            source = (PROJECT / path).read_text(encoding="utf-8")
            for named in artefacts.keys() & set(re.findall(r"\blayout\.(\w+)", source)):
                place = getattr(Layout("${dataset}"), named).as_posix()
                assert any(is_inside(p, place) or is_inside(place, p) for p in listed), (
                    path,
                    place,
                )


@every_stage
def test_listed_code_exists(name):
    code = [
        dep for dep in paths(STAGES[name]["deps"]) if dep.split("/")[0] in ("mculora", "pipeline")
    ]
    assert [path for path in code if not (PROJECT / path).exists()] == []


@every_stage
def test_inputs_are_somebodys_outputs(name):
    made = [out for other in STAGES for out in outputs(other)]
    for dep in paths(STAGES[name]["deps"]):
        if not is_code(dep):
            assert any(is_inside(dep, out) or is_inside(out, dep) for out in made), dep


def test_each_output_has_one_owner():
    made = [out for name in STAGES for out in outputs(name) if out not in plots(name)]
    made += [plot for name in STAGES for plot in set(plots(name)) - set(made)]
    for place, out in enumerate(made):
        for other in made[place + 1 :]:
            assert not is_inside(out, other) and not is_inside(other, out), f"{out} and {other}"


def test_no_stage_needs_what_a_later_one_makes():
    order = list(STAGES)
    for place, name in enumerate(order):
        later = [out for other in order[place:] for out in outputs(other)]
        for dep in paths(STAGES[name]["deps"]):
            assert not any(is_inside(dep, out) for out in later), f"{name}: {dep}"


def test_stages_stand_in_flow_order():
    order = [info.callback.__name__ for info in app.registered_commands]
    commands = list(dict.fromkeys(command(name) for name in STAGES))
    assert commands == [known for known in order if known in commands]


def test_pythons_caches_do_not_count_as_code():
    assert "__pycache__/" in (PROJECT / ".dvcignore").read_text(encoding="utf-8").splitlines()
