"""What the engine's process takes besides the model's data: Python, llama.cpp, the vocabulary, bookkeeping.

Measured on Linux x86-64 with Python 3.11 (tests/benchmarks/memory_table.py). Other systems differ by some MiB; the
corrections of `measured` take that in.
"""

from __future__ import annotations

from collections.abc import Sequence

from q8chat.gguf_files.header import Header, SkippedArray

PROCESS = 36 << 20
# Bytes per token and per merge rule, fitted to the 15 vocabularies in llama.cpp's source (within 3 MiB each); a BPE
# vocabulary has merge rules and keeps more of each token.
PER_TOKEN, PER_BPE_TOKEN, PER_MERGE = 160, 250, 80
PER_CANDIDATE = 16  # per token of the vocabulary: what the sampler sorts
PER_TENSOR = 4096  # descriptions and graph nodes
PER_CELL = 100  # of the KV cache: llama.cpp's positions, Python's lists of tokens


def base(headers: Sequence[Header], n_ctx: int) -> int:
    """Bytes."""
    first = headers[0]
    each = PER_CANDIDATE + (PER_BPE_TOKEN if merges(first) else PER_TOKEN)
    words = vocabulary(first) * each + merges(first) * PER_MERGE
    tensors = sum(len(h.tensors) for h in headers)
    return PROCESS + words + tensors * PER_TENSOR + n_ctx * PER_CELL


def vocabulary(header: Header) -> int:
    """Number of tokens."""
    return _length(header, "tokenizer.ggml.tokens") or header.integer("vocab_size")


def merges(header: Header) -> int:
    """Number of merge rules of a BPE vocabulary."""
    return _length(header, "tokenizer.ggml.merges")


def _length(header: Header, key: str) -> int:
    value = header.metadata.get(key)
    return value.length if isinstance(value, SkippedArray) else len(value) if isinstance(value, list) else 0
