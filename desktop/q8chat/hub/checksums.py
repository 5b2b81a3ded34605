"""What a file must be, and whether it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec

STEP = 4 << 20  # bytes hashed at a time
KEY_LENGTH = 12


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the file must be. One of the two checksums is "": `git_sha1` is that of git for a blob."""

    size: int
    sha256: str = ""
    git_sha1: str = ""

    @property
    def key(self) -> str:
        """Tells versions of a file apart in the name of their parts."""
        return (self.sha256 or self.git_sha1)[:KEY_LENGTH]


class Hashes:
    """Running checksums of a file of a known size."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._sha256 = hashlib.sha256()
        self._git = hashlib.sha1(b"blob %d\0" % wanted.size, usedforsecurity=False) if wanted.git_sha1 else None

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Go on with `data`."""
        self._sha256.update(data)
        if self._git:
            self._git.update(data)

    def copy(self) -> Hashes:
        """The state as it is now."""
        twin = Hashes(self._wanted)
        twin._sha256, twin._git = self._sha256.copy(), self._git and self._git.copy()
        return twin

    @property
    def sha256(self) -> str:
        """Of everything so far, in hex."""
        return self._sha256.hexdigest()

    def match(self) -> bool:
        """Whether this is the file that is wanted."""
        if self._git:
            return self._git.hexdigest() == self._wanted.git_sha1
        return self.sha256 == self._wanted.sha256


def file_hashes(path: Path, wanted: Wanted, step: Callable[[int], None]) -> Hashes:
    """Checksums of the file at `path`; `step` gets the bytes hashed so far and may raise. Raises OSError."""
    hashes, done = Hashes(wanted), 0
    with path.open("rb", buffering=0) as f:
        while data := f.read(STEP):
            hashes.update(data)
            done += len(data)
            step(done)
    return hashes
