"""IMDer's and DiCMoR's rule for missing modalities: whole batches lose the same ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mculora.errors import InputError
from mculora.modality import NUM_MODALITIES

BATCH = 32
"""Utterances of a batch: the 686 of MOSI's test make the 22 batches of the authors."""
_SHARES = {  # of the batches, by missing rate in tenths: that lose two modalities, that lose one
    0: (0.0, 0.0),
    1: (0.1, 0.1),
    2: (0.2, 0.2),
    3: (0.3, 0.3),
    4: (0.5, 0.2),
    5: (0.7, 0.1),
    6: (0.9, 0.0),
    7: (1.0, 0.0),
}

Presence = NDArray[np.bool_]


def draw_imder(num_utterances: int, missing_rate: float, rng: np.random.Generator) -> Presence:
    """Draw presence (N, M) bool for a missing rate of 0, 0.1 ... 0.7; 0.7 means 2/3.

    Utterances are shuffled into batches. The first batches lose two modalities, the next ones one,
    the others none; which ones are left is drawn per batch. The authors count batches in tens, so
    that the realised rate is off where their number is not near a multiple of ten (22 batches at
    0.7 realise 0.667 times 20 / 22); this is kept. Departure: fewer than five batches, which they
    divide by zero, are counted as they are.

    Raises:
        InputError: The rule has no such rate.
    """
    tenths = round(10 * missing_rate)
    if tenths not in _SHARES or abs(10 * missing_rate - tenths) > 1e-9:
        raise InputError(
            "missing_rates", found=str(missing_rate), expected="0.0, 0.1 … 0.7 under `imder`"
        )
    num_batches = -(-num_utterances // BATCH)
    counted = 10 * round(num_batches / 10) or num_batches
    # A batch is taken for as long as the share of those before it is below the wanted one.
    losing_two, losing_one = (int(np.ceil(share * counted - 1e-9)) for share in _SHARES[tenths])
    order = rng.permutation(num_utterances)
    present = np.ones((num_utterances, NUM_MODALITIES), dtype=np.bool_)
    for batch in range(min(num_batches, losing_two + losing_one)):
        num_lost = 2 if batch < losing_two else 1
        lost = rng.permutation(NUM_MODALITIES)[:num_lost]
        present[np.ix_(order[batch * BATCH : (batch + 1) * BATCH], lost)] = False
    return present
