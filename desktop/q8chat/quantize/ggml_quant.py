"""ggml's conversions between tensor types, row by row. All calls release the interpreter's lock.

A quantized row depends on nothing but the row and its part of the importance matrix, so blocks of rows can be made
in any order by any number of threads: the bytes are the same.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

from q8chat.runtime import native


class _TypeTraits(ctypes.Structure):
    """`struct ggml_type_traits` of ggml.h."""

    _fields_ = (
        ("type_name", ctypes.c_char_p),
        ("blck_size", ctypes.c_int64),
        ("blck_size_interleave", ctypes.c_int64),
        ("type_size", ctypes.c_size_t),
        ("is_quantized", ctypes.c_bool),
        ("to_float", ctypes.c_void_p),
        ("from_float_ref", ctypes.c_void_p),
    )


_ToFloat = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)


class Ggml:
    """The functions, with addresses as plain integers."""

    def __init__(self) -> None:
        lib = native.library()._lib
        self._chunk = _function(
            lib,
            "ggml_quantize_chunk",
            ctypes.c_size_t,
            [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * 3, ctypes.c_void_p],
        )
        self._valid = _function(
            lib, "ggml_validate_row_data", ctypes.c_bool, [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
        )
        self._init = _function(lib, "ggml_quantize_init", None, [ctypes.c_int])
        self._traits = _function(lib, "ggml_get_type_traits", ctypes.POINTER(_TypeTraits), [ctypes.c_int])
        self._to_float: dict[int, Any] = {}

    def prepare(self, type_id: int) -> None:
        """Build the tables some types need, before threads ask for them."""
        self._init(type_id)

    def quantize(self, type_id: int, floats: int, result: int, shape: tuple[int, int], imatrix: int | None) -> int:
        """Quantize rows; `shape`: rows and their length. Returns the number of bytes made.

        `imatrix` points at a row's length of floats that hold for all of them.
        """
        return int(self._chunk(type_id, floats, result, 0, *shape, imatrix))

    def to_float(self, type_id: int, data: int, floats: int, n: int) -> None:
        """Give back the `n` values of quantized, F16 or BF16 `data`."""
        function = self._to_float.get(type_id)
        if function is None:
            function = self._to_float[type_id] = _ToFloat(self._traits(type_id).contents.to_float)
        function(data, floats, n)

    def is_valid(self, type_id: int, data: int, n_bytes: int) -> bool:
        """Whether there are no NaN or infinite values or scales. ggml says on stderr what it found."""
        return bool(self._valid(type_id, data, n_bytes))


def _function(lib: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    """An own function object, so that nobody else's argument types are touched."""
    return ctypes.CFUNCTYPE(result, *arguments)((name, lib))


@cache
def ggml() -> Ggml:
    """The library's functions, found once."""
    return Ggml()
