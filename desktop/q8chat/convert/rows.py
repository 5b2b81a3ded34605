"""Tensors as a stream of rows: what a family does to a weight is arithmetic on row numbers, done while reading.

A row is the last dimension: a tensor of shape (E, R, C) has E*R rows of C elements; a vector of N has N rows of one
element each, so that one rule serves weights and biases. Arrays come as float16 when the checkpoint holds F16 and
as float32 otherwise, which is what the reference computes in.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from math import prod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Rows(ABC):
    """A tensor that can be read in part. `shape` as PyTorch has it, `dtype` of what read() gives."""

    def __init__(self, shape: Sequence[int], dtype: Any) -> None:
        self.shape = tuple(int(n) for n in shape)
        self.dtype = np.dtype(dtype)

    @property
    def n_rows(self) -> int:
        """How many rows there are; a scalar has one."""
        return prod(self.shape[:-1]) if len(self.shape) > 1 else prod(self.shape)

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of one row: (C,), or () for a vector."""
        return self.shape[-1:] if len(self.shape) > 1 else ()

    @abstractmethod
    def read(self, lo: int, hi: int) -> Array:
        """Rows lo..hi-1 as an array of shape (hi-lo, *row_shape)."""

    def all(self) -> Array:
        """The whole tensor in its shape; for small ones."""
        return self.read(0, self.n_rows).reshape(self.shape)


class Gathered(Rows):
    """The source's rows in another order, or some of them. `index`: source row of every row."""

    def __init__(self, source: Rows, index: Array, shape: Sequence[int] | None = None) -> None:
        super().__init__(shape or (len(index), *source.row_shape), source.dtype)
        self._source, self._index = source, np.asarray(index, np.int64)
        if self.n_rows != len(self._index):
            raise ValueError(f"{len(self._index)} rows do not make the shape {self.shape}")

    def read(self, lo: int, hi: int) -> Array:
        index = self._index[lo:hi]
        if len(index) == 0:
            return self._source.read(0, 0)
        first, last = int(index.min()), int(index.max()) + 1
        if last - first <= 2 * len(index):  # within a head rows are shuffled: read them together
            return self._source.read(first, last)[index - first]
        cuts = [0, *(np.flatnonzero(np.diff(index) != 1) + 1).tolist(), len(index)]
        return np.concatenate([self._source.read(int(index[a]), int(index[b - 1]) + 1) for a, b in pairwise(cuts)])


class Stacked(Rows):
    """Tensors one after the other along the first dimension, or along a new one (`shape` then says so)."""

    def __init__(self, parts: Sequence[Rows], shape: Sequence[int] | None = None) -> None:
        first = parts[0]
        default = (sum(p.shape[0] for p in parts), *first.shape[1:])
        super().__init__(shape or default, np.result_type(*(p.dtype for p in parts)))
        self._parts = list(parts)
        self._ends = list(accumulate(p.n_rows for p in parts))

    def read(self, lo: int, hi: int) -> Array:
        pieces = []
        for i in range(bisect_right(self._ends, lo), len(self._parts)):
            start = self._ends[i] - self._parts[i].n_rows
            if start >= hi:
                break
            pieces.append(self._parts[i].read(max(lo - start, 0), min(hi, self._ends[i]) - start))
        return np.concatenate(pieces) if pieces else np.empty((0, *self.row_shape), self.dtype)


class Transposed(Rows):
    """A matrix with rows and columns swapped.

    Every row needs all of the source, so the one read last is kept; a very large one is read again, in strips.
    """

    _STRIP, _KEPT = 16 << 20, 256 << 20  # bytes
    _lock = threading.Lock()
    _last: ClassVar[tuple[Rows, Array] | None] = None

    def __init__(self, source: Rows) -> None:
        super().__init__((source.shape[1], source.shape[0]), source.dtype)
        self._source = source

    def read(self, lo: int, hi: int) -> Array:
        out = np.empty((hi - lo, self.shape[1]), self.dtype)
        row_bytes = max(1, self.shape[0] * self.dtype.itemsize)
        if self.shape[1] * row_bytes <= self._KEPT:
            out[:] = self._whole()[:, lo:hi].T
            return out
        step = max(1, self._STRIP // row_bytes)
        for at in range(0, self.shape[1], step):
            to = min(at + step, self.shape[1])
            out[:, at:to] = self._source.read(at, to)[:, lo:hi].T
        return out

    def _whole(self) -> Array:
        with self._lock:
            if Transposed._last is None or Transposed._last[0] is not self._source:
                Transposed._last = self._source, self._source.all()
            return Transposed._last[1]


class Mapped(Rows):
    """Every element changed by `function`, which keeps shape and dtype."""

    def __init__(self, source: Rows, function: Callable[[Array], Array]) -> None:
        super().__init__(source.shape, source.dtype)
        self._source, self._function = source, function

    def read(self, lo: int, hi: int) -> Array:
        return self._function(self._source.read(lo, hi)).astype(self.dtype, copy=False)


class Reshaped(Rows):
    """The same elements under another shape, e.g. (H*D,) as (H, D); with another last dimension only small ones."""

    def __init__(self, source: Rows, shape: Sequence[int]) -> None:
        super().__init__(shape, source.dtype)
        if prod(self.shape) != prod(source.shape):
            raise ValueError(f"{source.shape} can't become {self.shape}")
        self._source = source

    def read(self, lo: int, hi: int) -> Array:
        if self.row_shape == self._source.row_shape:
            return self._source.read(lo, hi)
        flat = self._source.read(0, self._source.n_rows).reshape(-1, *self.row_shape)
        return flat[lo:hi]


class Fixed(Rows):
    """A small tensor made here, e.g. rope factors."""

    def __init__(self, values: Array) -> None:
        super().__init__(values.shape, values.dtype)
        self._values = values.reshape(self.n_rows, *self.row_shape)

    def read(self, lo: int, hi: int) -> Array:
        return self._values[lo:hi]


def rows_of(source: Rows, start: int, stop: int) -> Rows:
    """The rows start..stop-1 as a tensor of their own."""
    return Gathered(source, np.arange(start, stop))


def pair_halves(source: Rows, n_heads: int) -> Rows:
    """Hugging Face's rotary order to llama.cpp's: within a head, row j of the first half then row j of the second.

    Shape (n_heads * D, ...); raises ValueError when the rows do not divide into heads of even size.
    """
    rows = source.shape[0]
    if rows % (2 * n_heads):
        raise ValueError(f"{rows} rows are not {n_heads} heads of even size")
    order = np.arange(rows).reshape(n_heads, 2, rows // n_heads // 2).swapaxes(1, 2)
    return Gathered(source, order.reshape(-1), source.shape)
