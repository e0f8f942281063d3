"""The grammars of IEMOCAP's files and names: what is read, what is listed, what never raises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iemocap_decoys import write_file

from mculora.corpora.iemocap.evaluations import Evaluation, read_evaluations
from mculora.corpora.iemocap.names import TurnName, session_of
from mculora.corpora.iemocap.transcripts import Words, read_transcript
from mculora.corpora.manifest import Dropped
from mculora.corpora.utterance import FrameRegion

NAME = "Ses01F_impro09"


# Evaluation files

LINE = f"[5.1200 - 7.9050]\t{NAME}_F000\tneu\t[2.5000, 2.5000, 3.0000]"


def parse(tmp_path, content):
    return read_evaluations(write_file(tmp_path / f"EmoEvaluation/{NAME}.txt", content))


@pytest.mark.parametrize(
    "line",
    [
        LINE,
        LINE + " \t ",
        "\ufeff" + LINE,
        "\r\n" + LINE + "\r\n",
        LINE + "\r",
        LINE.replace("\t", "  "),
        LINE.replace("[2.5000, 2.5000, 3.0000]", "[ 2.5 ,2.5,+3.]"),
        LINE.replace(" - ", "-").removesuffix("]"),
    ],
)
def test_summary_lines(tmp_path, line):
    (item,) = parse(tmp_path, line)
    assert (item.id, item.emotion) == (f"{NAME}_F000", "neu")
    assert (item.start_seconds, item.end_seconds) == (5.12, 7.905)
    assert item.ratings == {"valence": 2.5, "activation": 2.5, "dominance": 3.0}


@pytest.mark.parametrize(
    ("means", "missing"),
    [
        ("[2.5000, 2.5000, ]", "dominance"),
        ("[2.5000, 2.5000]", "dominance"),
        ("[2.5000, nan, 1e9]", "activation, dominance"),
        ("[]", "valence, activation, dominance"),
        ("", "valence, activation, dominance"),
    ],
)
def test_missing_means_are_left_out_and_listed(tmp_path, means, missing):
    item, note = parse(tmp_path, LINE[: LINE.rindex("[")] + means)
    assert note == Dropped(item.id, f"mean rating that is no number: {missing}")
    assert [*item.ratings, *missing.split(", ")][-3:] == [
        *item.ratings,
        *(r for r in ("valence", "activation", "dominance") if r not in item.ratings),
    ]


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("7.9050", "5.1200", "empty time window"),
        ("7.9050", "5.1100", "empty time window"),
        ("5.1200", "-5.1200", "empty time window"),
        ("7.9050", "1e3", "unreadable evaluation line"),
        ("7.9050", "9" * 400, "unreadable evaluation line"),
        ("[5", "5", "unreadable evaluation line"),
        ("\tneu\t", "\t", "unreadable evaluation line"),
        ("_F000", "_X000", "no turn of this dialogue"),
        ("_F000", "_F00", "no turn of this dialogue"),
        ("Ses01F", "Ses01M", "no turn of this dialogue"),
        ("impro09", "impro09a", "no turn of this dialogue"),
        (LINE, "Neutral", "unreadable evaluation line"),
    ],
)
def test_unusable_summary_lines(tmp_path, old, new, kind):
    good = LINE.replace("F000", "F001")
    item, kept = parse(tmp_path, f"{LINE.replace(old, new, 1)}\n\n{good}\n")
    assert item.kind == kind
    assert kept.id == f"{NAME}_F001"


@pytest.mark.parametrize(
    "line",
    [
        "C-E2:\tNeutral;\t()",
        "C-E4:\tAnger; Frustration;\t(a bit; or: [5.1 - 7.9] not)",
        "A-E3:\tval 3; act 2; dom  ;\t()",
        "A-M1:\tval 3; act 2; dom  2;\t",
        "C-F1 :  ",
        "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]",
    ],
)
def test_lines_of_raters_are_passed_over(tmp_path, line):
    assert parse(tmp_path, f"{line}\n{LINE}\n{line}\n") == parse(tmp_path, LINE)


def test_turn_evaluated_again(tmp_path):
    first, again = parse(tmp_path, f"{LINE}\n{LINE.replace('neu', 'sad')}\n")
    assert first.emotion == "neu"
    assert again == Dropped(first.id, f"turn evaluated again: EmoEvaluation/{NAME}.txt line 2")


def test_unusable_first_evaluation_leaves_room_for_a_second(tmp_path):
    empty, second = parse(tmp_path, f"{LINE.replace('7.9', '0.9')}\n{LINE}\n")
    assert (empty.id, empty.kind, second.emotion) == (second.id, "empty time window", "neu")


def test_bad_bytes_and_nuls_cost_no_line(tmp_path):
    content = f"C-E2:\tNeutral;\t(caf\xe9)\n{LINE}\0\n".encode("latin-1")
    note, nul, item = parse(tmp_path, content)
    assert note == Dropped(f"EmoEvaluation/{NAME}.txt line 1", "bytes that are not UTF-8 text")
    assert (nul.id, nul.kind) == (f"EmoEvaluation/{NAME}.txt line 2", note.kind)
    assert item.id == f"{NAME}_F000"


# Transcripts


def parse_words(tmp_path, content):
    return read_transcript(write_file(tmp_path / f"transcriptions/{NAME}.txt", content))


@pytest.mark.parametrize(
    "text",
    [
        "Could you wait a second please.",
        "I have been waiting-- for an hour: no more.",
        "[LAUGHTER] Well, you know...",
        "[GARBAGE]: then [it] was [one]: over",
        ": colon first",
        "",
        "one\u2028two\x0bthree",
        "M: [BREATHING]",
    ],
)
def test_texts_keep_their_colons_and_brackets(tmp_path, text):
    (item,) = parse_words(tmp_path, f"{NAME}_F000 [005.1200-007.9050]: {text}  \r\n\r\n")
    assert item == Words(f"{NAME}_F000", text)


def test_times_of_transcripts_do_not_matter(tmp_path):
    (item,) = parse_words(tmp_path, f"{NAME}_MXX0 [?]: Mmhmm.")
    assert item == Words(f"{NAME}_MXX0", "Mmhmm.")


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("M: [BREATHING]", "words outside the turns"),
        ("F: (MM)", "words outside the turns"),
        ("F:", "words outside the turns"),
        (f"{NAME}_F000 no times", "unreadable transcript line"),
        (f"{NAME}_F000 [005.1200-007.9050] no colon", "unreadable transcript line"),
        (f"{NAME}_F [005.1200-007.9050]: x", "no turn of this dialogue"),
        ("Ses01M_impro09_F000 [005.1200-007.9050]: x", "no turn of this dialogue"),
    ],
)
def test_transcript_lines_that_are_listed(tmp_path, line, kind):
    item, kept = parse_words(tmp_path, f"{line}\n{NAME}_F001 [1-2]: x")
    assert (item.id, item.kind) == (f"transcriptions/{NAME}.txt line 1", kind)
    assert kept.id == f"{NAME}_F001"


def test_bad_byte_costs_a_character(tmp_path):
    note, item = parse_words(tmp_path, f"{NAME}_F000 [1-2]: caf\xe9 time".encode("latin-1"))
    assert note.kind == "bytes that are not UTF-8 text"
    assert item.text == "caf\ufffd time"


# Names


@pytest.mark.parametrize(
    ("turn", "speaker", "region"),
    [
        ("Ses01F_impro09_F000", "Ses01F", FrameRegion.LEFT),
        ("Ses02F_script03_3b_M012", "Ses02M", FrameRegion.RIGHT),
        ("Ses04M_impro09a_F103", "Ses04F", FrameRegion.RIGHT),
        ("Ses05M_script02_3_MXX3", "Ses05M", FrameRegion.LEFT),
    ],
)
def test_who_speaks_and_where(turn, speaker, region):
    name = TurnName.parse(turn)
    assert (name.id, name.speaker, name.region) == (turn, speaker, region)
    assert name.gender == {"F": "female", "M": "male"}[speaker[-1]]
    assert name.session == session_of(name.dialogue) == f"Session{turn[4]}"
    assert turn.startswith(f"{name.dialogue}_")


@pytest.mark.parametrize(
    "text",
    [
        *("", "Ses06F_impro09_F000", "Ses01X_impro09_F000", "Ses01F_impro00_F000"),
        *("Ses01F_impro09c_F000", "Ses01F_script04_1_F000", "Ses01F_impro09_F0000"),
        *("Ses01F_impro09_FXXX", "Ses01F_impro09_F00٣", " Ses01F_impro09_F000"),
        *("Ses01F_impro09_F000\n", "._Ses01F_impro09_F000", "Ses01F_impro09"),
    ],
)
def test_what_is_no_turn(text):
    assert TurnName.parse(text) is None


ID = r"Ses0[1-5][FM]_(?:impro0[1-9][ab]?|script0[1-3]_[1-3]b?)_[FM](?:[0-9]{3}|XX[0-9])"


@given(st.from_regex(ID, fullmatch=True))
def test_names_are_taken_apart_without_loss(text):
    name = TurnName.parse(text)
    assert name.id == text
    assert name.dialogue == text.rpartition("_")[0]
    assert name.speaker == text[:5] + text.rpartition("_")[2][0]
    assert (name.region is FrameRegion.LEFT) == (text[5] == name.speaker[-1])


@given(st.text())
def test_any_text_is_a_name_or_none(text):
    assert TurnName.parse(text) is None
    assert session_of(text) is None


# Anything at all


@pytest.fixture(scope="module")
def arena(tmp_path_factory):
    """A folder whose files are overwritten again and again."""
    return tmp_path_factory.mktemp("arena")


VALID = f"""{LINE}
C-E2:\tNeutral;\t()
A-E3:\tval 3; act 2; dom  ;\t(a: b; c)

{LINE.replace("F000", "M000").replace("neu", "xxx")}
{NAME}_F000 [005.1200-007.9050]: [LAUGHTER] no: more.
M: [BREATHING]
{NAME}_MXX0 [005.1200-007.9050]: Mmhmm.
""".encode()
EDITS = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 40), st.binary(max_size=12)), max_size=6
)
"""Places, numbers of bytes to delete there, and bytes to insert."""


@st.composite
def spoilt(draw):
    content = VALID
    for place, length, inserted in draw(EDITS):
        content = content[:place] + inserted + content[place + length :]
    return content


@given(content=st.binary() | spoilt())
def test_parsers_take_any_bytes(arena, content):
    """Every item is well-formed, and no turn comes twice."""
    for items, kind in ((parse(arena, content), Evaluation), (parse_words(arena, content), Words)):
        kept = [item for item in items if isinstance(item, kind)]
        assert items
        assert len({item.id for item in kept}) == len(kept)
        for item in items:
            assert item.id.isprintable()
            assert isinstance(item, kind | Dropped)
        if kind is Evaluation:
            assert all(0 <= item.start_seconds < item.end_seconds < 1e9 for item in kept)
