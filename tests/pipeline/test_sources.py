"""The `sources` section of params.yaml: one place or many, and what cannot be meant."""

import pytest
import yaml
from small_corpora import PROJECT

from mculora.acquire.checksums import Known
from mculora.errors import InputError
from pipeline.params import parse_params
from pipeline.sources import Source, artefact_names, is_remote

MD5 = "0123456789abcdef" * 2
SHA256 = MD5 * 2


@pytest.fixture
def parse():
    """Parse the project's params.yaml with another `sources.mosei`; give those sources."""

    def parse_with(sources, dataset="mosei"):
        content = yaml.safe_load((PROJECT / "params.yaml").read_text(encoding="utf-8"))
        content["sources"][dataset] = sources
        return parse_params(content).sources[dataset]

    return parse_with


@pytest.mark.parametrize(
    ("at", "places"),
    [(None, ()), ([], ()), ("a b", ("a b",)), (["b", "a"], ("b", "a"))],
)
def test_at_is_nothing_one_place_or_several(parse, at, places):
    assert parse({"raw": {"at": at}})["raw"].at == places


def test_sums_are_nothing_one_or_several(parse):
    source = {"at": "x", "bytes": 3, "md5": MD5.upper(), "sha256": [SHA256, SHA256]}
    assert parse({"raw": source})["raw"].known == Known(3, (MD5,), (SHA256, SHA256))
    assert parse({"raw": {"at": "x"}})["raw"].known == Known()


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({}, "key sources.mosei.raw.at: found nothing"),
        ("/data", "key sources.mosei.raw: found '/data'"),
        (None, "key sources.mosei.raw: found None"),
        ({"at": ""}, "key sources.mosei.raw.at.0: found ''"),
        ({"at": 3}, "key sources.mosei.raw.at: found 3"),
        ({"at": ["a", 3]}, "key sources.mosei.raw.at.1: found 3"),
        ({"at": ["a", "a"]}, "key sources.mosei.raw.at: found 'a place twice'"),
        ({"at": ["a", "b"], "bytes": 3}, "expected one, where size or sum is given"),
        ({"at": ["a", "b"], "md5": MD5}, "expected one, where size or sum is given"),
        ({"at": "a", "md5": MD5[1:]}, f"key sources.mosei.raw.md5.0: found '{MD5[1:]}'"),
        ({"at": "a", "md5": [MD5, "?"]}, "key sources.mosei.raw.md5.1: found '?'"),
        ({"at": "a", "md5": SHA256}, "key sources.mosei.raw.md5.0"),
        ({"at": "a", "sha256": MD5}, "key sources.mosei.raw.sha256.0"),
        ({"at": "a", "bytes": 0}, "key sources.mosei.raw.bytes: found 0"),
        ({"at": "a", "bytes": "126 GB"}, "key sources.mosei.raw.bytes: found '126 GB'"),
        ({"at": "a", "auth_env": "my name"}, "key sources.mosei.raw.auth_env: found 'my name'"),
        ({"at": "a", "md5sum": MD5}, "key sources.mosei.raw.md5sum: found an unknown key"),
    ],
)
def test_what_cannot_be_meant_is_one_line(parse, source, told):
    with pytest.raises(InputError) as error:
        parse({"raw": source})
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_unknown_part(parse):
    with pytest.raises(InputError, match=r"sources\.mosei\.rwa: .* expected folds or labels or "):
        parse({"rwa": {"at": None}})
    with pytest.raises(InputError, match=r"sources\.clips\.raw: .* expected table$"):
        parse({"raw": {"at": None}}, dataset="clips")
    with pytest.raises(InputError, match=r"sources\.sample\.raw: .* expected no part"):
        parse({"raw": {"at": None}}, dataset="sample")


@pytest.mark.parametrize("address", ["https://ann:secret@host/x.zip", "ftp://secret@host"])
def test_a_password_in_an_address_is_refused_and_not_shown(parse, address):
    with pytest.raises(InputError) as error:
        parse({"raw": {"at": ["a", address]}})
    assert "key sources.mosei.raw.at: found 'a user or password inside an address'" in str(
        error.value
    )
    assert "auth_env" in str(error.value)
    assert "secret" not in str(error.value)


def test_an_at_sign_elsewhere_is_no_password(parse):
    places = ["https://host/@ann/x.zip", "/home/ann@work/x.zip", "https://host/x?mail=a@b"]
    assert parse({"raw": {"at": places}})["raw"].at == tuple(places)


def test_a_dataset_may_have_no_sources(parse):
    assert parse({}) == {}


@pytest.mark.parametrize("place", ["http://host/a", "https://host", "file:///a", "ftp://host/a"])
def test_addresses_are_remote(place):
    assert is_remote(place)


@pytest.mark.parametrize("place", ["a", "/a/b.zip", "~/a", "C:\\a", "a:b", ".."])
def test_paths_are_not(place):
    assert not is_remote(place)


def test_names_of_parts():
    assert artefact_names("sample") == []
    assert artefact_names("clips") == ["table"]
    assert artefact_names("iemocap4") == ["published", "published_labels", "raw"]
    assert Source(at=("a",)).at == ("a",)
