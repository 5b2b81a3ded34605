"""Which tensors of a `.part` are complete, so that an interrupted job can continue.

A text file beside it: the first line says what the file will be, each further line is a tensor's CRC-32. A line is
added only after the tensor's bytes were flushed to the disk, so also after a power cut a line means a whole tensor.
"""

from __future__ import annotations

import hashlib
import os
import time
import zlib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from q8chat.gguf_files.layout import Layout
from q8chat.gguf_files.part_files import ledger_path

_READ = 4 << 20  # bytes compared at a time
_SECONDS = 0.5  # between two flushes: what an interruption may cost


def verified(part: Path, made: Layout, key: str) -> list[int]:
    """Checksums of the tensors that are already in `part`; each was read and compared.

    Empty when there is nothing, or it belongs to another layout or key.
    """
    try:
        lines = ledger_path(part).read_bytes().split(b"\n")[:-1]  # the last one may be torn
        with part.open("rb") as f:
            if lines[:1] != [_first_line(made, key)] or f.read(len(made.header)) != made.header:
                return []
            found: list[int] = []
            for n, line in enumerate(lines[1 : len(made.tensors) + 1]):
                crc = _crc_of(f, made.starts[n], made.tensors[n].n_bytes)
                if b"%08x" % crc != line:
                    break
                found.append(crc)
            complete = os.fstat(f.fileno()).st_size >= made.starts[len(found)]  # the last padding too
            return found if complete else found[:-1]
    except OSError:
        return []


def _first_line(made: Layout, key: str) -> bytes:
    whole = hashlib.sha256(made.header)
    whole.update(key.encode("utf-8", "surrogateescape"))
    return whole.hexdigest().encode()


def _crc_of(f: BinaryIO, start: int, n: int) -> int:
    f.seek(start)
    crc = 0
    while n and (block := f.read(min(n, _READ))):
        crc = zlib.crc32(block, crc)
        n -= len(block)
    return crc


class Ledger:
    """Flushes in a thread of its own: the disk works while the next tensors are made.

    Every method may raise OSError, also one of an earlier flush.
    """

    def __init__(self, part: FileIO, path: Path, made: Layout, key: str, done: Sequence[int]) -> None:
        self._part, self._path = part, path
        self._lines = [_first_line(made, key), *(b"%08x" % crc for crc in done)]
        self._file = path.open("wb", buffering=0)
        self._thread = ThreadPoolExecutor(1, "flush")
        self._running: Future[None] | None = None
        self._due = time.monotonic() + _SECONDS

    def add(self, crc: int) -> None:
        """The next tensor is written, its padding too."""
        self._lines.append(b"%08x" % crc)
        if time.monotonic() >= self._due and (self._running is None or self._running.done()):
            self._wait()
            self._due = time.monotonic() + _SECONDS
            lines, self._lines = self._lines, []
            self._running = self._thread.submit(self._flush, lines)

    def _flush(self, lines: list[bytes]) -> None:
        os.fsync(self._part.fileno())
        self._file.write(b"".join(line + b"\n" for line in lines))
        os.fsync(self._file.fileno())

    def _wait(self) -> None:
        if self._running:
            self._running.result()

    def close(self) -> None:
        """Flush what is left. Calling it again does nothing."""
        if self._file.closed:
            return
        try:
            self._wait()
            self._flush(self._lines)
        finally:
            self._file.close()
            self._thread.shutdown()

    def remove(self) -> None:
        """The file is published or given up."""
        self._path.unlink(missing_ok=True)
