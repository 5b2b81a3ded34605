"""Importance matrices: for each tensor and each of its columns, the mean square of what is multiplied with it.

Two formats: llama.cpp's imatrix GGUF (sums and counts), and the older .dat.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from q8chat.core.errors import QuantizeError
from q8chat.gguf_files.gguf_source import GgufSource
from q8chat.gguf_files.header import MAGIC

if TYPE_CHECKING:
    import numpy as np

    Values = np.ndarray[tuple[int], np.dtype[np.float32]]

_SUMS, _COUNTS = ".in_sum2", ".counts"
_KEYS = ("imatrix.datasets", "imatrix.chunk_count", "imatrix.chunk_size")
_MAX_NAME = 1 << 16


@dataclass(frozen=True, slots=True)
class Imatrix:
    """`entries`: tensor name -> float32 values, one row after the other for each matrix (expert) of the tensor.

    `dataset`: what it was collected from, "" if not told; `n_chunks`: 0 if not told.
    """

    entries: Mapping[str, Values]
    dataset: str = ""
    n_chunks: int = 0

    def only(self, parts: Iterable[str]) -> Imatrix:
        """The entries with one of these texts in their name."""
        wanted = tuple(parts)
        return replace(self, entries={n: v for n, v in self.entries.items() if any(p in n for p in wanted)})

    def without(self, parts: Iterable[str]) -> Imatrix:
        """The entries with none of these texts in their name."""
        unwanted = tuple(parts)
        return replace(self, entries={n: v for n, v in self.entries.items() if not any(p in n for p in unwanted)})


def read_imatrix(path: Path) -> Imatrix:
    """Read a file of either format. Raises QuantizeError, ModelFileError."""
    import numpy as np

    try:
        with path.open("rb") as f:
            if f.read(4) != MAGIC:
                f.seek(0)
                found = _read_dat(f, path)
            else:
                found = _read_gguf(path)
    except OSError as e:
        raise QuantizeError(f"{path} can't be read: {e.strerror or e}.", "Check the path.") from e
    bad = next((name for name, values in found.entries.items() if not np.isfinite(values).all()), None)
    if bad is not None:
        raise QuantizeError(
            f"The importance matrix {path.name} has values for {bad} that are not finite.", "Collect it again."
        )
    return found


def _damaged(path: Path, what: str) -> QuantizeError:
    return QuantizeError(f"{path.name} is not a usable importance matrix: {what}.", "Collect or download it again.")


def _mismatch(path: Path, name: str) -> QuantizeError:
    return _damaged(path, f"sums and counts of {name} do not match")


def _read_gguf(path: Path) -> Imatrix:
    source = GgufSource(path)
    try:
        missing = [key for key in _KEYS if key not in source.metadata]
        if missing:
            raise _damaged(path, f"the key {missing[0]} is missing")
        indices = {t.name: n for n, t in enumerate(source.tensors)}
        names = sorted({n.removesuffix(_SUMS).removesuffix(_COUNTS) for n in indices})
        entries = {}
        for name in names:
            if name + _SUMS not in indices and name + _COUNTS not in indices:
                continue  # something else
            sums, counts = (_floats(source, indices.get(name + part), path, name) for part in (_SUMS, _COUNTS))
            if not len(counts) or len(sums) % len(counts):
                raise _mismatch(path, name)
            entries[name] = _means(sums, counts)
        if not entries:
            raise _damaged(path, "it has no values")
        datasets = source.metadata.get(_KEYS[0])
        dataset = datasets[0] if isinstance(datasets, list) and datasets else ""
        return Imatrix(entries, str(dataset), int(source.metadata.get(_KEYS[1])))
    finally:
        source.close()


def _floats(source: GgufSource, index: int | None, path: Path, name: str) -> Values:
    import numpy as np

    if index is None:
        raise _mismatch(path, name)
    spec = source.tensors[index]
    if spec.type_id != 0:
        raise _damaged(path, f"the values of {name} are not F32")
    values = np.empty(spec.n_bytes // 4, np.float32)
    source.read(index, 0, spec.n_rows, memoryview(values.data).cast("B"))
    return values


def _means(sums: Values, counts: Values) -> Values:
    """Sums over counts for each matrix; a matrix nothing was counted for (an idle expert) gets ones."""
    import numpy as np

    whole = np.trunc(counts + np.copysign(np.float32(0.5), counts)).astype(np.float32)
    rows = sums.reshape(len(whole), -1).copy()
    used = whole > 0
    rows[used] /= whole[used, None]
    rows[~used] = 1
    return rows.reshape(-1)


def _read_dat(f: BinaryIO, path: Path) -> Imatrix:
    """i32 entries; each: i32 length, name, i32 calls, i32 number of values, values. Then chunks and dataset."""
    import numpy as np

    entries = {}
    try:
        for _ in range(_positive(f)):
            name = _take(f, min(_positive(f), _MAX_NAME)).split(b"\0")[0].decode("utf-8", "surrogateescape")
            n_calls, n_values = struct.unpack("<ii", _take(f, 8))
            if n_values < 1:
                raise ValueError
            values = np.frombuffer(_take(f, n_values * 4), np.float32)
            entries[name] = values / np.float32(n_calls) if n_calls > 0 else values
    except ValueError as e:
        raise _damaged(path, "it is cut off or of another format") from e
    tail = f.read()
    n_chunks = struct.unpack_from("<i", tail)[0] if len(tail) >= 4 else 0
    length = struct.unpack_from("<i", tail, 4)[0] if len(tail) >= 8 else 0
    dataset = tail[8 : 8 + length].split(b"\0")[0] if 0 < length <= len(tail) - 8 else b""
    return Imatrix(entries, dataset.decode("utf-8", "surrogateescape"), n_chunks)


def _take(f: BinaryIO, n: int) -> bytes:
    data = f.read(n)
    if len(data) < n:
        raise ValueError
    return data


def _positive(f: BinaryIO) -> int:
    n = int(struct.unpack("<i", _take(f, 4))[0])
    if n < 1:
        raise ValueError
    return n


def usable(imatrix: Imatrix | None) -> Imatrix | None:
    """None for one without entries, which llama-quantize treats as absent."""
    return imatrix if imatrix and imatrix.entries else None
