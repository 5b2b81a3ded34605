"""float32/float16 rows to the bytes of GGUF's F32, F16, BF16 and Q8_0, as gguf-py rounds them.

Sources: `ggml_compute_fp32_to_bf16` and `quantize_row_q8_0_ref` in ggml, and gguf-py's quants: they agree in every
bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

BLOCK = 32  # weights of a Q8_0 block


def f32(rows: Array) -> Array:
    """(R, C) -> float32 (R, C)."""
    return rows.astype("<f4", copy=False)


def f16(rows: Array) -> Array:
    """(R, C) -> float16 (R, C); what is too large becomes infinite, as everywhere."""
    with np.errstate(over="ignore"):
        return rows.astype("<f2", copy=False)


def bf16(rows: Array) -> Array:
    """(R, C) -> uint16 (R, C), rounded to nearest even; a NaN stays one and becomes quiet."""
    bits = np.ascontiguousarray(rows, np.float32).view(np.uint32)
    rounded = bits + (np.uint32(0x7FFF) + ((bits >> 16) & np.uint32(1)))
    rounded >>= 16
    nan = np.isnan(rows)
    if nan.any():
        rounded[nan] = (bits[nan] >> 16) | 64
    return rounded.astype("<u2")


def q8_0(rows: Array) -> Array:
    """(R, C), C a multiple of 32 -> uint8 (R, C / 32 * 34): float16 scale, then 32 signed bytes."""
    blocks = np.ascontiguousarray(rows, np.float32).reshape(-1, BLOCK)
    scale = np.abs(blocks).max(axis=1, keepdims=True) / np.float32(127)
    with np.errstate(divide="ignore"):
        inverse = np.where(scale == 0, np.float32(0), np.float32(1) / scale)
    scaled = blocks * inverse
    magnitude = np.abs(scaled)
    floor = np.floor(magnitude)
    rounded = np.copysign(floor + np.floor(2 * (magnitude - floor)), scaled)  # halves away from zero
    out = np.empty((len(blocks), BLOCK + 2), np.uint8)
    with np.errstate(over="ignore", invalid="ignore"):
        out[:, :2] = scale.astype("<f2").view(np.uint8)
        out[:, 2:] = rounded.astype(np.int8).view(np.uint8)
    return out.reshape(rows.shape[0], -1)


# GGUF tensor type -> encoder
ENCODERS: dict[int, Callable[[Array], Array]] = {0: f32, 1: f16, 8: q8_0, 30: bf16}
