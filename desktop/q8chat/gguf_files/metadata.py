"""GGUF metadata that goes from file to file without loss: every value stays the bytes it was.

`header.read_header` is for looking at a model; this is for writing one. Order counts: it is the order in the file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from q8chat.core.errors import ModelFileError
from q8chat.gguf_files.header import Header

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
_CODES = {
    U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "?", U64: "Q", I64: "q", F64: "d",
}  # fmt: skip
_FIXED = len(b"GGUF") + 4 + 8 + 8  # magic, version, number of tensors, number of keys
DEFAULT_ALIGNMENT = 32


def pack_text(value: str | bytes) -> bytes:
    """A GGUF string: u64 length and UTF-8. Surrogate escapes become the bytes they stand for."""
    data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


class Entry(NamedTuple):
    """One key. `kind` is GGUF's value type; `raw` is the value as it stands in the file.

    For ARRAY `raw` begins with the entries' type (u32) and their number (u64).
    """

    key: str
    kind: int
    raw: bytes

    def packed(self) -> bytes:
        """Key, type and value as they stand in the file."""
        return pack_text(self.key) + struct.pack("<I", self.kind) + self.raw

    def value(self) -> Any:
        """The value as Python has it; strings that are not UTF-8 keep their bytes as surrogate escapes."""
        if self.kind != ARRAY:
            return _scalars(self.kind, 1, self.raw)[0]
        kind, n = struct.unpack_from("<IQ", self.raw)
        return _scalars(kind, n, self.raw[12:])


def scalar(key: str, kind: int, value: Any) -> Entry:
    """An entry with one value of GGUF type `kind`."""
    return Entry(key, kind, pack_text(value) if kind == STRING else struct.pack("<" + _CODES[kind], value))


def array(key: str, kind: int, values: Sequence[Any]) -> Entry:
    """An entry with an array of GGUF type `kind`."""
    if kind == STRING:
        body = b"".join(map(pack_text, values))
    else:
        body = struct.pack(f"<{len(values)}{_CODES[kind]}", *values)
    return Entry(key, ARRAY, struct.pack("<IQ", kind, len(values)) + body)


class Metadata:
    """All keys of a file, in order, each once."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries = {e.key: e for e in entries}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def get(self, key: str, default: Any = None) -> Any:
        """The value of `key`, decoded."""
        entry = self._entries.get(key)
        return default if entry is None else entry.value()

    def set(self, entry: Entry) -> None:
        """Add the entry at the end; one of the same key goes (as llama.cpp's gguf_set_val_* do it)."""
        self._entries.pop(entry.key, None)
        self._entries[entry.key] = entry

    def remove(self, key: str) -> None:
        """Take the key out if it is there."""
        self._entries.pop(key, None)

    def copy(self) -> Metadata:
        """Another one with the same entries."""
        return Metadata(self)

    @property
    def alignment(self) -> int:
        """What tensor data is padded to, in bytes."""
        value = self.get("general.alignment", DEFAULT_ALIGNMENT)
        return value if isinstance(value, int) and value > 0 else DEFAULT_ALIGNMENT


def read_metadata(header: Header) -> Metadata:
    """All keys of the file `header` was read from, verbatim.

    Raises ModelFileError when a key is there twice, or the file is no longer what `header` says.
    """
    try:
        with header.path.open("rb") as f:
            data = f.read(header.data_offset)
    except OSError as e:
        raise ModelFileError(f"{header.path} can't be read: {e.strerror}.", "Check the file's permissions.") from e
    try:
        entries = _entries(data)
    except (struct.error, KeyError, IndexError) as e:
        raise ModelFileError(f"{header.path.name} changed while it was read.", "Try again.") from e
    metadata = Metadata(entries)
    if len(metadata) != len(entries):
        raise _twice(header.path, entries)
    return metadata


def _twice(path: Path, entries: list[Entry]) -> ModelFileError:
    seen: set[str] = set()
    key = next(e.key for e in entries if e.key in seen or seen.add(e.key))  # type: ignore[func-returns-value]
    return ModelFileError(f"{path.name} has the key {key!r} twice.", "Download or copy the file again.")


def _entries(data: bytes) -> list[Entry]:
    n_keys = struct.unpack_from("<Q", data, _FIXED - 8)[0]
    at, found = _FIXED, []
    for _ in range(n_keys):
        end = _after_text(data, at)
        key = data[at + 8 : end].decode("utf-8", "surrogateescape")
        kind = struct.unpack_from("<I", data, end)[0]
        start = end + 4
        at = _after_array(data, start) if kind == ARRAY else _after_values(data, start, kind, 1)
        found.append(Entry(key, kind, data[start:at]))
    return found


def _after_text(data: bytes, at: int) -> int:
    return at + 8 + int(struct.unpack_from("<Q", data, at)[0])


def _after_array(data: bytes, at: int) -> int:
    kind, n = struct.unpack_from("<IQ", data, at)
    return _after_values(data, at + 12, kind, n)


def _after_values(data: bytes, at: int, kind: int, n: int) -> int:
    if kind != STRING:
        return at + n * struct.calcsize("<" + _CODES[kind])
    length = struct.Struct("<Q").unpack_from
    for _ in range(n):
        at += 8 + length(data, at)[0]
    return at


def _scalars(kind: int, n: int, raw: bytes) -> list[Any]:
    if kind != STRING:
        return list(struct.unpack_from(f"<{n}{_CODES[kind]}", raw))
    at, texts = 0, []
    for _ in range(n):
        end = _after_text(raw, at)
        texts.append(raw[at + 8 : end].decode("utf-8", "surrogateescape"))
        at = end
    return texts
