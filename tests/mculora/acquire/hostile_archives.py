"""Archives that no honest program writes, and the tools to write them."""

import bz2
import gzip
import io
import lzma
import stat
import struct
import tarfile
import unicodedata
import warnings
import zipfile
import zlib


def zip_of(*members, method=zipfile.ZIP_DEFLATED):
    """A zip of (name or ZipInfo, content) pairs, in this order, whatever the names."""
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", method) as archive:
        warnings.simplefilter("ignore")  # a name twice is what some of these are about
        for name, content in members:
            entry = name if isinstance(name, zipfile.ZipInfo) else zip_entry(name)
            archive.writestr(entry, content, compress_type=method)
    return file.getvalue()


def zip_entry(name, mode=0):
    entry = zipfile.ZipInfo("x")
    entry.filename = name  # as it is: the constructor would cut it at a NUL
    entry.external_attr = mode << 16
    return entry


def tar_of(*members):
    """A tar of (name or TarInfo, content) pairs, in this order."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in members:
            entry = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


def tar_entry(name, kind, target="", **attributes):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    for attribute, value in attributes.items():
        setattr(entry, attribute, value)
    return entry


def tar_header(name, kind=tarfile.REGTYPE, size=0):
    entry = tar_entry(name, kind, size=size)
    return entry.tobuf(tarfile.GNU_FORMAT)


END_OF_TAR = bytes(1024)
ODD_NAMES = {
    "climbing out": "../escaped.wav",
    "climbing out later": "a/b/../../../escaped.wav",
    "climbing in and out": "a/../a.wav",
    "absolute": "/tmp/escaped.wav",
    "drive letter": "C:/escaped.wav",
    "drive letter inside": "a/c:/escaped.wav",
    "backslashes": "..\\..\\escaped.wav",
    "Windows share": "\\\\server\\share\\escaped.wav",
    "hidden climb": ".hidden/../../escaped.wav",
    "long name": "x" * 300 + ".wav",
    "long path": "abcdefgh/" * 400 + "x.wav",
    "deep": "d/" * 1000 + "x.wav",
    "line break": "a\nb.wav",
    "terminal codes": "a\x1b[31m.wav",
    "right to left": "a\u202evaw.exe",
}
COLLISIONS = {
    "twice": ("a/x.wav", "a/x.wav"),
    "by case": ("a/x.wav", "a/X.wav"),
    "by case of folder": ("a/x.wav", "A/x.wav"),
    "by accents": ("\u00e9.wav", unicodedata.normalize("NFD", "\u00e9.wav")),
    "by dots": ("a/x.wav", "a/./x.wav"),
    "file then folder": ("a", "a/x.wav"),
    "folder then file": ("a/x.wav", "a"),
    "file then folder by case": ("a", "A/x.wav"),
}


def odd_names():
    for name, path in ODD_NAMES.items():
        yield f"zip: {name}", zip_of(("ok.wav", b"ok"), (path, b"bad"))
        yield f"tar: {name}", tar_of(("ok.wav", b"ok"), (path, b"bad"))
    yield "zip: NUL", zip_of(("a.wav\0.txt", b"bad"))


def collisions():
    for name, (first, second) in COLLISIONS.items():
        yield f"zip: {name}", zip_of((first, b"1"), (second, b"2"))
        yield f"tar: {name}", tar_of((first, b"1"), (second, b"2"))


def links_and_devices(outside):
    """Wanted members that are no files, some to write through with the next member."""
    target, file = str(outside), b"through"
    link = zip_entry("link", stat.S_IFLNK | 0o777)
    fifo = zip_entry("fifo", stat.S_IFIFO)
    yield "zip: link", zip_of((link, target.encode()))
    yield "zip: link and through", zip_of((link, target.encode()), ("link/escaped.wav", file))
    yield "zip: fifo", zip_of((fifo, b""))
    kinds = {
        "link": tar_entry("link", tarfile.SYMTYPE, target),
        "relative link": tar_entry("link", tarfile.SYMTYPE, "../outside"),
        "hard link": tar_entry("link", tarfile.LNKTYPE, f"{target}/sentinel"),
        "fifo": tar_entry("fifo", tarfile.FIFOTYPE),
        "device": tar_entry("null", tarfile.CHRTYPE, devmajor=1, devminor=3),
        "disk": tar_entry("disk", tarfile.BLKTYPE, devmajor=8, devminor=0),
    }
    for name, entry in kinds.items():
        yield f"tar: {name}", tar_of((entry, b""))
    yield "tar: link and through", tar_of((kinds["link"], b""), ("link/escaped.wav", file))
    yield "tar: file over link", tar_of((kinds["link"], b""), ("link", file))


def damaged():
    """Archives that broke on their way, or lie about what is in them."""
    content = bytes(range(256)) * 40
    honest_zip = zip_of(("a.wav", content), ("b.wav", content))
    stored = zip_of(("a.wav", content), method=zipfile.ZIP_STORED)
    honest_tar = tar_of(("a.wav", content), ("b.wav", content))
    second = 512 + len(content)
    packed = gzip.compress(honest_tar)
    yield "zip: cut off", honest_zip[: len(honest_zip) // 2]
    yield "zip: without its end", honest_zip[:-4]
    yield "zip: another byte", stored.replace(content[:9], b"!" + content[1:9], 1)
    yield "zip: directory only", b"PK\x03\x04" + honest_zip[len(honest_zip) - 150 :]
    yield "zip: smaller than it says", larger_zip(honest_zip, 99)
    yield "zip: larger than it says", larger_zip(honest_zip, -99)
    yield "zip: nothing but a mark", b"PK\x03\x04"
    yield "tar: cut off in a file", honest_tar[: second + 700]
    yield "tar: cut off between files", honest_tar[:second]
    yield "tar: cut off in a header", honest_tar[: second + 100]
    yield "tar: bad header", honest_tar[:second] + b"?" + honest_tar[second + 1 :]
    yield "tar: two of them", honest_tar + honest_tar
    yield "tar: negative size", tar_header("a.wav", size=-512) + END_OF_TAR
    yield "tar.gz: cut off", packed[:-9]
    yield "tar.gz: half", packed[: len(packed) // 2]
    yield "tar.gz: wrong checksum", packed[:-8] + b"????" + packed[-4:]
    yield "tar.gz: rubbish behind", packed + b"<html>"
    yield "tar.bz2: half", bz2.compress(honest_tar)[:-60]
    yield "tar.xz: half", lzma.compress(honest_tar)[:-60]


def larger_zip(archive, num_bytes):
    """Change the unpacked size that the directory says of the first member."""
    place = archive.index(b"PK\x01\x02") + 24
    (size,) = struct.unpack_from("<I", archive, place)
    return archive[:place] + struct.pack("<I", size + num_bytes) + archive[place + 4 :]


def overlapping_zip(num_files=2000, num_bytes=10_000_000):
    """Many members that share the same packed bytes."""
    archive = zip_of(("0000.wav", bytes(num_bytes)))
    directory = archive.index(b"PK\x01\x02")
    end = archive.index(b"PK\x05\x06")
    entry = archive[directory:end]
    entries = b"".join(entry.replace(b"0000.wav", b"%04d.wav" % i) for i in range(num_files))
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, num_files, num_files, len(entries),
                       directory, 0)  # fmt: skip
    return archive[:directory] + entries + tail


def gzip_of_zeros(*parts):
    """Parts of a tar, numbers standing for so many zeros, packed without being held."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = []
    for part in parts:
        if isinstance(part, bytes):
            packed.append(packer.compress(part))
        else:
            packed += [packer.compress(bytes(2**20)) for _ in range(part // 2**20)]
    return b"".join([*packed, packer.flush()])


def sparse_header(size):
    """An old GNU sparse file: 512 bytes here, `size` when unpacked."""
    block = bytearray(tar_header("holes.wav", tarfile.GNUTYPE_SPARSE, 512))
    block[386:410] = b"%011o\0%011o\0" % (size - 512, 512)
    block[483:495] = b"%011o\0" % size
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + bytes(512)


BOMBS = {
    "zip: zeros": lambda: zip_of(("zeros.wav", bytes(200_000_000))),
    "zip: overlapping": overlapping_zip,
    "zip: claims": lambda: larger_zip(zip_of(("a.wav", b"a" * 99)), 4_000_000_000),
    "zip: many files": lambda: zip_of(*((f"{i}.wav", b"") for i in range(5_000))),
    "zip: long directory": lambda: zip_of(
        *((f"{i}{'x' * 9_000}/.hidden", b"") for i in range(300))
    ),
    "tar.gz: zeros": lambda: gzip_of_zeros(tar_header("zeros.wav", size=2**28), 2**28, END_OF_TAR),
    "tar.gz: zeros nobody wants": lambda: gzip_of_zeros(
        tar_header(".zeros", size=2**28), 2**28, tar_header("a.wav"), END_OF_TAR
    ),
    "tar.gz: long name": lambda: gzip_of_zeros(
        tar_header("././@LongLink", tarfile.GNUTYPE_LONGNAME, 2**28), 2**28, END_OF_TAR
    ),
    "tar.gz: long header": lambda: gzip_of_zeros(
        tar_header("pax", tarfile.XHDTYPE, 2**28), 2**28, END_OF_TAR
    ),
    "tar.gz: names of names": lambda: gzip_of_zeros(
        (tar_header("././@LongLink", tarfile.GNUTYPE_LONGNAME, 512) + b"x".ljust(512, b"\0"))
        * 5_000,
        END_OF_TAR,
    ),
    "tar.gz: many files": lambda: gzip_of_zeros(tar_header(".hidden") * 5_000, END_OF_TAR),
    "tar: holes": lambda: sparse_header(2**32) + bytes(512) + END_OF_TAR,
}
"""Small archives that would fill a disk, the memory, or a day. Meant for `BOMB_LIMITS`."""
BOMB_LIMITS = {"max_files": 1_000, "max_ratio": 20, "free_bytes": 10_000_000}
