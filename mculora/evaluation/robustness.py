"""How much of its score a method keeps while ever more is missing, in one number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def relative_robustness(scores: Floats, realised: Floats) -> Floats:
    """Divide the area under a score over the missing rate by what no loss would leave of it.

    The area is the trapezoids' between the rates that the masks realised, from the smallest (where
    the nominal rate is 0) to the largest; without loss it would be the score at the smallest times
    their span. So 1 says that nothing is lost, 0.9 that a tenth is, on average over the rates.

    Reconstructed: MultiBench (Liang et al., NeurIPS 2021) takes the area under the curve of
    performance over imperfection; the division, which makes methods of different strength
    comparable, is ours.

    Args:
        scores: (..., R) at R rates, of a metric of which more is better.
        realised: (R,) the fraction of modality slots that the scored utterances lack there.

    Returns:
        (...): NaN where a score is undefined, the score at the smallest rate is not above 0, or
        the rates span nothing.
    """
    order = np.argsort(realised, kind="stable")
    rates, values = realised[order], scores[..., order]
    undefined = np.full(scores.shape[:-1], np.nan)
    if len(rates) < 2 or not rates[-1] > rates[0]:  # NaN, too: a rate without an utterance
        return undefined
    whole = values[..., 0] * (rates[-1] - rates[0])
    area = np.trapezoid(values, rates, axis=-1)
    robustness: Floats = np.divide(area, whole, out=undefined, where=whole > 0)
    return robustness
