"""The table of tensor types against ggml's own."""

from __future__ import annotations

import ctypes

import pytest

from q8chat.gguf_files.types import TYPES


@pytest.fixture(scope="module")
def ggml() -> ctypes.CDLL:
    from llama_cpp.llama_cpp import _lib

    _lib.ggml_type_name.restype = ctypes.c_char_p
    _lib.ggml_type_size.restype = ctypes.c_size_t
    _lib.ggml_blck_size.restype = ctypes.c_int64
    return _lib


COUNT = 43  # GGML_TYPE_COUNT of llama-cpp-python 0.3.36; one more makes ggml abort


@pytest.mark.parametrize("type_id", range(COUNT))
def test_it_is_ggmls(ggml: ctypes.CDLL, type_id: int) -> None:
    name = ggml.ggml_type_name(type_id)
    size = ggml.ggml_type_size(type_id)
    if not size:  # a type that was removed
        assert type_id not in TYPES
        return
    ours = TYPES[type_id]
    assert (ours.name.lower(), ours.block, ours.n_bytes) == (
        name.decode().lower(),
        ggml.ggml_blck_size(type_id),
        size,
    )


def test_none_is_missing() -> None:
    assert max(TYPES) == COUNT - 1
