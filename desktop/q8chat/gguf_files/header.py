"""Reading a GGUF file's header without numpy: metadata, tensors, and whether the file is whole.

Layout: magic "GGUF", u32 version, u64 tensor count, u64 key count, keys, tensor descriptions, then the data from
the next multiple of `general.alignment`. Source: ggml's gguf.md.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from q8chat.core.errors import ModelFileError
from q8chat.gguf_files.types import TYPES

MAGIC = b"GGUF"
MAX_STRING = 64 << 20  # bytes; a chat template or a merges table entry is far smaller
MAX_DIMS = 4  # GGML_MAX_DIMS
KEPT_ARRAY = 1024  # longer arrays (vocabularies) are skipped, only their length is kept
MAX_KEYS = 1 << 16  # keys, or tensors: real files have at most some thousands
MAX_ENTRIES = 1 << 24  # of an array: the largest vocabularies have half a million
BLOCK = 1 << 18  # bytes read at once where most of what is read is skipped
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_length = struct.Struct("<Q").unpack_from


@dataclass(frozen=True, slots=True)
class SkippedArray:
    """Stands for a long array that was not read."""

    length: int


@dataclass(frozen=True, slots=True)
class Tensor:
    """shape in ggml's order (the row length first); offset counts from the start of the data section, in bytes."""

    name: str
    shape: tuple[int, ...]
    type_id: int
    offset: int

    @property
    def n_bytes(self) -> int:
        """Bytes in the file; 0 for a type this version does not know."""
        kind = TYPES.get(self.type_id)
        n = 1
        for side in self.shape:
            n *= side
        return n // kind.block * kind.n_bytes if kind else 0


@dataclass(frozen=True, slots=True)
class Header:
    """What a GGUF file says about itself."""

    path: Path
    version: int
    metadata: dict[str, Any]
    tensors: tuple[Tensor, ...]
    data_offset: int
    file_size: int

    @property
    def architecture(self) -> str:
        """`general.architecture`, "" if absent."""
        return str(self.metadata.get("general.architecture", ""))

    def integer(self, key: str, default: int = 0) -> int:
        """`<architecture>.<key>`; of a per-layer array the largest entry."""
        value = self.metadata.get(f"{self.architecture}.{key}", default)
        if isinstance(value, list):
            value = max((v for v in value if isinstance(v, int)), default=default)
        return max(0, value) if isinstance(value, int) else default

    @property
    def weight_bytes(self) -> int:
        """Bytes of all tensors of this file."""
        return sum(t.n_bytes for t in self.tensors)


class _Reader:
    def __init__(self, f: BinaryIO, path: Path, size: int) -> None:
        self.f, self.path, self.size = f, path, size

    def fail(self, what: str) -> ModelFileError:
        return ModelFileError(
            f"{self.path.name} is not a usable model: {what}.", "Download or copy the file again."
        )

    def take(self, n: int) -> bytes:
        data = self.f.read(n)
        if len(data) != n:
            raise self.fail(f"the file ends after {self.size:,} bytes, inside its header")
        return data

    def unpack(self, code: str) -> Any:
        return struct.unpack("<" + code, self.take(struct.calcsize("<" + code)))[0]

    def string(self) -> str:
        n = self.unpack("Q")
        if n > min(MAX_STRING, self.size):
            raise self.fail(f"a text in its header claims {n:,} bytes")
        return self.take(n).decode("utf-8", "replace")

    def value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            return self.array(*struct.unpack("<IQ", self.take(12)))
        if kind not in _SCALARS:
            raise self.fail(f"unknown value type {kind} in its header")
        return self.unpack(_SCALARS[kind])

    def array(self, kind: int, n: int) -> Any:
        if kind == _ARRAY or (kind not in _SCALARS and kind != _STRING):
            raise self.fail(f"unknown array type {kind} in its header")
        if n > min(MAX_ENTRIES, self.size):
            raise self.fail(f"an array in its header claims {n:,} entries")
        if n <= KEPT_ARRAY:
            return [self.value(kind) for _ in range(n)]
        if kind == _STRING:
            self.skip_strings(n)
        else:
            self.f.seek(n * struct.calcsize("<" + _SCALARS[kind]), 1)
        return SkippedArray(n)

    def skip_strings(self, n: int) -> None:
        """In big blocks: a call per string would take half a second for a vocabulary of 256k."""
        block, at, last = b"", 0, -8  # last: where a length may begin and still be whole
        for _ in range(n):
            if at > last:
                if at > len(block):
                    self.f.seek(min(at - len(block), self.size), 1)
                block, at = block[at:] + self.f.read(BLOCK), 0
                last = len(block) - 8
                if last < 0:
                    raise self.fail(f"the file ends after {self.size:,} bytes, inside its header")
            at += 8 + _length(block, at)[0]
        self.f.seek(min(at - len(block), self.size), 1)

    def tensor(self) -> Tensor:
        name, n_dims = self.string(), self.unpack("I")
        if n_dims > MAX_DIMS:
            raise self.fail(f"tensor {name!r} claims {n_dims} dimensions")
        shape = tuple(struct.unpack(f"<{n_dims}Q", self.take(8 * n_dims)))
        return Tensor(name, shape, *struct.unpack("<IQ", self.take(12)))


