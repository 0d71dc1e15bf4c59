"""Clips prepared by Ray Data, on the processes of this machine or of a cluster.

Workers compute what the cache lacks, with the code that computes it here, and what they send is
put there: whoever then asks for a clip finds it, and no result depends on who computed it.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any

from numpy.typing import NDArray

from paritone import cores
from paritone.cache import pack, unpack
from paritone.errors import AudioError, ConfigError, ToolMissingError
from paritone.progress import track

STALL_S = 600.0
"""The longest that nothing may arrive."""
CONNECT_S = 10.0
"""The longest that a cluster's address is tried."""
ATTEMPTS = 3
"""To start processes here, for which Ray leaves a busy machine 30 s."""
BLOCKS_PER_CORE = 8
"""Into how many parts the clips are divided: what is lost with a worker is one part."""

Keyed = Mapping[str, tuple[str, NDArray[Any]]]
Compute = Callable[[Path, Sequence[str]], Keyed]
Wanted = Mapping[Path, Mapping[str, str]]


def require_ray() -> None:
    """Raise ToolMissingError, with the line that installs it, where Ray is not there."""
    if importlib.util.find_spec("ray") is None or importlib.util.find_spec("pyarrow") is None:
        raise ToolMissingError(
            "execution.engine ray: Ray is not installed: pip install 'paritone[ray]'"
        )


def inside_worker() -> bool:
    """Whether Ray runs this process: the work is distributed already."""
    if importlib.util.find_spec("ray") is None:
        return False
    import ray

    return ray.is_initialized() and ray.get_runtime_context().worker.mode == ray.WORKER_MODE


def arrays(
    wanted: Wanted, compute: Compute, address: str | None, title: str
) -> Iterator[tuple[str, Mapping[str, NDArray[Any]]]]:
    """Yield entries of the cache, by key, in the order in which workers finish them.

    Parameters
    ----------
    wanted : by clip, the key of every kind of array that is asked for
    compute : gives a clip's arrays and their keys, as the process that calls it sees them
    address : of a cluster; None: ``RAY_ADDRESS``, or processes of this machine

    Raises
    ------
    ConfigError
        A worker's code, libraries or clip are others than here.
    ToolMissingError
        Ray is not installed, its cluster is not there, or nothing arrives for `STALL_S`.
    """
    require_ray()
    start("execution.engine ray", address)
    import ray.data

    logging.getLogger("ray.data").setLevel(logging.WARNING)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    items = [
        {"path": str(path.absolute()), "kinds": list(keys), "keys": list(keys.values())}
        for path, keys in wanted.items()
    ]
    blocks = min(len(items), BLOCKS_PER_CORE * max(1, int(ray.cluster_resources().get("CPU", 1))))
    dataset = ray.data.from_items(items, override_num_blocks=blocks).map(_Worker(compute))
    for row in track(_arriving(dataset), title, len(items)):
        if row["problem"]:
            raise ConfigError(f"execution.engine ray: {row['problem']}")
        for key, content in zip(row["keys"], row["contents"], strict=True):
            yield key, unpack(content)


class _Worker:
    """What Ray's processes run for each clip."""

    def __init__(self, compute: Compute) -> None:
        self._compute = compute

    def __call__(self, item: dict[str, Any]) -> dict[str, Any]:
        path, asked = Path(item["path"]), dict(zip(item["kinds"], item["keys"], strict=True))
        try:
            found = self._compute(path, list(asked))
        except AudioError:
            found, asked = {}, {}  # whoever asks for this clip meets its error
        other = [kind for kind, key in asked.items() if found[kind][0] != key]
        problem = (
            f"on {socket.gethostname()}, code, libraries or the clip are others than here: {path}"
        )
        return {
            "problem": problem if other else "",
            "keys": [key for key, _ in found.values()],
            "contents": [pack({kind: array}) for kind, (_, array) in found.items()],
        }


def start(key: str, address: str | None, **options: Any) -> None:
    """Connect to a cluster, or start one of this machine's processes.

    Parameters
    ----------
    key : of the configuration, that asks for it
    address : None: ``RAY_ADDRESS``, or processes of this machine
    options : of `ray.init`

    Raises
    ------
    ToolMissingError
    """
    import ray

    if ray.is_initialized():
        return
    place = address or os.environ.get("RAY_ADDRESS") or "local"
    if place == "local":
        options = {"include_dashboard": False, "num_cpus": cores.count(), **options}
    elif place != "auto":
        require_listener(key, place)
    options = {"log_to_driver": False, "logging_level": logging.ERROR, **options}
    for attempt in range(1, ATTEMPTS + 1):
        others = _children()
        try:
            ray.init(place, **options)
            return
        except Exception as error:  # Ray has no kind of its own for this
            for process in _children() - others:  # what it started, it leaves behind
                process.kill()
            if attempt == ATTEMPTS or place != "local":
                first = (str(error).strip() or type(error).__name__).splitlines()[0]
                raise ToolMissingError(f"{key}: no Ray cluster at {place}: {first}") from error


def require_listener(key: str, address: str) -> None:
    """ToolMissingError unless something listens at ``[ray://]HOST:PORT``: Ray asks for ever."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_S).close()
    except (OSError, ValueError) as error:
        raise ToolMissingError(
            f"{key}: no Ray cluster at {address}: {error}; expected auto or HOST:PORT"
        ) from error


def _children() -> set[Any]:
    import psutil  # comes with Ray, which lets it be found

    return set(psutil.Process().children(recursive=True))


def _arriving(dataset: Any) -> Iterator[dict[str, Any]]:
    """Rows as they come; ToolMissingError if the next one takes too long."""
    rows: Queue[Any] = Queue(maxsize=64)

    def pump() -> None:
        try:
            for row in dataset.iter_rows():
                rows.put(row)
            rows.put(None)
        except Exception as error:
            rows.put(error)

    Thread(target=pump, daemon=True).start()
    while True:
        try:
            row = rows.get(timeout=STALL_S)
        except Empty:
            raise ToolMissingError(
                f"execution.engine ray: nothing arrived for {STALL_S:.0f} s: has the cluster "
                "processes to spare?"
            ) from None
        if row is None:
            return
        if isinstance(row, Exception):
            first = str(row).strip().splitlines()[0]
            raise ToolMissingError(f"execution.engine ray: {first}") from row
        yield row
