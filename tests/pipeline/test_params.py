"""params.yaml: every mistake is one line that names the key."""

from pathlib import Path

import pytest
import yaml

from mculora.errors import InputError
from pipeline.params import parse_params, read_params

COMMITTED = Path(__file__).parents[2] / "params.yaml"


@pytest.fixture
def content():
    return yaml.safe_load(COMMITTED.read_text(encoding="utf-8"))


def test_committed_params_are_valid(content):
    params = read_params(COMMITTED)
    assert params.dataset == "sample"
    assert list(params.seeds) == [params.seed + i for i in range(params.num_seeds)]
    assert params.missing_rates == content["missing_rates"]


def put(content, key, value):
    """Set a dotted key; a whole section is a plain key."""
    *sections, last = key.split(".")
    for section in sections:
        content = content[section]
    content[last] = value


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rank", -1),
        ("rank", 0),
        ("rank", 2.5),
        ("rank", "4"),
        ("rank", True),
        ("rank", None),
        ("seed", -1),
        ("num_seeds", 0),
        ("dataset", "iemocap"),
        ("missing_rates", []),
        ("missing_rates", 0.3),
        ("sample.num_videos", 3),
        ("extract.audio.encoder", ""),
        ("extract.audio.layers", []),
        ("extract.audio.layers", "last"),
        ("extract.text.layers", [1.5]),
        ("extract.visual.num_frames", 0),
        ("extract.visual.align", "yes"),
        ("extract.preset", "huge"),
        ("extract.visual.frames_per_second", 0),
        ("split.missing_rule", "mmin"),
        ("split.validation_share", 1.0),
        ("model.dropout", 1.0),
        ("model.specific", "full"),
        ("model.weight_mlp", "yes"),
        ("model", None),
        ("model", [1]),
        ("train.learning_rate", 0.0),
        ("train.learning_rate", "1e-3"),
        ("train.learning_rate", float("inf")),
        ("train.weight_decay", float("nan")),
        ("train.dpft", True),
        ("train.dpft_range", [0.4]),
        ("train.average_decay", 1.0),
        ("train.average_decay", -0.1),
        ("train.baselines", ["dropout", "dropout"]),
        ("train.baselines", "dropout"),
        ("train.baselines", None),
        ("train.ablations", ["dpft", "specific", "dpft"]),
        ("train.ranks", [2, 4, 2]),
        ("train.ranks", [4, 257]),
        ("train.ranks", 4),
        ("model.adapters", "none"),
        ("model.adapters", True),
        ("model.specific", "none"),
        ("missing_rates", [0.5, 0.5]),
        ("model.hidden", 255),
        ("rank", 257),
    ],
)
def test_wrong_values_are_refused_by_key(content, key, value):
    put(content, key, value)
    with pytest.raises(InputError) as caught:
        parse_params(content)
    assert f"key {key}" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("rate", [-0.1, 0.71, 1.0])
def test_each_missing_rate_is_checked(content, rate):
    content["missing_rates"] = [0.0, rate]
    with pytest.raises(InputError, match=r"key missing_rates\.1"):
        parse_params(content)


@pytest.mark.parametrize(
    ("key", "value"),
    [("train.baselines", "joined"), ("train.ablations", "weights"), ("train.ranks", 0)],
)
def test_an_unknown_member_of_a_list_is_named_with_those_that_there_are(content, key, value):
    put(content, key, [value])
    with pytest.raises(InputError) as caught:
        parse_params(content)
    assert f"key {key}.0: found {value!r}, expected " in str(caught.value)
    expected = {"train.baselines": "'joint'", "train.ablations": "'stage_one'", "train.ranks": "1"}
    assert expected[key] in str(caught.value).partition("expected")[2]


@pytest.mark.parametrize("key", ["train.baselines", "train.ablations", "train.ranks"])
def test_what_is_compared_may_be_nothing(content, key):
    put(content, key, [])
    assert getattr(parse_params(content).train, key.partition(".")[2]) == []


@pytest.mark.parametrize("key", ["ranks", "model.hiden", "extract.audio.frames_per_second"])
def test_unknown_keys_are_refused(content, key):
    put(content, key, 1)
    with pytest.raises(InputError, match=f"key {key}: found an unknown key"):
        parse_params(content)


@pytest.mark.parametrize("key", ["rank", "train", "model.hidden", "extract.visual.layers"])
def test_missing_keys_are_refused(content, key):
    *sections, last = key.split(".")
    section = content
    for name in sections:
        section = section[name]
    del section[last]
    with pytest.raises(InputError, match=f"key {key}: found nothing.*add the key"):
        parse_params(content)


def test_whole_numbers_pass_for_fractions(content):
    content["train"]["weight_decay"] = 0
    assert parse_params(content).train.weight_decay == 0.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "found NoneType"),
        (b"- rank\n", "found list"),
        (b"rank: [1", "not YAML"),
        (b"rank: \xff", "not YAML"),
        (b"rank: !!python/object:os.system {}", "not YAML"),
    ],
)
def test_files_that_are_no_params(tmp_path, text, message):
    path = tmp_path / "params.yaml"
    path.write_bytes(text)
    with pytest.raises(InputError, match=message) as caught:
        read_params(path)
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="run in its folder"):
        read_params(tmp_path / "params.yaml")
