"""Tensors in safetensors files, read in part."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from q8chat.convert.rows import Rows
from q8chat.convert.safetensors import Entry
from q8chat.core.errors import CheckpointError

Array = NDArray[Any]


class Stored(Rows):
    """A tensor in a safetensors file."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.shape, np.float16 if entry.dtype == "F16" else np.float32)
        self.entry = entry
        self._raw = np.dtype(_RAW[entry.dtype])

    def read(self, lo: int, hi: int) -> Array:
        width = prod(self.row_shape)
        count = (hi - lo) * width
        with self.entry.path.open("rb", buffering=0) as f:
            f.seek(self.entry.start + lo * width * self._raw.itemsize)
            raw = np.empty(count, self._raw)
            view, filled = raw.data.cast("B") if count else memoryview(b""), 0
            while filled < len(view):
                got = f.readinto(view[filled:])
                if not got:
                    raise CheckpointError(
                        f"{self.entry.path} became shorter while tensor {self.entry.name} was read.",
                        "Leave the checkpoint alone until the conversion is done, and start again.",
                    )
                filled += got
        return _to_float(raw, self.entry.dtype).reshape(hi - lo, *self.row_shape)


_RAW = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
}
_RAW |= {"U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?"}


def _to_float(raw: Array, dtype: str) -> Array:
    if dtype == "BF16":
        wide = raw.astype(np.uint32)
        wide <<= 16
        return wide.view(np.float32)
    return raw if dtype == "F16" else raw.astype(np.float32, copy=False)
