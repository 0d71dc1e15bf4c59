"""Weights of packed products, entropy-coded: what firmware/src/products_decode.h describes.

The upper two bits of the magnitudes of a word's four weights make one symbol, all other bits are
stored as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from paritone.engine import params
from paritone.engine.lowering.operands import Step
from paritone.engine.params import Products

Int64s = NDArray[np.int64]

RUN = 4
PEEK_BITS = 5
CELLS = 1 << PEEK_BITS
CODE_BITS = 12
QUADS = 256
KERNEL = "PRODUCTS_CODED"
_KERNELS = {"PRODUCTS": KERNEL, "PRODUCTS_SUM": f"{KERNEL}_SUM"}


def with_coded(products: Products) -> Products | None:
    """The same with coded weights; None where that is not smaller or not possible."""
    if products.weights is None or products.depth % RUN:
        return None
    coded = encode(products.weights)
    if coded.nbytes >= products.weights.nbytes:
        return None
    return replace(products, weights=None, coded=coded)


def kernels(steps: Iterable[Step]) -> tuple[Step, ...]:
    """All products by the kernel that knows coded weights if some have them: one is linked."""
    found = tuple(steps)
    if all(not isinstance(s.params, Products) or s.params.coded is None for s in found):
        return found
    return tuple(replace(s, kernel=_KERNELS.get(s.kernel, s.kernel)) for s in found)


def encode(weights: params.Int32s) -> params.Int32s:
    """Words [groups, depth] of four weights as `coded` of ``paritone_products_t``."""
    quads, sixes = _split(weights)
    ranks = np.argsort(by_rank())[quads]
    code = _PrefixCode.of(np.bincount(ranks, minlength=QUADS))
    runs = sixes.reshape(-1, RUN)
    pairs = np.stack([runs[:, 3] >> 2 * i & 0x03030303 for i in range(RUN - 1)], axis=1)
    raw = runs[:, : RUN - 1] | pairs << 6
    table = code.table()
    parts = table[::2] | table[1::2] << 16, raw.reshape(-1), _stream(code, ranks)
    return np.concatenate(parts).astype(np.uint32).view(np.int32)


def by_rank() -> NDArray[np.int64]:
    """Symbols [256], those of larger weights first: products_quads."""
    classes = np.arange(QUADS)[:, None] >> np.arange(0, 8, 2) & 3
    size = 64 * classes.sum(axis=1) + (classes**2).sum(axis=1)
    return np.argsort(-size, kind="stable")


def _split(words: params.Int32s) -> tuple[Int64s, Int64s]:
    """Symbols, and of each weight six bits in the lower ones of its byte; both of each word."""
    weights = np.ascontiguousarray(words.reshape(-1), "<i4").view(np.int8).reshape(-1, 4)
    classes = np.where(weights < 0, ~weights, weights).astype(np.int64) >> 5
    sign = np.where(weights < 0, 0, 0x20)
    sixes = weights.astype(np.int64) & 0x1F | sign
    places = np.arange(4)
    return (classes << 2 * places).sum(axis=1), (sixes << 8 * places).sum(axis=1)


class _PrefixCode:
    """Codes of ranks that grow shorter; the first bits of each tell its length.

    The 2^PEEK_BITS cells are what the first bits say. Codes of rank after rank fill them: of
    `length` PEEK_BITS or less, one fills a number of cells; else one cell holds a number of codes.
    """

    def __init__(self, lengths: Int64s) -> None:
        self.lengths = lengths
        ends = np.cumsum(1 << (CODE_BITS - lengths))
        self.codes = (ends >> (CODE_BITS - lengths)) - 1

    @classmethod
    def of(cls, counts: Int64s) -> _PrefixCode:
        """The code that makes ranks of these `counts` the shortest."""
        before = np.concatenate([[0], np.cumsum(counts)])
        bits = np.full((CELLS + 1, QUADS + 1), np.inf)
        bits[0, 0] = 0
        chosen = np.zeros(bits.shape, np.int64)
        for length in range(CODE_BITS, 0, -1):
            cells, ranks = 1 << max(0, PEEK_BITS - length), 1 << max(0, length - PEEK_BITS)
            for used in range(0, CELLS, cells):
                more = bits[used, :-ranks] + length * (before[ranks:] - before[:-ranks])
                better = more < bits[used + cells, ranks:]
                bits[used + cells, ranks:][better] = more[better]
                chosen[used + cells, ranks:][better] = length
        used, rank = int(np.argmin(bits[:, QUADS])), QUADS
        lengths = np.zeros(QUADS, np.int64)
        while rank:
            length = int(chosen[used, rank])
            first = rank - (1 << max(0, length - PEEK_BITS))
            lengths[first:rank] = length
            used, rank = used - (1 << max(0, PEEK_BITS - length)), first
        return cls(lengths)

    def table(self) -> Int64s:
        """Of each cell base << 8 | 32 - length; any that no code fills is the last rank's, too."""
        firsts = self.codes << (CODE_BITS - self.lengths)
        cells = np.arange(CELLS)
        rank = np.searchsorted(firsts, cells << (CODE_BITS - PEEK_BITS), side="right") - 1
        length, code = self.lengths[rank], self.codes[rank]
        filled = cells << (CODE_BITS - PEEK_BITS) < code + 1 << (CODE_BITS - length)
        filled |= rank < QUADS - 1
        length, code = np.where(filled, length, PEEK_BITS), np.where(filled, code, cells)
        return rank - code << 8 | 32 - length


def _stream(code: _PrefixCode, ranks: Int64s) -> Int64s:
    """Codes of `ranks` one behind the other, and a word more."""
    lengths, codes = code.lengths[ranks], code.codes[ranks]
    begins = np.cumsum(lengths) - lengths
    bits = np.zeros(-(-int(lengths.sum()) // 32) * 32 + 32, np.uint8)
    for place in range(int(lengths.max())):
        has = place < lengths
        bits[begins[has] + place] = codes[has] >> (lengths[has] - 1 - place) & 1
    return np.packbits(bits).view("<u4").astype(np.int64)
