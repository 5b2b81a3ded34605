"""An unfinished file beside its target, and a ledger that says how far it can be trusted.

The ledger begins with a line of JSON (what is being fetched) and has a line "length digest" for every checkpoint:
the digest of everything up to there. On resume the part is hashed again and cut off after the last checkpoint that
holds. So nothing depends on what the system had written when it died: a tail of zeros, a lost ledger line or a byte
changed since then costs the bytes after the checkpoint before it, never a wrong file.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from q8chat.core import files
from q8chat.core.errors import DownloadDamagedError
from q8chat.hub import part_names
from q8chat.hub.checksums import STEP, Hashes, Wanted

CHUNK = 1 << 20  # bytes between two checkpoints, and what a kill can cost
CHECKPOINT_SECONDS = 1.0  # also after this long, so that a slow line loses little
SYNC = 32 << 20  # bytes between two flushes to the disk: what a power failure can cost
DIGEST = 16  # hex digits kept of a checkpoint's digest


class PartFile:
    """The part for `target`; only whoever holds the target's lock may open it. Every method may raise OSError.

    `length`: bytes that are written and have a checkpoint. Used as a context manager; what was appended is kept.
    """

    def __init__(self, target: Path, wanted: Wanted) -> None:
        self.target, self.wanted = target, wanted
        self.path = part_names.part_path(target, wanted.key)
        self.ledger_path = part_names.ledger_path(self.path)
        self.length = 0
        self._hashes = Hashes(wanted)
        self._buffer = bytearray()
        self._synced = 0
        self._checkpoint_due = 0.0

    def __enter__(self) -> Self:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        self._data = open(os.open(self.path, flags, 0o666), "r+b", buffering=0)  # noqa: PTH123
        try:
            self._ledger = open(os.open(self.ledger_path, flags, 0o666), "r+b", buffering=0)  # noqa: PTH123
        except OSError:
            self._data.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # then the bytes since the last checkpoint are fetched again
            self.checkpoint()
        self._close()

    @property
    def received(self) -> int:
        """Bytes of the file that need not be asked for again while this process lives."""
        return self.length + len(self._buffer)

    def recheck(self, step: Callable[[int], None]) -> None:
        """Find out how much of the part can be trusted and forget the rest. `step` gets the bytes looked at."""
        header = self._header()
        ledger = self._ledger.read()
        end = len(header) if ledger.startswith(header) else 0
        if end:
            for line in ledger[end:].splitlines(keepends=True):
                if not (checkpoint := _parse(line, self.length)) or not self._advance(*checkpoint, step):
                    break
                end += len(line)
        self._ledger.truncate(end)
        self._ledger.seek(end)
        if not end:
            _write(self._ledger.fileno(), header)
        self._data.truncate(self.length)
        self._data.seek(self.length)
        self._synced = self.length

    def append(self, data: bytes) -> None:
        """Go on with `data`, which must not go past the end of the file."""
        if not self._buffer:
            self._checkpoint_due = time.monotonic() + CHECKPOINT_SECONDS
        self._buffer += data
        if len(self._buffer) >= CHUNK or time.monotonic() >= self._checkpoint_due:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Write what was appended."""
        if not self._buffer:
            return
        data, self._buffer = self._buffer, bytearray()
        descriptor = self._data.fileno()
        if os.fstat(descriptor).st_nlink == 0:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.path))
        os.lseek(descriptor, self.length, os.SEEK_SET)
        _write(descriptor, data)
        self._hashes.update(data)
        self.length += len(data)
        _write(self._ledger.fileno(), b"%d %s\n" % (self.length, self._hashes.sha256[:DIGEST].encode()))
        if self.length - self._synced >= SYNC:
            self._sync()

    def publish(self) -> str:
        """Give the whole file its name; returns its sha256.

        Raises DownloadDamagedError (the part is gone then) and FileExistsError (the part is kept).
        """
        self.checkpoint()
        self._sync()
        if not self._hashes.match():
            self.discard()
            raise DownloadDamagedError(
                f"{self.target.name} did not arrive as it is on the hub: its checksum is wrong. It was discarded.",
                "Try again; if it happens again, something between the hub and this machine changes data.",
            )
        self._close()
        files.reveal(self.path, self.target)
        self.ledger_path.unlink(missing_ok=True)
        return self._hashes.sha256

    def discard(self) -> None:
        """Remove the part."""
        self._buffer.clear()
        self._close()
        self.path.unlink(missing_ok=True)
        self.ledger_path.unlink(missing_ok=True)

    def _header(self) -> bytes:
        return msgspec.json.encode(self.wanted) + b"\n"

    def _advance(self, length: int, digest: bytes, step: Callable[[int], None]) -> bool:
        """Hash on to `length`; False, and as before, if the part is shorter or has another digest there."""
        hashes, left = self._hashes.copy(), length - self.length
        if length > self.wanted.size:
            return False
        while left:
            data = self._data.read(min(left, STEP))
            if not data:
                return False
            hashes.update(data)
            left -= len(data)
            step(length - left)
        if hashes.sha256[:DIGEST].encode() != digest:
            return False
        self._hashes, self.length = hashes, length
        return True

    def _sync(self) -> None:
        os.fsync(self._data.fileno())
        os.fsync(self._ledger.fileno())
        self._synced = self.length

    def _close(self) -> None:
        self._data.close()
        self._ledger.close()


def _parse(line: bytes, after: int) -> tuple[int, bytes] | None:
    """(length, digest) of a ledger's line, None if it was not written to its end."""
    words = line[:-1].split(b" ")
    if not line.endswith(b"\n") or len(words) != 2 or not words[0].isdigit() or len(words[1]) != DIGEST:
        return None
    return (length, words[1]) if (length := int(words[0])) > after else None


def _write(descriptor: int, data: bytes | bytearray) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
