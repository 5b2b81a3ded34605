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
_TILED_BLOCK, _TILE_BYTES = 256, 512 << 10  # K- and IQ-types are multiplied in tiles (ggml-cpu's tiled/)
_ATTENTION_TILES, _TILE_SCORES = 4 * 4 * 64, 4 * 2 * 64 * 64  # GGML_FA_TILE_Q and _KV are 64
_NARROW_ROWS = (TOKENS, OUTPUT)  # only the rows whose logits are wanted


def graph(header: Header, n_ctx: int, n_ubatch: int, *, quantized: bool = False) -> int:
    """Bytes of the compute buffer, as llama.cpp's log tells it. quantized: the KV cache is."""
    n = min(n_ubatch, n_ctx)
    rotation = F32 * _head_size(header) ** 2 if quantized else 0
    return F32 * n * _widest(header, quantized=quantized) + masks(header, n_ctx, n) + rotation


def work(headers: Sequence[Header], n_ubatch: int, threads: int) -> int:
    """Bytes of the CPU backend's own buffer (ggml_graph_plan): what the most demanding operation needs.

    A multiplication converts its activations to what the weights' dot product wants, all rows at once; flash
    attention has a tile for each thread.
    """
    used = max(1, headers[0].integer("expert_used_count"))
    largest = _ATTENTION_TILES * max(_head_size(headers[0]), 1) * threads + _TILE_SCORES * threads
    for tensor in multiplied(headers):
        kind = TYPES.get(tensor.type_id)
        name = kind.name if kind else ""
        rows = 1 if tensor.name in _NARROW_ROWS else n_ubatch * (used if len(tensor.shape) > 2 else 1)
        tiles = _TILE_BYTES * threads if kind and kind.block == _TILED_BLOCK else 0
        largest = max(largest, int(_BYTES.get(name, _Q8_BYTES) * tensor.shape[0] * rows) + tiles)
    return largest


def _widest(header: Header, *, quantized: bool) -> int:
    """Numbers per token that are alive at the widest moment of a layer: in its attention, experts, states..."""
    wide, ff = header.integer("embedding_length"), header.integer("feed_forward_length")
    query = header.integer("attention.head_count") * _head_size(header)
    kv = max((layer.keys for layer in layers(header)), default=0)
    inner = header.integer("ssm.inner_size")
    beside = 3 * wide + query  # what is alive beside a feed-forward block
    if quantized:  # queries and results are rotated, which moves the borders of what can be reused
        beside += query if _has_post_norms(header) else -wide
    moments = [3 * wide + 2 * query + 2 * kv]
    if header.integer("attention.key_length_mla"):
        moments.append(3 * wide + 3 * query)
    if inner:
        moments.append(wide + 6 * inner + 2 * header.integer("ssm.group_count") * header.integer("ssm.state_size"))
    if used := header.integer("expert_used_count"):
        each = used * header.integer("expert_feed_forward_length", ff)
        moments += [beside + 3 * each, (2 * used + 3) * wide + each]
    else:
        moments.append(beside + 3 * ff)
    return max(moments)


def _has_post_norms(header: Header) -> bool:
    return any("post_ffw_norm" in t.name for t in header.tensors)


def _head_size(header: Header) -> int:
    heads = header.integer("attention.head_count")
    return header.integer("attention.key_length", header.integer("embedding_length") // heads if heads else 0)


def masks(header: Header, n_ctx: int, n: int) -> int:
    """What each of the n tokens may see of the cache: one mask for full attention, one for sliding windows."""
    kept = layers(header)
    kinds = {layer.window for layer in kept if layer.keys}
    return len(kinds) * cells(n_ctx) * n * F16
