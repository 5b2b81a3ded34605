"""What the engine's process takes besides the model's data: Python, llama.cpp, the vocabulary, bookkeeping.

Measured on Linux x86-64 with Python 3.11 (tests/benchmarks/memory_table.py). Other systems differ by some MiB; the
corrections of `measured` take that in.
"""

from __future__ import annotations

from collections.abc import Sequence

from q8chat.gguf_files.header import Header, SkippedArray

PROCESS = 34 << 20
PER_TOKEN_OF_VOCABULARY = 340
PER_MERGE = 0
PER_TENSOR = 4096
PER_CELL = 100  # of the KV cache: llama.cpp's positions, Python's list of tokens


def base(headers: Sequence[Header], n_ctx: int) -> int:
    """Bytes."""
    first = headers[0]
    tensors = sum(len(h.tensors) for h in headers)
    words = PER_TOKEN_OF_VOCABULARY * vocabulary(first) + PER_MERGE * _length(first, "tokenizer.ggml.merges")
    return PROCESS + words + PER_TENSOR * tensors + PER_CELL * n_ctx


def vocabulary(header: Header) -> int:
    """Number of tokens."""
    return _length(header, "tokenizer.ggml.tokens") or header.integer("vocab_size")


def _length(header: Header, key: str) -> int:
    value = header.metadata.get(key)
    return value.length if isinstance(value, SkippedArray) else len(value) if isinstance(value, list) else 0
