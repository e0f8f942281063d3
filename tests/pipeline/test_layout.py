"""Every artefact has its own place, inside the project."""

from pathlib import Path

import pytest

from mculora.errors import MissingInputError
from mculora.modality import Modality
from pipeline.layout import Layout, require


def artefacts(layout):
    yield from (layout.raw, layout.corpus, layout.split, layout.models, layout.results)
    yield from (layout.features(modality) for modality in Modality)
    yield layout.report


def test_no_artefact_is_inside_another():
    paths = list(artefacts(Layout("sample")))
    for path in paths:
        assert not any(path.is_relative_to(other) for other in paths if other is not path)
        assert not path.is_absolute()


def test_no_file_has_the_place_of_another():
    layout = Layout("sample")
    properties = [name for name, value in vars(Layout).items() if isinstance(value, property)]
    paths = {name: getattr(layout, name) for name in properties}
    assert len(set(paths.values())) == len(paths)
    assert layout.conflict.parent == layout.history.parent == layout.models
    tables = (layout.by_rank, layout.ablations, layout.by_combination, layout.by_missing_rate)
    assert {path.parent for path in tables} == {layout.results}


def test_datasets_do_not_share_what_is_made_from_them():
    for name in ("raw", "corpus", "split", "models"):
        assert getattr(Layout("sample"), name) != getattr(Layout("mosei"), name)


def test_root_moves_everything():
    here, there = Layout("sample"), Layout("sample", Path("there"))
    for path, moved in zip(artefacts(here), artefacts(there), strict=True):
        assert moved == Path("there") / path


def test_require_returns_what_exists(tmp_path):
    assert require(tmp_path, command="mculora download") == tmp_path


def test_require_names_the_command(tmp_path):
    with pytest.raises(MissingInputError, match="run `mculora prepare` first"):
        require(tmp_path / "corpus", command="mculora prepare")
