"""Does it fit? From the header alone: weights, KV cache, and what is there."""

from __future__ import annotations

import psutil

from q8chat.core.errors import NotEnoughMemoryError
from q8chat.core.units import count, size
from q8chat.gguf_files.header import Header
from q8chat.hardware.memory import read_memory

DEFAULT_CTX = 8192  # tokens; longer ones cost memory that most chats never use
SMALLEST_CTX = 512
COMPUTE_BYTES = 160 << 20  # buffers for a micro-batch and the process itself
KV_BYTES = 2  # f16


def resident_bytes() -> int:
    """Resident memory of this process."""
    return int(psutil.Process().memory_info().rss)


def kv_bytes_per_token(header: Header) -> int:
    """Bytes the KV cache takes per token: keys and values of all layers, f16 (llama.cpp's llama_kv_cache)."""
    heads = header.integer("attention.head_count", 1)
    kv_heads = header.integer("attention.head_count_kv", heads)
    width = header.integer("embedding_length") // max(1, heads)
    key, value = header.integer("attention.key_length", width), header.integer("attention.value_length", width)
    return header.integer("block_count") * kv_heads * (key + value) * KV_BYTES


def choose_context(header: Header, wanted: int) -> int:
    """Context length in tokens: `wanted`, or with 0 the model's own up to DEFAULT_CTX, as far as memory allows.

    Raises NotEnoughMemoryError, naming what is needed and what is there.
    """
    trained = header.integer("context_length") or DEFAULT_CTX
    n_ctx = wanted or min(trained, DEFAULT_CTX)
    per_token = kv_bytes_per_token(header)
    available = read_memory().available
    free = available - header.file_size - COMPUTE_BYTES
    if wanted:
        fits = free >= per_token * wanted
    else:
        n_ctx = min(n_ctx, max(0, free) // max(1, per_token))
        fits = free >= 0 and n_ctx >= min(SMALLEST_CTX, trained)
    if not fits:
        need = header.file_size + COMPUTE_BYTES + per_token * (wanted or min(SMALLEST_CTX, trained))
        raise NotEnoughMemoryError(
            f"{header.path.name} needs {size(need)} of memory with a context of"
            f" {count(wanted or SMALLEST_CTX)} tokens; {size(available)} are available.",
            "Close other programs, or choose a smaller model or a lower quantization level.",
        )
    return n_ctx
