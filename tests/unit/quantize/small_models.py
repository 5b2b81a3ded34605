"""Small models of many architectures with random weights, written by the `gguf` package, not by our code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np


@dataclass(frozen=True)
class Shape:
    """A decoder. `ffn`, `vocab`: rows; `experts` 0: dense; `fused`: one tensor for queries, keys and values."""

    arch: str = "llama"
    layers: int = 16
    width: int = 256
    ffn: int = 256
    vocab: int = 32
    heads: int = 8
    kv_heads: int = 2
    experts: int = 0
    tied: bool = True
    fused: bool = False
    gated: bool = True


SHAPES = {
    "llama, grouped queries, tied": Shape(),
    "llama, own output, 33 layers": Shape(layers=33, kv_heads=8, tied=False),
    "llama of 80 layers": Shape(layers=80, kv_heads=1, tied=False),
    "llama of 80 layers, no groups": Shape(layers=80, kv_heads=8, tied=False),
    "eight experts": Shape(experts=8, layers=17, tied=False),
    "sixty experts": Shape("qwen2moe", experts=60, layers=9, kv_heads=8, ffn=32, tied=False),
    "falcon": Shape("falcon", layers=32, fused=True, gated=False, kv_heads=1, tied=False),
    "gpt2": Shape("gpt2", layers=12, fused=True, gated=False, kv_heads=8),
    "rows of 576": Shape(width=576, heads=9, kv_heads=3, ffn=1536, layers=9),
    "rows of 80 and 48": Shape(width=80, heads=5, kv_heads=1, ffn=48, layers=9, tied=False),
    "qwen2 of 80 layers": Shape("qwen2", layers=80, kv_heads=8),
}


def write_model(path: Path, shape: Shape, *, seed: int = 1, zeros: bool = False, dtype: type = np.float16) -> Path:
    """A GGUF file; F32 where the usual converters have it. `zeros`: for comparing types only."""
    writer = gguf.GGUFWriter(path, shape.arch)
    _keys(writer, shape)
    random = np.random.default_rng(seed)

    def add(name: str, *sides: int) -> None:
        kind = np.float32 if len(sides) == 1 or "ffn_gate_inp" in name else dtype
        values = np.zeros(sides, kind) if zeros else (random.standard_normal(sides, np.float32) / 8).astype(kind)
        writer.add_tensor(name, values)

    add("token_embd.weight", shape.vocab, shape.width)
    if shape.arch == "gpt2":
        add("position_embd.weight", 64, shape.width)
    if not shape.tied:
        add("output.weight", shape.vocab, shape.width)
    add("output_norm.weight", shape.width)
    # As a checkpoint may have them: not in the order of the result.
    for layer in sorted(range(shape.layers), key=str):
        _layer(lambda name, *sides, n=layer: add(f"blk.{n}.{name}.weight", *sides), shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _keys(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_name("Small")
    writer.add_file_type(1)  # moves to the end
    writer.add_context_length(64)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.ffn)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_layer_norm_eps(1e-5)
    if shape.experts:
        writer.add_expert_count(shape.experts)
        writer.add_expert_used_count(2)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([f"t{n}" for n in range(shape.vocab)])
    writer.add_add_bos_token(True)


def _layer(add: Callable[..., None], s: Shape) -> None:
    kv = s.width // s.heads * s.kv_heads
    add("attn_norm", s.width)
    if s.fused:
        add("attn_qkv", s.width + 2 * kv, s.width)
    else:
        add("attn_v", kv, s.width)
        add("attn_q", s.width, s.width)
        add("attn_k", kv, s.width)
    add("attn_output", s.width, s.width)
    stack, names = ((s.experts,), "_exps") if s.experts else ((), "")
    if s.experts:
        add("ffn_gate_inp", s.experts, s.width)
    if s.arch == "qwen2moe":
        add("ffn_down_shexp", s.width, s.ffn)
        add("ffn_up_shexp", s.ffn, s.width)
    if s.gated:
        add(f"ffn_gate{names}", *stack, s.ffn, s.width)
    add(f"ffn_down{names}", *stack, s.width, s.ffn)
    add(f"ffn_up{names}", *stack, s.ffn, s.width)


def weights_of(path: Path, *, seed: int = 2, skip: str = "\0") -> dict[str, np.ndarray]:
    """Random entries of an importance matrix for all matrices but those with `skip` in their name."""
    random = np.random.default_rng(seed)
    found = {}
    for tensor in gguf.GGUFReader(path).tensors:
        sides = [int(n) for n in tensor.shape]
        if len(sides) > 1 and skip not in tensor.name and tensor.name != "token_embd.weight":
            n = sides[0] * (sides[2] if len(sides) > 2 else 1)
            found[tensor.name] = random.gamma(0.5, 1.0, n).astype(np.float32)
    return found
