"""Reading safetensors files, without trusting them.

The format: 8 bytes little-endian header length, a JSON object name -> {dtype, shape, data_offsets}, then the bytes.
Source: the format section of the safetensors project's README. Whatever is wrong is said with file and tensor.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, TypeGuard

from q8chat.core.errors import CheckpointError
from q8chat.core.units import size

HEADER_LIMIT = 100_000_000  # what the safetensors library itself accepts

# name -> bytes per element. Only the first group can be converted; the others are read so that they can be named.
FLOATS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
OTHERS = {"I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1}
PACKED = {"F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1}
DTYPES = FLOATS | OTHERS | PACKED

DAMAGED = "Download the file again."


@dataclass(frozen=True)
class Entry:
    """A tensor in a file. `shape` as PyTorch has it (rows first); `start`: offset in the file."""

    path: Path
    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    n_bytes: int


def read_header(path: Path) -> list[Entry]:
    """The tensors of a file, sorted by name. Raises CheckpointError."""
    header, data_start, file_size = _read_json(path)
    entries = [
        _entry(path, name, info, data_start) for name, info in sorted(header.items()) if name != "__metadata__"
    ]
    _check_layout(path, entries, data_start, file_size)
    return entries


def _read_json(path: Path) -> tuple[dict[str, Any], int, int]:
    try:
        with path.open("rb") as f:
            file_size = f.seek(0, 2)
            f.seek(0)
            length = int.from_bytes(f.read(8), "little")
            if file_size < 8 or length > file_size - 8:
                raise CheckpointError(f"{path} is cut short: it ends inside its header.", DAMAGED)
            if length > HEADER_LIMIT:
                raise CheckpointError(
                    f"{path} claims a header of {size(length)}; at most {size(HEADER_LIMIT)} are allowed.",
                    "This is no sound safetensors file.",
                )
            raw = f.read(length)
    except OSError as e:
        raise CheckpointError(f"{path} can't be read: {e.strerror or e}.", "Check that it is there.") from e
    try:
        header = json.loads(raw.decode("utf-8"), object_pairs_hook=_no_duplicates)
    except (UnicodeDecodeError, ValueError, RecursionError) as e:
        raise CheckpointError(f"{path} has a header that is no sound JSON: {e}.", DAMAGED) from e
    if not isinstance(header, dict):
        raise CheckpointError(f"{path} has a header that is no JSON object.", DAMAGED)
    return header, 8 + length, file_size


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key!r} occurs twice")
        found[key] = value
    return found


def _entry(path: Path, name: str, info: object, data_start: int) -> Entry:
    def refuse(what: str) -> CheckpointError:
        return CheckpointError(f"Tensor {name} in {path} {what}.", DAMAGED)

    if not isinstance(info, dict):
        raise refuse("has no description")
    dtype, shape, offsets = info.get("dtype"), info.get("shape"), info.get("data_offsets")
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise refuse(f"has the unknown type {dtype!r}")
    if not _are_sizes(shape):
        raise refuse(f"has the shape {shape!r}")
    if not _are_sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise refuse(f"has the offsets {offsets!r}")
    start, n_bytes = offsets[0], offsets[1] - offsets[0]
    if n_bytes != prod(shape) * DTYPES[dtype]:
        raise refuse(f"is {n_bytes} bytes long where {dtype} {shape} takes {prod(shape) * DTYPES[dtype]}")
    return Entry(path, name, dtype, tuple(shape), data_start + start, n_bytes)


def _are_sizes(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(v) is int and v >= 0 for v in value)


def _check_layout(path: Path, entries: list[Entry], data_start: int, file_size: int) -> None:
    """The data must be covered without gap or overlap, to the file's last byte, as the format demands."""
    end, before = data_start, ""
    for entry in sorted(entries, key=lambda e: (e.start, e.n_bytes)):
        if entry.start + entry.n_bytes > file_size:
            missing = entry.start + entry.n_bytes - file_size
            raise CheckpointError(f"{path} is cut short: tensor {entry.name} lacks {size(missing)}.", DAMAGED)
        if entry.start < end:
            raise CheckpointError(f"Tensors {before} and {entry.name} overlap in {path}.", DAMAGED)
        if entry.start > end:
            raise CheckpointError(f"{path} has unclaimed bytes before tensor {entry.name}.", DAMAGED)
        end, before = entry.start + entry.n_bytes, entry.name
    if end != file_size:
        raise CheckpointError(f"{path} has {size(file_size - end)} after its last tensor.", DAMAGED)
