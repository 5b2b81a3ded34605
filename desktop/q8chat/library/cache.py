"""Headers that were read before, so that a scan opens only files that are new or have changed."""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import msgspec

from q8chat.core import files, paths
from q8chat.core.errors import DiskFullError
from q8chat.library.summary import Summary, summarise

VERSION = 1  # of the file; another version is ignored. To be raised whenever a Summary would say something else


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """The state of a file and what its header said then."""

    size: int
    mtime_ns: int
    inode: int
    summary: Summary


class _Stored(msgspec.Struct):
    version: int
    entries: dict[str, Entry]


def default_path() -> Path:
    """Where the cache of this user is."""
    return paths.cache_dir() / "library.json"


class HeaderCache:
    """Summaries by path. A damaged file is an empty cache. Several threads may ask."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or default_path()
        self._entries = self._load()
        self._stored = dict(self._entries)

    def _load(self) -> dict[str, Entry]:
        with suppress(OSError, msgspec.MsgspecError):
            stored = msgspec.json.decode(self._path.read_bytes(), type=_Stored)
            if stored.version == VERSION:
                return stored.entries
        return {}

    def summary(self, path: str, info: os.stat_result) -> Summary:
        """What the header of `path` says; read only if `info` is not what it was."""
        state = info.st_size, info.st_mtime_ns, info.st_ino
        known = self._entries.get(path)
        if known and (known.size, known.mtime_ns, known.inode) == state:
            return known.summary
        summary = summarise(Path(path))
        if summary.lasting:
            self._entries[path] = Entry(*state, summary)
        else:
            self._entries.pop(path, None)
        return summary

    def save(self, seen: Collection[str], roots: Collection[str]) -> None:
        """Write it if it has changed. Entries below `roots` that were not `seen` are forgotten: they are gone.

        That it can't be written costs time at the next scan only, so it is not an error.
        """
        below = tuple(os.path.join(root, "") for root in roots)  # noqa: PTH118 - text in, text out
        known = self._entries.copy()  # a thread that was given up may still come back and add to it
        entries = {p: e for p, e in known.items() if p in seen or not p.startswith(below)}
        if entries != self._stored:
            with suppress(OSError, DiskFullError):
                files.publish(self._path, msgspec.json.encode(_Stored(VERSION, entries)))
            self._stored = entries
