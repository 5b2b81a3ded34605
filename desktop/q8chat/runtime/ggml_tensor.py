"""`struct ggml_tensor` as it lies in memory (ggml 0.25, 336 bytes on 64-bit machines; source: `ggml.h`)."""

from __future__ import annotations

import ctypes

MAX_DIMS = 4
MAX_SRC = 10


class GgmlTensor(ctypes.Structure):
    """ne: numbers of elements, nb: strides in bytes, both with the row first."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("buffer", ctypes.c_void_p),
        ("ne", ctypes.c_int64 * MAX_DIMS),
        ("nb", ctypes.c_size_t * MAX_DIMS),
        ("op", ctypes.c_int),
        ("op_params", ctypes.c_int32 * 16),
        ("flags", ctypes.c_int32),
        ("src", ctypes.c_void_p * MAX_SRC),
        ("view_src", ctypes.c_void_p),
        ("view_offs", ctypes.c_size_t),
        ("data", ctypes.c_void_p),
        ("name", ctypes.c_char * 64),
        ("extra", ctypes.c_void_p),
        ("padding", ctypes.c_char * 8),
    )

    def source(self, i: int) -> GgmlTensor:
        """The i-th operand."""
        return GgmlTensor.from_address(self.src[i])
