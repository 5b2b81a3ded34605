"""Scores that are done, window after window, so that an interrupted run goes on where it was."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import numpy as np
from filelock import FileLock, Timeout

from q8chat.core import paths
from q8chat.core.errors import EvaluateError
from q8chat.evaluate.statistics import Scores

PATIENCE = 2.0  # seconds: a process that was killed may not be quite gone


class ChunkLog:
    """A file of equally long records, appended one by one; a last one that was cut off by a kill is dropped.

    `key` names what the scores depend on, so another file, text or setting has another log. Of two processes that
    measure the same only one may write it.
    """

    def __init__(self, key: str, rows: int, columns: int) -> None:
        """Raises EvaluateError if another process is at it."""
        self.path = path_of(key)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self.path.with_name(f"{self.path.name}.lock"))
        try:
            self._lock.acquire(timeout=PATIENCE)
        except Timeout:
            raise EvaluateError(
                "Another process is measuring just this.", "Wait until it is done: its result is kept."
            ) from None
        self._shape = rows, columns
        size = rows * columns * np.dtype(np.float64).itemsize
        data = self.path.read_bytes() if self.path.exists() else b""
        whole = len(data) // size * size
        self.chunks = [c.reshape(self._shape) for c in np.frombuffer(data[:whole]).reshape(-1, rows * columns)]
        self._file = self.path.open("ab")
        self._file.truncate(whole)

    def __enter__(self) -> ChunkLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._file.close()
        self._lock.release()

    def append(self, scores: Scores) -> None:
        """Keep the scores of one more window. Raises OSError."""
        self.chunks.append(scores)
        self._file.write(np.ascontiguousarray(scores, np.float64).tobytes())
        self._file.flush()

    def scores(self) -> Scores:
        """All of them: (rows of all windows, columns)."""
        return np.concatenate(self.chunks)

    def discard(self) -> None:
        """Remove the file: the result is kept elsewhere."""
        self.path.unlink(missing_ok=True)


def path_of(key: str) -> Path:
    """Where the log of `key` is."""
    return paths.cache_dir() / "measure" / f"chunks-{key[:32]}"
