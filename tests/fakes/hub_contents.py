"""What the files of the fake hub consist of: bytes, a file on disk, or pseudo-random bytes made when asked for."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

STEP = 1 << 20


class Content:
    """Something with a size that can be read at any place."""

    size: int

    def read(self, offset: int, n: int) -> bytes:
        """At most `n` bytes from `offset`; fewer only at the end."""
        raise NotImplementedError

    def blocks(self) -> Iterator[bytes]:
        """All of it, a block at a time."""
        for offset in range(0, self.size, STEP):
            yield self.read(offset, STEP)

    @cached_property
    def sha256(self) -> str:
        digest = hashlib.sha256()
        for block in self.blocks():
            digest.update(block)
        return digest.hexdigest()

    @cached_property
    def git_sha1(self) -> str:
        digest = hashlib.sha1(b"blob %d\0" % self.size)
        for block in self.blocks():
            digest.update(block)
        return digest.hexdigest()


class BytesContent(Content):
    """Bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self.data, self.size = data, len(data)

    def read(self, offset: int, n: int) -> bytes:
        return self.data[offset : offset + n]


class FileContent(Content):
    """A file on disk."""

    def __init__(self, path: Path) -> None:
        self.path, self.size = path, path.stat().st_size

    def read(self, offset: int, n: int) -> bytes:
        with self.path.open("rb") as f:
            f.seek(offset)
            return f.read(n)


@lru_cache(maxsize=8)
def _random_block(seed: int, index: int) -> bytes:
    return random.Random(seed << 32 | index).randbytes(STEP)


@dataclass(unsafe_hash=True)
class RandomContent(Content):
    """`size` bytes that depend on `seed` alone; never all in memory."""

    size: int
    seed: int = 0

    def read(self, offset: int, n: int) -> bytes:
        n = max(0, min(n, self.size - offset))
        first, start = divmod(offset, STEP)
        last = (offset + n - 1) // STEP
        data = b"".join(_random_block(self.seed, i) for i in range(first, last + 1))
        return data[start : start + n]


def as_content(source: bytes | str | Path | Content) -> Content:
    """Text and bytes are themselves, a path is the file there."""
    if isinstance(source, Content):
        return source
    if isinstance(source, Path):
        return FileContent(source)
    return BytesContent(source.encode() if isinstance(source, str) else source)
