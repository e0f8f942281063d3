"""Whatever a server writes into its headers, it is an answer or a reason."""

from hypothesis import example, given
from hypothesis import strategies as st

from mculora.acquire.answer import Answer
from mculora.acquire.arrival import Interrupted
from mculora.acquire.remote import Credentials, Remote
from mculora.errors import InputError

PAGE = b"<!DOCTYPE html><title>Gone\x1b[31m</title>"
ZIP = b"PK\x03\x04".ljust(600, b"x")
HEADERS = [
    *("Content-Length", "Content-Range", "Content-Type", "Content-Encoding", "Transfer-Encoding"),
    *("ETag", "Last-Modified", "Retry-After", "WWW-Authenticate"),
]
VALUES = st.one_of(
    st.text(),
    st.from_regex(r"bytes [0-9]{0,30}-[0-9]{0,30}/[0-9*]{0,30}"),
    st.from_regex(r"[0-9]{1,5000}"),
    st.from_regex(
        r"[A-Z][a-z]{2}, [0-9]{1,9} [A-Z][a-z]{2} [0-9]{1,9} [0-9:]{1,12} [A-Z0-9+-]{1,9}"
    ),
)


@given(
    headers=st.dictionaries(st.sampled_from(HEADERS), VALUES),
    status=st.integers(0, 1000),
    head=st.binary(max_size=600) | st.sampled_from([PAGE, ZIP]),
    first_byte=st.integers(0, 9),
    name=st.sampled_from(["a.zip", "a.tar.gz", "a", "a.csv"]),
)
@example({"Retry-After": "Fri, 99 Jan 99999 99:99:99 +99999"}, 503, b"", 0, "a")
@example({"Content-Length": "9" * 5000}, 200, b"PK\x03\x04", 0, "a.zip")
def test_any_headers_give_an_answer_or_a_reason(headers, status, head, first_byte, name):
    remote = Remote("http://h/a", 600, credentials=Credentials("a", "b"))
    answer = Answer(remote, first_byte, status, headers, "h", False)
    assert answer.end is None or answer.end >= 0
    for check in (
        answer.check_status,
        answer.check_range,
        answer.check_size,
        lambda: answer.check_beginning(head, name),
    ):
        try:
            check()
        except (InputError, Interrupted) as error:
            assert "\x1b" not in str(error)
