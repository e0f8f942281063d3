"""Look-alikes of the CMU SDK's computational sequences, as its old and its new versions write."""

import json

import h5py
import numpy as np


def write_csd(path, root, entries, *, metadata=None, compression="gzip"):
    """Write one .csd file.

    Args:
        path: The file.
        root: Its one group.
        entries: (features, intervals) by key.
        metadata: JSON values or, as old files have them, plain strings, all by name.
        compression: `gzip` (new files) or None (contiguous, old files).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    level = 9 if compression else None
    with h5py.File(path, "w") as file:
        data = file.create_group(root).create_group("data")
        for key, tables in entries.items():
            group = data.create_group(key)
            for name, table in zip(("features", "intervals"), tables, strict=True):
                group.create_dataset(
                    name,
                    data=np.asarray(table),
                    compression=compression if np.size(table) else None,
                    compression_opts=level if np.size(table) else None,
                )
        facts = {"root name": json.dumps(root), "md5": "None", "creator": "junk ["}
        for name, value in (facts | (metadata or {})).items():
            text = value if isinstance(value, str | bytes) else json.dumps(value)
            place = file.create_dataset(f"{root}/metadata/{name}", (1,), h5py.string_dtype())
            place[0] = text
    return path


def words(*tokens):
    """Words with the pauses between them, in bytes of the width that the longest needs."""
    spoken = [token for word in tokens for token in ("sp", word)]
    starts = np.arange(len(spoken)) / 4
    return np.array([[token.encode()] for token in spoken]), np.stack([starts, starts + 0.25], 1)
