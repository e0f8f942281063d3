"""Addresses that may be fetched, and the safe names of what they lead to."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mculora.acquire.remote import Remote, name_of
from mculora.errors import InputError

SECRET = "pa55-of-nobody"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://h/raw/CMU_MOSEI.zip", "CMU_MOSEI.zip"),
        ("http://h/iemocap/small/", "small"),
        ("https://h/a.tar.gz?token=x/y#z", "a.tar.gz"),
        ("https://h", "download"),
        ("https://h/%2e%2e%2fetc%2fpasswd", "passwd"),
        ("https://h/..", "download"),
        ("https://h/.hidden", "hidden"),
        ("https://h/a%00b%5Cc d.csd", "a_b_c_d.csd"),
        ("https://h/" + "x" * 999 + ".zip", "x" * 146 + ".zip"),
    ],
)
def test_names(url, name):
    assert name_of(url) == name


@given(st.text())
@example("%2e/%2f/.%5c")
def test_names_are_always_safe(path):
    name = name_of(f"https://host/{path}")
    assert name == Path(name).name
    assert 0 < len(name.encode()) <= 150
    assert not name.startswith((".", "-"))


@pytest.mark.parametrize(
    "url",
    [
        f"http://nobody:{SECRET}@h/a.zip",
        f"https://nobody:{SECRET}@h:bad/a.zip",
        f"ftp://nobody:{SECRET}@h/a.zip",
        f"http://nobody:12{SECRET[:3]}/{SECRET}@h/a.zip",
        f"http://[{SECRET}@h/a.zip",
    ],
)
def test_secrets_in_an_address_are_refused_and_not_repeated(url):
    with pytest.raises(InputError) as caught:
        Remote(url)
    assert SECRET not in str(caught.value)
    assert "nobody" not in str(caught.value)


def test_address_with_a_password_says_where_it_belongs():
    with pytest.raises(InputError, match="take them out and set the user and the password in the"):
        Remote("http://u:p@h/a.zip")


@pytest.mark.parametrize(
    "url", ["", "a.zip", "file:///etc/hosts", "ftp://h/a.zip", "http://", "http://h:bad/", "http:a"]
)
def test_useless_addresses(url):
    with pytest.raises(InputError, match="no usable address"):
        Remote(url)
