"""Writing a GGUF file in one stream: header first, then tensor after tensor, published whole or not at all.

    made = layout(metadata, specs)  # the exact size is known here
    with GgufWriter(path, made, key=source_and_options) as writer:
        for spec in made.tensors[writer.n_done :]:  # after an interruption some are there already
            for block in blocks_of(spec):
                writer.write(block)
        writer.publish()

While it is written the file is `<name>.part`, with a ledger of its complete tensors beside it. Leaving the `with`
without `publish` keeps both, so that the same call with the same `key` continues; `discard` removes them.
"""

from __future__ import annotations

import contextlib
import errno
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from q8chat.core.errors import DiskFullError, OutputFileError
from q8chat.gguf_files.layout import Layout
from q8chat.gguf_files.ledger import Ledger, verified
from q8chat.gguf_files.part_files import check_space, discard_part, ledger_path, lock_path, part_of

Bytes = bytes | bytearray | memoryview


class GgufWriter:
    """Writes one file; one thread at a time.

    `key` says what the content depends on (source and options): only a `.part` of the same key and layout is
    continued, after its tensors were compared with their checksums; any other is begun anew. `n_done`: complete
    tensors. `continued`: how many of them were there before.

    Raises OutputFileError (exists, being written by another process, folder read-only) and DiskFullError.
    """

    def __init__(self, path: Path, made: Layout, *, key: str = "", overwrite: bool = False) -> None:
        self.path, self.layout, self._overwrite = path, made, overwrite
        self.part = part_of(path)
        self._lock = FileLock(lock_path(path))
        self._check_target()
        with self._said():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._take_lock()
        try:
            with self._said():
                self._open(key)
        except BaseException:
            self._unlock()
            raise

    def _take_lock(self) -> None:
        try:
            self._lock.acquire(timeout=0)
        except Timeout as e:
            raise OutputFileError(
                f"{self.path.name} is just being written by another process.", "Wait until it is done."
            ) from e

    def _open(self, key: str) -> None:
        crcs = verified(self.part, self.layout, key)
        self.n_done = self.continued = len(crcs)
        at = self.layout.starts[self.n_done] if crcs else 0
        check_space(self.path, self.layout.size - at, already=self._stale_bytes(at))
        self._file = self.part.open("r+b" if crcs else "wb", buffering=0)
        self._file.truncate(at)
        self._file.seek(at)
        self._ledger = Ledger(self._file, ledger_path(self.part), self.layout, key, crcs)
        if not crcs:
            self._put(self.layout.header)
        self._begin_tensor()

    def _stale_bytes(self, kept: int) -> int:
        try:
            return max(0, self.part.stat().st_size - kept)
        except FileNotFoundError:
            return 0

    def _begin_tensor(self) -> None:
        """Point at the next tensor; those without bytes are complete at once."""
        self._crc, self._left = 0, 0
        while self.n_done < len(self.layout.tensors):
            self._left = self.layout.tensors[self.n_done].n_bytes
            if self._left:
                return
            self._end_tensor()

    def _end_tensor(self) -> None:
        self.n_done += 1
        self._put(bytes(self.layout.starts[self.n_done] - self._file.tell()))
        self._ledger.add(self._crc)

    @property
    def where(self) -> str:
        """For people: which tensor it is at, and whether an interrupted run is being continued."""
        went_on = f", continued after {self.continued}" if self.continued else ""
        return f"Tensor {self.n_done} of {len(self.layout.tensors)}{went_on}"

    @property
    def bytes_done(self) -> int:
        """Bytes of the file that are written."""
        return self._file.tell()

    def write(self, data: Bytes) -> None:
        """Append bytes of the tensor whose turn it is (`layout.tensors[n_done]`), never of two at once.

        Raises DiskFullError and OutputFileError; ValueError for more bytes than the tensor has.
        """
        n = memoryview(data).nbytes
        if n > self._left:
            raise ValueError(f"{n} bytes for a tensor that needs {self._left}")
        with self._said():
            self._put(data)
            self._crc = zlib.crc32(data, self._crc)
            self._left -= n
            if n and not self._left:
                self._end_tensor()
                self._begin_tensor()

    def _put(self, data: Bytes) -> None:
        rest = memoryview(data).cast("B")
        while rest.nbytes:
            rest = rest[self._file.write(rest) :]

    def publish(self) -> None:
        """Flush, verify and give the file its name.

        Raises OutputFileError when another file took the name meanwhile, or what was written is not there;
        ValueError when tensors are missing.
        """
        if self.n_done < len(self.layout.tensors):
            raise ValueError(f"{self.n_done} of {len(self.layout.tensors)} tensors are written")
        with self._said():
            self._ledger.close()
            self._file.close()
            self._verify()
            self._check_target()
            self.part.replace(self.path)
            self._ledger.remove()
        self._unlock()

    def _verify(self) -> None:
        with self.part.open("rb") as f:
            same = f.read(len(self.layout.header)) == self.layout.header
        if not same or self.part.stat().st_size != self.layout.size:
            raise OutputFileError(f"{self.part.name} was changed while it was written.", "Start again.")

    def discard(self) -> None:
        """Remove what was written so far."""
        self.close()
        discard_part(self.path)

    def close(self) -> None:
        """Keep what was written so far, to be continued. After `publish` or `close` it does nothing."""
        with contextlib.suppress(
            OSError
        ):  # a full disk was said before; unflushed tensors are just not in the ledger
            self._ledger.close()
        self._file.close()
        self._unlock()

    def __enter__(self) -> GgufWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _unlock(self) -> None:
        if self._lock.is_locked:
            Path(self._lock.lock_file).unlink(missing_ok=True)
            self._lock.release()

    def _check_target(self) -> None:
        if self.path.is_dir():
            raise OutputFileError(f"{self.path} is a folder.", "Choose a name for the new file.")
        if self.path.exists() and not self._overwrite:
            raise OutputFileError(f"{self.path} exists already.", "Choose another name or remove it first.")

    @contextlib.contextmanager
    def _said(self) -> Iterator[None]:
        """Turn what the system says into words."""
        try:
            yield
        except OSError as e:
            if e.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFullError(
                    f"No space left on the disk to write {self.path}.",
                    "Free some space and start again: it continues where it stopped.",
                ) from e
            raise OutputFileError(
                f"{self.path} can't be written: {e.strerror or e}.", "Choose a folder you can write to."
            ) from e
