"""ggml's row conversions; to float16 some thirty times as fast as numpy's. All release the interpreter's lock.

Only conversions whose results are the same bits as gguf-py's are used.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from q8chat.runtime.native import library

Array = NDArray[Any]
Q8_0 = 8  # GGML_TYPE_Q8_0
_ROW = (None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
_CHUNK = (ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * 3, ctypes.c_void_p)


_loading = threading.Lock()  # the library must not be loaded by two threads at once


@cache
def _function(name: str, *signature: Any) -> Callable[..., Any]:
    """A function of our own, so that nobody else's argument types are touched. Raises AttributeError."""
    with _loading:
        found: Callable[..., Any] = ctypes.CFUNCTYPE(*signature)((name, library()._lib))
    return found


@cache
def _to_f16() -> Callable[..., Any]:
    try:
        return _function("ggml_cpu_fp32_to_fp16", *_ROW)
    except AttributeError:  # where the CPU's code is a plug-in of its own
        return _function("ggml_fp32_to_fp16_row", *_ROW)


def f16(values: Array) -> Array:
    """float32 -> float16, rounded to nearest even; what is too large becomes infinite."""
    out = np.empty(values.shape, np.float16)
    _to_f16()(values.ctypes.data, out.ctypes.data, values.size)
    return out


def bf16(values: Array) -> Array:
    """float32 -> bfloat16 as uint16, rounded to nearest even; a NaN stays one and becomes quiet."""
    out = np.empty(values.shape, np.uint16)
    _function("ggml_fp32_to_bf16_row", *_ROW)(values.ctypes.data, out.ctypes.data, values.size)
    return out


def q8_0(values: Array) -> Array:
    """float32 (R, C), C a multiple of 32 -> uint8 (R, C / 32 * 34): float16 scale, then 32 signed bytes."""
    rows, columns = values.shape
    out = np.empty((rows, columns // 32 * 34), np.uint8)
    chunk = _function("ggml_quantize_chunk", *_CHUNK)
    chunk(Q8_0, values.ctypes.data, out.ctypes.data, 0, rows, columns, None)
    return out
