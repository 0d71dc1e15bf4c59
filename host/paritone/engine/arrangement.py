"""A choice of groups made into calls, and everything placed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from paritone.engine import costs, lifetimes, memory, schedule, search, simulation
from paritone.engine.lifetimes import Lifetimes
from paritone.engine.lowering import Step, coded
from paritone.engine.memory import Item, Place
from paritone.engine.params import Params, Products
from paritone.engine.schedule import Call, Network

PAIRS = {"PRODUCTS": "PRODUCTS_PAIRS", "PRODUCTS_SUM": "PRODUCTS_PAIRS_SUM"}
"""Kernels of products by pairs of channels."""


@dataclass(frozen=True)
class Arrangement:
    """What runs in which order on which bytes.

    Attributes
    ----------
    steps : with the parameters that were chosen
    places : of the tensors that have memory of their own, by index
    scratch : offset of each step's scratch memory
    items, offsets : what was placed and where: tensors by index, scratch at its ``scratch_key``
    """

    steps: tuple[Step, ...]
    places: dict[int, Place]
    scratch: tuple[int, ...]
    calls: tuple[Call, ...]
    arena_bytes: int
    items: tuple[Item, ...]
    offsets: dict[int, int]


def arrange(network: Network, steps: Sequence[Step], point: str) -> Arrangement:
    """The best arrangement that the search finds for a point of ``search.EXCHANGE``; proven."""
    most, choices = search.choices(network, steps, point)
    best: tuple[tuple[bool, float], Arrangement] | None = None
    for bound, choice in choices:
        if best is not None and (False, bound) >= best[0]:
            break
        candidate = placed(network, steps, choice)
        size = candidate.arena_bytes
        score = size > most, search.score(choice.cost, size, point)
        if best is None or score < best[0]:
            best = score, candidate
    assert best is not None
    found = _saving_flash(best[1], point)
    simulation.require_sound(found, network)
    return found


def _saving_flash(found: Arrangement, point: str) -> Arrangement:
    """The same in the same memory, its weights coded where that is worth it."""
    rows: dict[int, list[int]] = {}
    for call in found.calls:
        rows.setdefault(call.step, []).append(call.rows)
    steps = (costs.saving_flash(s, rows[n], point) for n, s in enumerate(found.steps))
    return replace(found, steps=coded.kernels(steps))


def placed(network: Network, steps: Sequence[Step], choice: search.Choice) -> Arrangement:
    """The arrangement that follows from a choice."""
    steps = tuple(map(with_params, steps, choice.params))
    order = schedule.order(network, choice.groups)
    scratch = {n: size for n, s in enumerate(steps) if (size := s.params.scratch_bytes)}
    over = [
        n for n, s in enumerate(steps) if s.in_place and schedule.may_overwrite(network, order, n)
    ]
    items = Lifetimes(network, order, range(len(steps))).items(scratch, over)
    offsets, arena_bytes = memory.place(items, len(order.calls))
    places = {t: Place(offsets[t], order.rings.get(t, r.height)) for t, r in network.rows.items()}
    at = tuple(offsets.get(lifetimes.scratch_key(n), 0) for n in range(len(steps)))
    return Arrangement(steps, places, at, order.calls, arena_bytes, tuple(items), offsets)


def with_params(step: Step, params: Params) -> Step:
    """`step` with parameters that were chosen, by the kernel that takes them."""
    pairs = isinstance(params, Products) and params.pairs
    return replace(step, params=params, kernel=PAIRS[step.kernel] if pairs else step.kernel)
