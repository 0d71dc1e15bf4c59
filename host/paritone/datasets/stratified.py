"""Dividing clips of several labels in two, each label in the same proportion.

K. Sechidis, G. Tsoumakas and I. Vlahavas, On the Stratification of Multi-label Data, ECML PKDD,
2011.
"""

from __future__ import annotations

import numpy as np

from paritone.task import Labels


def divide(labels: Labels, fraction: float, seed: int | None) -> Labels:
    """Tell which rows are in the second part.

    The rarest label that is left is dealt out first: each of its rows goes to the part that lacks
    most of that label, then to the one that lacks most rows, then to either.

    Parameters
    ----------
    labels : bool [rows, classes]
    fraction : of the rows that the second part is to have, over 0 and under 1

    Returns
    -------
    bool [rows]
    """
    rng, shares = np.random.default_rng(seed), np.array([1 - fraction, fraction])
    lacking, room = shares[:, None] * labels.sum(axis=0), shares * len(labels)
    second, left = np.zeros(len(labels), bool), np.ones(len(labels), bool)
    while left.any():
        counts = labels[left].sum(axis=0)
        rarest = int(np.where(counts, counts, len(labels) + 1).argmin()) if counts.any() else None
        chosen = left if rarest is None else left & labels[:, rarest]
        for row in rng.permutation(np.flatnonzero(chosen)):
            wanted = room if rarest is None else lacking[:, rarest]
            part = int(np.lexsort((rng.random(2), room, wanted))[-1])
            second[row] = part == 1
            lacking[part] -= labels[row]
            room[part] -= 1
        left &= ~chosen
    return second
