"""Arrays kept on disk between runs and shared by parallel ones, each under the hash of its making.

An entry is one file, written beside its place and renamed into it, so that it is whole or not
there. A damaged one (its checksum tells) counts as not there. Nothing is ever out of date:
whatever could change an entry's content is part of its key. The oldest unused entries go first
when the whole outgrows its limit.

A file is: CRC-32 of all that follows and length of the header, both little-endian uint32; the
header, JSON with dtype and shape of each array by name; the arrays, one after the other. (Not
NumPy's own format: its headers are parsed by ``ast``, which CPython 3.11 fails at in threads.)
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
import tempfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

from paritone.progress import notice

LIMIT_GIB = 20.0
"""What all entries together may take, unless ``PARITONE_CACHE_GIB`` says otherwise."""
ROOM_AFTER = 0.9
"""Share of the limit that is kept when entries have to go: not every run has to tidy up."""

Arrays = dict[str, NDArray[Any]]


def folder() -> Path:
    """The user's cache, or ``PARITONE_CACHE_DIR``; a folder of it holds the entries."""
    default = platformdirs.user_cache_path("paritone")
    return Path(os.environ.get("PARITONE_CACHE_DIR") or default) / "arrays"


def limit_bytes() -> float:
    """How large the entries may grow together, in bytes; infinite or no number: the default."""
    try:
        gib = float(os.environ.get("PARITONE_CACHE_GIB", ""))
    except ValueError:
        gib = LIMIT_GIB
    return max(0.0, gib) * 2**30 if np.isfinite(gib) else LIMIT_GIB * 2**30


class Cache:
    """Arrays by key, in a folder.

    Parameters
    ----------
    path : the folder; made when there is something to write
    limit : bytes that `tidy` leaves at most
    """

    def __init__(self, path: Path | None = None, limit: float | None = None) -> None:
        self._folder = path or folder()
        self._limit = limit_bytes() if limit is None else limit
        self._writable = True

    def get(self, key: str) -> Arrays | None:
        """Return an entry's arrays, or None if it is absent or damaged."""
        path = self._path(key)
        try:
            arrays = unpack(path.read_bytes())
        except (OSError, ValueError, TypeError, struct.error):
            return None  # to be written anew
        with suppress(OSError):
            os.utime(path)
        return arrays

    def has(self, key: str) -> bool:
        """Whether there is an entry, damaged or not."""
        return self._path(key).is_file()

    def put(self, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Write an entry, whole or not at all; a disk that cannot hold it is told of, once."""
        if not self._writable:
            return
        path, partial = self._path(key), None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                dir=path.parent, suffix=".partial", delete=False
            ) as file:
                partial = Path(file.name)
                file.write(pack(arrays))
            partial.replace(path)
        except OSError as error:
            self._writable = False
            notice(f"{self._folder}: nothing more is cached there: {error.strerror or error}")
        finally:
            if partial is not None:
                partial.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Remove the entries that were not used for longest, if the limit is passed."""
        entries = []
        for path in self._folder.glob("*/*"):
            with suppress(OSError):  # another process may be removing it
                found = path.stat()
                entries.append((found.st_mtime, found.st_size, path))
        total = sum(size for _, size, _ in entries)
        if total <= self._limit:
            return
        for _, size, path in sorted(entries):
            with suppress(OSError):
                path.unlink()
            total -= size
            if total <= self._limit * ROOM_AFTER:
                return

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.arrays"


def pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the bytes of a file that holds `arrays` of numbers."""
    header = json.dumps({name: (a.dtype.str, a.shape) for name, a in arrays.items()}).encode()
    body = b"".join((header, *(a.tobytes() for a in arrays.values())))
    checked = struct.pack("<I", len(header)) + body
    return struct.pack("<I", zlib.crc32(checked)) + checked


def unpack(content: bytes) -> Arrays:
    """Return the arrays of `pack`, read-only; ValueError, TypeError or struct.error for damage."""
    crc, length = struct.unpack_from("<II", content)
    if zlib.crc32(memoryview(content)[4:]) != crc:
        raise ValueError("the checksum is another one")
    start, arrays = 8 + length, {}
    for name, (dtype, shape) in json.loads(content[8:start]).items():
        kind = np.dtype(dtype)
        count = math.prod(shape)
        arrays[name] = np.frombuffer(content, kind, count, start).reshape(shape)
        start += count * kind.itemsize
    return arrays


def key_of(parts: Mapping[str, Any]) -> str:
    """Hash of what an entry is made from: values that JSON knows, in any order."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def content_of(path: Path) -> str:
    """Hash of a file's bytes: a copy elsewhere is the same file, an edited one is another."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@cache
def versions(*packages: str) -> dict[str, str]:
    """Versions of installed packages, without importing them; empty for one that is not there."""
    found = {}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = ""
    return found


@cache
def sources(*patterns: str) -> str:
    """Hash of this package's own modules that match `patterns`: new code, new entries."""
    package = Path(__file__).parents[1]
    files = sorted({file for pattern in patterns for file in package.glob(pattern)})
    digest = hashlib.sha256()
    for file in files:
        name = file.relative_to(package).as_posix()
        digest.update(name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
