from dataclasses import replace

import pytest
import torch

from mculora.corpora.manifest import Task
from mculora.errors import InputError
from mculora.evaluation.predicted import PredictedTest, read_predictions, write_predictions

LEFT = {"atv": torch.tensor([[1, 1, 0], [0, 0, 0]]) > 0, "rate-0.3": torch.ones(2, 3) > 0}


def record():
    return PredictedTest(
        ids=("1", "02"),
        folds=("Ses01", "Ses02"),
        fold=torch.tensor([0, 1]),
        labels=torch.tensor([1.0, 0.0]),
        task=Task.CLASSIFICATION,
        class_names=("sad", "glad"),
        seeds=(3, 4, 5),
        left=LEFT,
        predictions={"mculora": torch.rand(3, 2, 2, 2), "joint": torch.rand(3, 2, 2, 2)},
        common=torch.rand(3, 7, 2, 2),
        weight=torch.rand(3, 7, 2),
    )


def test_a_record_comes_back_as_it_was_and_in_its_order(tmp_path):
    written = record()
    write_predictions(tmp_path / "p", written)
    read = read_predictions(tmp_path / "p")
    assert (read.ids, read.seeds, read.task) == (written.ids, written.seeds, written.task)
    assert read.conditions == ("atv", "rate-0.3")
    assert read.main == "mculora"
    torch.testing.assert_close(read.of("joint", "rate-0.3"), written.predictions["joint"][:, 1])
    assert read.known("atv").tolist() == [True, False]
    torch.testing.assert_close(read.weight, written.weight)


def test_the_same_record_gives_the_same_bytes(tmp_path):
    written = record()
    for name in ("a", "b"):
        write_predictions(tmp_path / name, written)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_shapes_must_agree():
    with pytest.raises(InputError, match=r"weight.*\(3, 7, 1\)"):
        replace(record(), weight=torch.rand(3, 7, 1))


@pytest.mark.parametrize("content", [b"", b"{}", b"\x08\0\0\0\0\0\0\0{}      "])
def test_something_else_is_one_line(tmp_path, content):
    (tmp_path / "p").write_bytes(content)
    with pytest.raises(InputError, match="mculora evaluate"):
        read_predictions(tmp_path / "p")


def test_no_file_is_one_line(tmp_path):
    with pytest.raises(InputError, match="mculora evaluate"):
        read_predictions(tmp_path / "p")
