"""Common and specific representations as they are shown: places in a plane, and numbers beside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mculora.modality import ModalityCombination

Places = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Projected:
    """n utterances under one combination.

    Attributes:
        combination: Which one.
        ids: The utterances.
        labels: Their scores or class indices.
        common: (n, 2), where each common representation lies in the picture; None where there are
            too few utterances, or nothing that differs.
        specific: (n, 2), likewise in the same picture.
        silhouette: How far common and specific lie apart, in [-1, 1]: the mean silhouette of the
            two kinds, each dimension standardised; None where it is undefined.
        label_from_common: How well a linear probe reads the label (of a non-zero score its sign)
            from the common representation of other dialogues: mean recall of the classes; None
            where there are too few of a class or of dialogues.
        label_from_specific: Likewise.
    """

    combination: ModalityCombination
    ids: tuple[str, ...]
    labels: tuple[float, ...]
    common: Places | None
    specific: Places | None
    silhouette: float | None
    label_from_common: float | None
    label_from_specific: float | None
