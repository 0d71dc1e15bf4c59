"""Plans: what is in use at once lies apart, and every call reads what was written for it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from paritone.engine import memory, params, search
from paritone.engine.arrangement import arrange, placed
from paritone.engine.lowering import Step
from paritone.engine.memory import Item, Piece
from paritone.engine.rows import Rows
from paritone.engine.schedule import Group, Network, Node
from paritone.engine.search import Choice
from paritone.engine.simulation import UnsoundPlanError, require_sound

POINTS = ("time", "balanced", "ram")


def random_item(rng: np.random.Generator, key: int) -> Item:
    """Rows that come into use one after the other, as those of a tensor do."""
    count = int(rng.integers(1, 9))
    first = np.sort(rng.integers(0, 20, count))
    last = np.sort(first + rng.integers(0, 12, count))
    return Item(key, memory.rows_of(int(rng.integers(1, 90)), first, last))


def test_what_is_in_use_at_the_same_time_lies_apart():
    rng = np.random.default_rng(0)
    for _ in range(60):
        items = [random_item(rng, key) for key in range(10)]
        offsets, total = memory.place(items, 32)
        assert total >= memory.in_use(items, 32).max()
        for call in range(32):
            owner = np.full(total, -1)
            for item in items:
                assert offsets[item.key] % memory.ALIGNMENT == 0
                for p in item.pieces:
                    if p.first <= call <= p.last:
                        span = slice(offsets[item.key] + p.start, offsets[item.key] + p.end)
                        assert len(owner[span]) == p.end - p.start
                        assert np.all(owner[span] == -1), (call, item)
                        owner[span] = item.key


def test_an_output_lies_over_what_was_consumed_of_the_input():
    """Rows of 16 bytes go at one a call, rows of 16 bytes come: one row more than a tensor."""
    calls = np.arange(8)
    source = Item(0, memory.rows_of(16, np.full(8, -1), calls))
    result = Item(1, memory.rows_of(16, calls, np.full(8, 8)))
    assert memory.place([source, result], 8)[1] == 16 * 9
    offsets, total = memory.place([source, replace(result, over=0)], 8)
    assert (offsets[0] - offsets[1], total) == (0, 16 * 8)


def test_what_is_overwritten_in_place_is_in_use_once():
    """While the call runs that reads the one for the last time and writes the other."""
    whole, after = Item(0, (Piece(0, 64, -1, 1),)), Item(1, (Piece(0, 48, 1, 2),))
    assert memory.in_use([whole, after], 3).tolist() == [64, 64, 112, 48, 0]
    over = replace(after, over=0)
    assert memory.in_use([whole, over], 3).tolist() == [64, 64, 64, 48, 0]
    read_later = Item(0, (Piece(0, 64, -1, 2),))
    assert memory.in_use([read_later, over], 3).tolist() == [64, 64, 112, 112, 0]
    assert memory.place([whole, over], 3)[1] == 64


def test_in_place_needs_the_same_beginning():
    whole = Item(0, (Piece(0, 64, -1, 0),))
    assert memory.place([whole, Item(1, (Piece(0, 48, 0, 1),), over=0)], 1)[1] == 64
    assert memory.place([whole, Item(1, (Piece(0, 48, 0, 1),))], 1)[1] == 112
    # Read once more after the call that would overwrite it: apart.
    later = Item(0, (Piece(0, 64, -1, 1),))
    assert memory.place([later, Item(1, (Piece(0, 48, 0, 1),), over=0)], 2)[1] == 112


@dataclass(frozen=True)
class Made(params.Params):
    """Parameters of no kernel: a window or none, and scratch memory."""

    window: params.Window | None
    scratch: int

    @property
    def scratch_bytes(self) -> int:
        return self.scratch


def random_window(rng: np.random.Generator, height: int, width: int) -> params.Window | None:
    k, stride, dilation = int(rng.integers(1, 6)), int(rng.integers(1, 4)), int(rng.integers(1, 3))
    pad = int(rng.integers(0, k))
    out = (height + 2 * pad - (k - 1) * dilation - 1) // stride + 1
    if out < 1:
        return None
    return params.Window(
        height, width, 1, out, width, 1, k, 1, stride, 1, dilation, 1, pad, 0
    )  # fmt: skip


def random_network(rng: np.random.Generator) -> tuple[Network, tuple[Step, ...]]:
    """Windows, sums with earlier tensors of the same size, kernels that take all at once."""
    rows, nodes, steps = {0: Rows(int(rng.integers(4, 24)), int(rng.integers(1, 40)))}, [], []
    for number in range(int(rng.integers(2, 9))):
        source = number if rng.random() < 0.8 else int(rng.integers(0, number + 1))
        height, window, kind = rows[source].height, None, rng.random()
        operands: tuple[int, ...] = (source,)
        if kind < 0.6:
            window = random_window(rng, height, 1)
        elif kind < 0.85:
            alike = [t for t in rows if rows[t].height == height]
            operands = (source, int(rng.choice(alike)))
        by_rows = window is not None or 0.6 <= kind < 0.85
        out = window.out_height if window else height
        size = rows[source].bytes if window is None else int(rng.integers(1, 40))
        rows[number + 1] = Rows(out, size)
        scratch = int(rng.integers(0, 200)) if rng.random() < 0.5 else 0
        in_place = window is None and bool(rng.random() < 0.5)
        nodes.append(Node(operands, number + 1, out, by_rows, window))
        made = Made(window, scratch)
        steps.append(Step("MADE", f"{number}", operands, number + 1, made, 0, by_rows, in_place))
    read = {t for node in nodes for t in node.inputs}
    outputs = frozenset(set(rows) - read)
    kept = outputs | {0}
    return Network(tuple(nodes), rows, frozenset({0}), outputs, frozenset(kept)), tuple(steps)


def random_choice(rng: np.random.Generator, network: Network, steps: tuple[Step, ...]) -> Choice:
    """Groups cut anywhere that the search may cut, strips of any height."""
    groups: list[Group] = []
    first = 0
    while first < len(steps):
        lasts = [k for k in range(first, len(steps)) if search.connected(network, first, k)]
        last = int(rng.choice(lasts))
        height = network.nodes[last].height
        strip = int(rng.integers(1, height + 1)) if network.nodes[last].by_rows else height
        groups.append(Group(first, last, strip, even=bool(rng.random() < 0.3)))
        first = last + 1
    return Choice(tuple(groups), tuple(step.params for step in steps), 0.0)


def test_every_plan_of_random_networks_is_sound():
    """And the simulation notices when a tensor or scratch memory is moved to where others lie."""
    rng = np.random.default_rng(1)
    rings = noticed = 0
    for _ in range(150):
        network, steps = random_network(rng)
        found = placed(network, steps, random_choice(rng, network, steps))
        require_sound(found, network)
        rings += any(p.rows < network.rows[t].height for t, p in found.places.items())
        for tensor, place in found.places.items():
            if place.offset == 0:
                continue
            worse = {**found.places, tensor: replace(place, offset=place.offset - 1)}
            try:
                require_sound(replace(found, places=worse), network)
            except UnsoundPlanError:
                noticed += 1
    assert rings > 30
    assert noticed > 100  # others move into what was left free to align them


def test_a_ring_one_row_too_small_is_noticed():
    window = params.Window(12, 1, 1, 12, 1, 1, 3, 1, 1, 1, 1, 1, 1, 0)
    nodes = tuple(Node((t,), t + 1, 12, True, window) for t in range(3))
    rows = {t: Rows(12, 8) for t in range(4)}
    network = Network(nodes, rows, frozenset({0}), frozenset({3}), frozenset({0, 3}))
    made = Made(window, 0)
    steps = tuple(Step("MADE", "", (t,), t + 1, made, 0, True, False) for t in range(3))
    found = placed(network, steps, Choice((Group(0, 2, 1),), (made,) * 3, 0.0))
    assert [found.places[t].rows for t in (1, 2)] == [3, 3]
    require_sound(found, network)
    smaller = {**found.places, 1: replace(found.places[1], rows=2)}
    with pytest.raises(UnsoundPlanError):
        require_sound(replace(found, places=smaller), network)


@pytest.mark.parametrize("point", POINTS)
def test_the_search_finds_sound_plans(point):
    rng = np.random.default_rng(2)
    for _ in range(20):
        network, steps = random_network(rng)
        found = arrange(network, steps, point)
        require_sound(found, network)
        assert sum(c.rows for c in found.calls) == sum(n.height for n in network.nodes)
