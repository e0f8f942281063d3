"""What lies in an IEMOCAP release beside the files that are needed."""

import os
from pathlib import Path

_MOCAP = ("MOCAP_hand", "MOCAP_head", "MOCAP_rotated")
_ANVIL = (
    '<?xml version="1.0" encoding="ISO-8859-1"?>\n<annotation><head><info key="caf\xe9"/></head>'
    '<body><track name="Female.Emotion"><el index="0" start="0.5" end="1.5">'
    '<attribute name="Emotion">Neutral state</attribute></el></track></body></annotation>\n'
)


def write_file(path, text):
    """Write text or bytes as they are, with the folders above."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def write_dialogue_decoys(session, turns, *, lacks_alignment):
    """Write a dialogue's per-rater files, labels, motion capture and alignments.

    Args:
        session: The session's folder.
        turns: The dialogue's.
        lacks_alignment: Whether one `.wdseg` file is missing, as in the release.
    """
    name = turns[0].dialogue
    _write_raters(session / "dialog/EmoEvaluation", turns)
    for letter in "FM":
        rows = [f"{t.start:.6f} {t.end:.6f} {t.id}\n" for t in turns if t.letter == letter]
        path = session / f"dialog/lab/{name[:5]}_{letter}/{name}.lab"
        write_file(path, "#\n" + "".join(rows))
    for kind in _MOCAP:
        write_file(session / f"dialog/{kind}/{name}.txt", "Frame# Time MH_X MH_Y\n1 0.0 NaN 2.5\n")
        for turn in turns:
            write_file(session / f"sentences/{kind}/{name}/{turn.id}.txt", "Frame# Time\n1 0.0\n")
    for turn in turns:
        for suffix in ("wdseg", "phseg", "syseg"):
            path = session / f"sentences/ForcedAlignment/{name}/{turn.id}.{suffix}"
            if not (lacks_alignment and turn.id.endswith("_M001") and suffix == "wdseg"):
                write_file(path, "\tSFrm  EFrm    SegAScr Word\n\t   0    31    -187234 <s>\n")


def write_release_decoys(folder, root):
    """Write what the release holds once, and what a Mac leaves beside everything."""
    write_file(root / "README.txt", "An invented corpus.\n")
    for name in ("corpus.dic", "HumaineInfo.txt", "phonemes.txt", "timeinfo.txt"):
        write_file(root / "Documentation" / name, "Session1 dialog\n")
    for place, _, names in list(os.walk(root)):
        if names:
            write_file(Path(place, f"._{min(names)}"), b"\0\5\26\7\0\2\0\0Mac OS X")
    write_file(folder / f"._{root.name}", b"\0\5\26\7")


def _write_raters(folder, turns):
    name = turns[0].dialogue
    categories = "".join(f"{turn.id} :Neutral state; :Excited; (so; so: so)\n" for turn in turns)
    attributes = "".join(f"{turn.id} :act 4; :val 3; :dom  ; ()\n" for turn in turns)
    for place, text in (
        (f"Categorical/{name}_e2_cat", categories),
        (f"Attribute/{name}_e3_atr", attributes),
        (f"Self-evaluation/{name}_f1_cat", categories),
        (f"Self-evaluation/{name}_m1_atr", attributes),
    ):
        write_file(folder / f"{place}.txt", text)
        write_file(folder / f"{place}.anvil", _ANVIL.encode("iso-8859-1"))
