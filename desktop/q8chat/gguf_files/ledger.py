"""Which tensors of a `.part` are complete, so that an interrupted job can continue.

A text file beside it: the first line says what the file will be, each further line is the CRC-32 of a tensor.
Before a job continues, every tensor is compared with its line.
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

from q8chat.core import files
from q8chat.gguf_files.layout import Layout
from q8chat.gguf_files.part_files import ledger_path

_READ = 4 << 20  # bytes compared at a time
_SECONDS = 0.5  # between two flushes: what a power failure may cost


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
    """A line for every complete tensor, at once: after a kill all of them count.

    Lines do not wait for the data to be on the disk. After a power failure the checksums tell what did not get
    there. The data is flushed in a thread of its own: the disk works while the next tensors are made.

    Every method may raise OSError, also one of an earlier flush.
    """

    def __init__(self, part: FileIO, path: Path, made: Layout, key: str, done: Sequence[int]) -> None:
        self._part, self._path = part, path
        lines = (_first_line(made, key), *(b"%08x" % crc for crc in done))
        files.publish(path, b"".join(line + b"\n" for line in lines))  # a kill here leaves the old one
        self._file = path.open("ab", buffering=0)
        self._thread = ThreadPoolExecutor(1, "flush")
        self._running: Future[None] | None = None
        self._due = time.monotonic() + _SECONDS

    def add(self, crc: int) -> None:
        """The next tensor is written, its padding too."""
        self._file.write(b"%08x\n" % crc)
        if time.monotonic() >= self._due and (self._running is None or self._running.done()):
            self._wait()
            self._due = time.monotonic() + _SECONDS
            self._running = self._thread.submit(os.fsync, self._part.fileno())

    def _wait(self) -> None:
        if self._running:
            self._running.result()

    def close(self) -> None:
        """Flush what is left. Calling it again does nothing."""
        if self._file.closed:
            return
        try:
            self._wait()
            os.fsync(self._part.fileno())
            os.fsync(self._file.fileno())
        finally:
            self._file.close()
            self._thread.shutdown()

    def remove(self) -> None:
        """The file is published or given up."""
        self._path.unlink(missing_ok=True)
