"""Scratch memory of one micro-batch: the graph's intermediate results and the CPU backend's work buffer.

The allocator reuses memory between operations, so what counts is the widest moment. The formulas were fitted to the
buffer sizes that llama.cpp reports for graphs without memory (`no_alloc`) over the families and shapes named in the
tests; they hold with flash attention, which the CPU backend always has, and one row of logits.
"""

from __future__ import annotations

from collections.abc import Sequence

from q8chat.gguf_files.header import Header
from q8chat.gguf_files.types import TYPES
from q8chat.runtime.footprint_cache import cells
from q8chat.runtime.footprint_layers import layers
from q8chat.runtime.kernels_tensors import OUTPUT, TOKENS, multiplied

F32, F16 = 4, 2
_BYTES = {"F32": 0.0, "F16": 2.0, "BF16": 2.0}  # per activation; F32 needs no conversion
_Q8_BYTES = 292 / 256  # Q8_K, the largest of the quantized ones
_NARROW_ROWS = (TOKENS, OUTPUT)  # only the rows whose logits are wanted


def compute(headers: Sequence[Header], n_ctx: int, n_ubatch: int) -> int:
    """Bytes."""
    header = headers[0]
    n = min(n_ubatch, n_ctx)
    return F32 * n * _widest(header) + _masks(header, n_ctx, n) + _work(headers, n)


def _widest(header: Header) -> int:
    """Numbers per token that are alive at the widest moment of a layer."""
    wide, ff = header.integer("embedding_length"), header.integer("feed_forward_length")
    heads = header.integer("attention.head_count")
    key = header.integer("attention.key_length", wide // heads if heads else 0)
    kv = max((layer.keys for layer in layers(header)), default=0)
    moments = [3 * wide + 3 * ff + heads * key, 3 * wide + 2 * heads * key + 2 * kv]
    if used := header.integer("expert_used_count"):
        each = used * header.integer("expert_feed_forward_length", ff)
        moments = [moments[1], 3 * wide + 3 * each + heads * key, (2 * used + 3) * wide + each]
    return max(moments)


def _masks(header: Header, n_ctx: int, n: int) -> int:
    """What each of the n tokens may see of the cache: one mask for full attention, one for sliding windows."""
    kept = layers(header)
    kinds = {layer.window for layer in kept if layer.keys}
    return len(kinds) * cells(n_ctx) * n * F16


def _work(headers: Sequence[Header], n: int) -> int:
    """Activations are converted to what the weights' dot product wants, all rows of a multiplication at once."""
    used = max(1, headers[0].integer("expert_used_count"))
    largest = 0.0
    for tensor in multiplied(headers):
        kind = TYPES.get(tensor.type_id)
        rows = 1 if tensor.name in _NARROW_ROWS else n * (used if len(tensor.shape) > 2 else 1)
        largest = max(largest, _BYTES.get(kind.name if kind else "", _Q8_BYTES) * tensor.shape[0] * rows)
    return int(largest)
