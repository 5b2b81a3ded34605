"""The memory of a conversation: KV cache and recurrent states (llama-kv-cache.cpp, llama-memory-recurrent.cpp)."""

from __future__ import annotations

from typing import NamedTuple

from q8chat.gguf_files.header import Header
from q8chat.gguf_files.types import TYPES
from q8chat.runtime.footprint_layers import layers

CELLS = 256  # the cache has a multiple of it


class Cache(NamedTuple):
    """Bytes."""

    kv: int
    recurrent: int


def cells(n_ctx: int) -> int:
    """Tokens that a cache for n_ctx tokens has room for."""
    return -(-n_ctx // CELLS) * CELLS


def cached(header: Header, n_ctx: int, type_id: int) -> Cache:
    """Of a header (of the first shard) for one sequence. States are kept in F32.

    Layers with a sliding window keep everything too (llama.cpp's default, `swa_full`): otherwise the cache could
    not be cut back to the beginning of a conversation, and every edit would read it anew.
    """
    kind, room = TYPES[type_id], cells(n_ctx)
    kept = layers(header)
    kv = sum(width * room // kind.block * kind.n_bytes for layer in kept for width in (layer.keys, layer.values))
    return Cache(kv, sum(4 * layer.state for layer in kept))
