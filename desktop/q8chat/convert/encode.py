"""float32/float16 rows to the bytes of GGUF's F32, F16, BF16 and Q8_0, the same bits as gguf-py's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from q8chat.convert import native

Array = NDArray[Any]
F32, F16, Q8_0, BF16 = 0, 1, 8, 30  # ggml's type numbers


def f32(rows: Array) -> Array:
    """(R, C) -> float32 (R, C)."""
    return np.ascontiguousarray(rows, "<f4")


def f16(rows: Array) -> Array:
    """(R, C) -> float16 (R, C)."""
    return np.ascontiguousarray(rows) if rows.dtype == np.float16 else native.f16(f32(rows))


def bf16(rows: Array) -> Array:
    """(R, C) -> uint16 (R, C)."""
    return native.bf16(f32(rows))


def q8_0(rows: Array) -> Array:
    """(R, C), C a multiple of 32 -> uint8 (R, C / 32 * 34)."""
    return native.q8_0(f32(rows))


ENCODERS: dict[int, Callable[[Array], Array]] = {F32: f32, F16: f16, Q8_0: q8_0, BF16: bf16}
# Where all bits of the exponent are set, a number is infinite or none.
EXPONENTS = {F16: 0x7C00, BF16: 0x7F80}


def is_finite(rows: Array, encoded: Array, type_id: int) -> bool:
    """Whether all numbers are finite, before and after encoding. float32 can be too large for float16."""
    if (mask := EXPONENTS.get(type_id)) is None:
        return bool(np.isfinite(rows).all())
    bits = encoded.view(np.uint16) & np.uint16(mask)
    return not bits.size or int(bits.max()) < mask