def read_header(path: Path) -> Header:
    """Read and check the header of `path`.

    Raises ModelFileError when the file is missing, a folder, unreadable, not GGUF, or shorter than its tensors.
    """
    try:
        if path.is_dir():
            raise ModelFileError(f"{path} is a folder, not a model.", "Choose a .gguf file.")
        if path.exists() and not path.is_file():  # opening a pipe would wait for ever
            raise ModelFileError(f"{path} is not a file.", "Choose a .gguf file.")
        size = path.stat().st_size
        with path.open("rb") as f:
            return parse_header(f, path, size)
    except (FileNotFoundError, ValueError) as e:  # ValueError: a NUL in the name
        raise ModelFileError(f"There is no file {path}.", "Check the path or choose another model.") from e
    except OSError as e:
        raise ModelFileError(f"{path} can't be read: {e.strerror}.", "Check the file's permissions.") from e


def parse_header(f: BinaryIO, path: Path, size: int) -> Header:
    """The same for a file of `size` bytes that is open at its beginning; it needs `read`, `seek` and `tell`.

    `path` is for the messages and the result. Raises ModelFileError, and OSError as `f` does.
    """
    header = _parse(_Reader(f, path, size))
    end = max((header.data_offset + t.offset + t.n_bytes for t in header.tensors), default=0)
    if end > size:
        raise ModelFileError(
            f"{path.name} is cut off: it has {size:,} of {end:,} bytes.", "Download or copy the file again."
        )
    return header


def _parse(r: _Reader) -> Header:
    if r.size == 0:
        raise r.fail("the file is empty")
    if r.take(min(4, r.size)) != MAGIC:
        raise r.fail("it does not begin like a GGUF file")
    version = r.unpack("I")
    if version not in (2, 3):
        raise r.fail(f"it has GGUF version {version}; versions 2 and 3 can be read")
    n_tensors, n_keys = struct.unpack("<QQ", r.take(16))
    if max(n_tensors, n_keys) > min(MAX_KEYS, r.size):
        raise r.fail(f"its header claims {n_tensors:,} tensors and {n_keys:,} keys")
    metadata = {}
    for _ in range(n_keys):
        key, kind = r.string(), r.unpack("I")
        metadata[key] = r.value(kind)
    tensors = tuple(r.tensor() for _ in range(n_tensors))
    if r.f.tell() > r.size:
        raise r.fail(f"the file ends after {r.size:,} bytes, inside its header")
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment < 1:
        raise r.fail(f"its alignment is {alignment!r}")
    data_offset = -(-r.f.tell() // alignment) * alignment
    return Header(r.path, version, metadata, tensors, data_offset, r.size)
