"""Errors compose one sentence from facts."""

import pickle
from pathlib import Path

import pytest

from mculora.errors import InputError, MCULoRAError, MediaError, MissingInputError


def test_input_error_tells_where_what_and_what_to_do():
    error = InputError(Path("a.csv"), found="no rows", expected="some", remedy="fetch it again")
    assert str(error) == "a.csv: found no rows, expected some; fetch it again"
    assert (error.where, error.found, error.expected) == ("a.csv", "no rows", "some")


def test_remedy_is_optional():
    assert str(InputError("rank", found="-1", expected="1 or more")) == (
        "rank: found -1, expected 1 or more"
    )


def test_missing_input_names_the_command():
    error = MissingInputError(Path("data/raw"), command="mculora download")
    assert str(error).endswith("run `mculora download` first")
    assert isinstance(error, InputError)


def test_media_error_keeps_its_reason():
    error = MediaError("a.mp4", "no audio stream")
    assert error.reason == "no audio stream"
    assert str(error) == "a.mp4: no audio stream"


def test_one_root():
    for error in (InputError, MissingInputError, MediaError):
        assert issubclass(error, MCULoRAError)


@pytest.mark.parametrize(
    "error",
    [
        InputError("rank", found="-1", expected="1 or more"),
        MissingInputError(Path("data/raw"), command="mculora download"),
        MediaError("a.mp4", "no audio stream"),
    ],
)
def test_errors_cross_processes(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), vars(again)) == (str(error), vars(error))
