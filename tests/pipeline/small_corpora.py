"""Corpora of a few bytes, as folders, archives and files on a server; and params.yaml for them."""

import io
import sys
import tarfile
import zipfile
from pathlib import Path

import yaml

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT / "tests/mculora/acquire"))  # for http_server

IEMOCAP = {
    "Session1/dialog/EmoEvaluation/Ses01F_impro09.txt": b"emotions",
    "Session1/dialog/transcriptions/Ses01F_impro09.txt": b"words",
    "Session1/dialog/wav/Ses01F_impro09.wav": b"both",
    "Session1/sentences/wav/Ses01F_impro09/Ses01F_impro09_F000.wav": b"her",
}
"""What is needed of IEMOCAP."""
UNNEEDED = {
    "._Session1": b"\0\5\x16\7",
    "__MACOSX/Session1/dialog/wav/._Ses01F_impro09.wav": b"\0\5\x16\7",
    "Documentation/speech.txt": b"read me",
    "Session1/dialog/EmoEvaluation/._Ses01F_impro09.txt": b"\0\5\x16\7",
    "Session1/dialog/EmoEvaluation/Attribute/Ses01F_impro09_e1.atr": b"one rater",
    "Session1/dialog/MOCAP_hand/Ses01F_impro09.txt": b"hands",
}
"""What else lies in such a release."""
RELEASE = UNNEEDED | IEMOCAP
ENTRIES = ("wav2vec-large-c-UTT", "deberta-large-4-UTT", "manet_UTT")
"""The published features that params.yaml names."""
LABELS = "IEMOCAP_features_raw_4way.pkl"


def write_tree(folder, files):
    """Write files, and return their folder."""
    for name, content in files.items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return Path(folder)


def below(root, files):
    """The same files in a folder more."""
    return {f"{root}/{name}": content for name, content in files.items()}


def zip_of(files):
    """A zip archive as bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tar_of(files, compression=""):
    """A tar archive as bytes: plain, or compressed by gz, bz2 or xz."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{compression}") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def write_params(folder, *, sources, **values):
    """Write params.yaml with some other top-level values, and other sources of some datasets."""
    content = yaml.safe_load((PROJECT / "params.yaml").read_text(encoding="utf-8"))
    for dataset, artefacts in sources.items():
        content["sources"][dataset] |= artefacts
    path = Path(folder, "params.yaml")
    path.write_text(yaml.safe_dump(content | values), encoding="utf-8")


def content_below(folder):
    """Every file below a folder, also behind links, with its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


def state_of(folder):
    """Everything below a folder as far as a program could have changed it."""
    return {
        path.relative_to(folder).as_posix(): (
            path.readlink() if path.is_symlink() else path.is_file() and path.read_bytes(),
            path.lstat().st_mtime_ns,
            path.lstat().st_ino,
        )
        for path in sorted(Path(folder).rglob("*"))
    }
