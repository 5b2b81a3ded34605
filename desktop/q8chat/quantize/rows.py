"""Blocks of rows: read, checked, turned into floats and into the type that is wanted, by one thread each."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from q8chat.core.errors import QuantizeError
from q8chat.gguf_files.source import TensorSource
from q8chat.gguf_files.types import TYPES
from q8chat.quantize.ftypes import TYPE_IDS
from q8chat.quantize.ggml_quant import ggml
from q8chat.quantize.tensor_plan import Plan
from q8chat.quantize.type_choice import PlannedTensor

_BLOCK = 1 << 18  # weights in a block: their floats fit into a core's second-level cache
_F32 = TYPE_IDS["F32"]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows first..first+n of a tensor. `matrix`: which part of its importance matrix holds for all of them."""

    tensor: PlannedTensor
    first: int
    n: int
    matrix: int = 0


def blocks(tensor: PlannedTensor) -> Iterator[Rows]:
    """All rows of a tensor in order. Where there is an importance matrix no block is in two experts."""
    spec = tensor.source
    if not spec.n_bytes:
        return
    step = max(1, _BLOCK // spec.row_length)
    group = spec.shape[1] if tensor.weighted and len(spec.shape) > 2 else spec.n_rows
    for start in range(0, spec.n_rows, group):
        for first in range(start, start + group, step):
            yield Rows(tensor, first, min(step, start + group - first), start // group)


class _Scratch(threading.local):
    """A thread's own buffers, which grow to the largest block it meets."""

    def __init__(self) -> None:
        self.raw, self.raw_at = _buffer(0)
        self.floats, self.floats_at = _buffer(0)

    def raw_view(self, n: int) -> memoryview:
        if len(self.raw) < n:
            self.raw, self.raw_at = _buffer(n)
        return memoryview(self.raw)[:n]

    def floats_view(self, n: int) -> memoryview:
        if len(self.floats) < n:
            self.floats, self.floats_at = _buffer(n)
        return memoryview(self.floats)[:n]


def _buffer(n: int) -> tuple[bytearray, int]:
    data = bytearray(n)
    return data, ctypes.addressof((ctypes.c_char * n).from_buffer(data)) if n else 0


class RowMaker:
    """Makes the bytes of any block of a plan. Called by many threads at once."""

    def __init__(self, source: TensorSource, plan: Plan) -> None:
        self._source, self._plan = source, plan
        self._zero_bad = plan.options.zero_bad_weights
        self._scratch = _Scratch()
        self._ggml = ggml()
        for kind in {t.result.type_id for t in plan.tensors if t.changes}:
            self._ggml.prepare(kind)

    def make(self, rows: Rows) -> bytearray:
        """The block in the type of the result.

        Raises QuantizeError for NaN and infinite weights, and what the source raises.
        """
        return self._quantized(rows) if rows.tensor.changes else self._copied(rows)

    def _copied(self, rows: Rows) -> bytearray:
        spec = rows.tensor.source
        data, at = _buffer(rows.n * spec.row_bytes)
        self._source.read(rows.tensor.index, rows.first, rows.n, memoryview(data))
        if not self._zero_bad and not self._ggml.is_valid(spec.type_id, at, len(data)):
            raise self._bad(rows)
        return data

    def _quantized(self, rows: Rows) -> bytearray:
        spec, target = rows.tensor.source, rows.tensor.result
        floats = self._floats(rows)
        data, at = _buffer(rows.n * target.row_bytes)
        made = self._ggml.quantize(target.type_id, floats, at, (rows.n, spec.row_length), self._weights(rows))
        if made != len(data) or not self._ggml.is_valid(target.type_id, at, len(data)):
            raise QuantizeError(
                f"The weights of {spec.name} are too large for {TYPES[target.type_id].name}.",
                "Choose another type for this tensor, e.g. bf16.",
            )
        return data

    def _floats(self, rows: Rows) -> int:
        """Address of the rows as floats, in this thread's buffers."""
        spec, own = rows.tensor.source, self._scratch
        raw = own.raw_view(rows.n * spec.row_bytes)
        self._source.read(rows.tensor.index, rows.first, rows.n, raw)
        good = self._ggml.is_valid(spec.type_id, own.raw_at, raw.nbytes)
        if not good and not self._zero_bad:
            raise self._bad(rows)
        n = rows.n * spec.row_length
        if spec.type_id == _F32:
            view, at = raw, own.raw_at
        else:
            view = own.floats_view(4 * n)
            at = own.floats_at
            self._ggml.to_float(spec.type_id, own.raw_at, at, n)
        if not good:
            _zero_bad(view)
        return at

    def _weights(self, rows: Rows) -> int | None:
        """Address of the importance of the block's columns."""
        if not rows.tensor.weighted or self._plan.imatrix is None:
            return None
        values = self._plan.imatrix.entries[rows.tensor.source.name]
        return int(values.ctypes.data) + 4 * rows.matrix * rows.tensor.source.row_length

    def _bad(self, rows: Rows) -> QuantizeError:
        return QuantizeError(
            f"{rows.tensor.source.name} in {self._source.name} has weights that are not numbers or infinite "
            f"(rows {rows.first:,} to {rows.first + rows.n - 1:,}).",
            "Download or convert the model again; or let such weights become 0.",
        )


def _zero_bad(floats: memoryview) -> None:
    import numpy as np

    values = np.frombuffer(floats, np.float32)
    values[~np.isfinite(values)] = 0
