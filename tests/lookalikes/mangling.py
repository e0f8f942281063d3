"""Bytes for property tests of parsers: arbitrary ones, and valid files with damage."""

from hypothesis import strategies as st


@st.composite
def mangled(draw, *valid):
    """Draw a file's content: pieces of valid ones, between and inside of them anything."""
    pieces = draw(st.lists(st.one_of(st.sampled_from(valid), st.binary(max_size=20)), max_size=8))
    content = bytearray(b"".join(pieces))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(content)))
        content[place : place + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(content)
