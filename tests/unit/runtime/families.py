"""Writes models of several families that llama.cpp loads: real shapes, sparse weights of nothing, no vocabulary."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from typing import TypeAlias

from q8chat.gguf_files.types import TYPES
from tests.unit.gguf_files.small_gguf import gguf, key, tensor, text

TYPE_IDS = {kind.name: type_id for type_id, kind in TYPES.items()}
Tensors: TypeAlias = "dict[str, tuple[tuple[int, ...], str]]"
Keys: TypeAlias = "Mapping[str, int | float | list[int]]"
LAYERS = 6


def write(path: Path, arch: str, keys: Keys, tensors: Tensors, vocabulary: int = 32000) -> Path:
    """A GGUF file of these tensors: name -> (shape, type)."""
    written = [key("general.architecture", 8, text(arch)), key("tokenizer.ggml.model", 8, text("no_vocab"))]
    common = {"vocab_size": vocabulary, "context_length": 8192, "block_count": LAYERS}
    for name, value in {**common, "attention.layer_norm_rms_epsilon": 1e-5, **keys}.items():
        if isinstance(value, list):
            kind, data = 9, struct.pack(f"<IQ{len(value)}I", 4, len(value), *value)
        else:
            kind, data = (
                (6, struct.pack("<f", value)) if isinstance(value, float) else (4, struct.pack("<I", value))
            )
        written.append(key(f"{arch}.{name}", kind, data))
    described, offset = [], 0
    for name, (shape, type_name) in tensors.items():
        described.append(tensor(name, shape, TYPE_IDS[type_name], offset))
        stored = TYPES[TYPE_IDS[type_name]]
        offset += -(-(prod(shape) // stored.block * stored.n_bytes) // 32) * 32
    path.write_bytes(gguf(written, described, data=0))
    os.truncate(path, path.stat().st_size + offset)
    return path


def _ends(wide: int, weights: str, vocabulary: int = 32000, *, tied: bool = False) -> Tensors:
    tensors: Tensors = {"token_embd.weight": ((wide, vocabulary), weights), "output_norm.weight": ((wide,), "F32")}
    return tensors if tied else {**tensors, "output.weight": ((wide, vocabulary), weights)}


def _attention(b: str, wide: int, query: int, kv: int, weights: str) -> Tensors:
    return {
        f"{b}.attn_norm.weight": ((wide,), "F32"),
        f"{b}.attn_q.weight": ((wide, query), weights),
        f"{b}.attn_k.weight": ((wide, kv), weights),
        f"{b}.attn_v.weight": ((wide, kv), weights),
        f"{b}.attn_output.weight": ((query, wide), weights),
    }


def _feed_forward(b: str, wide: int, ff: int, weights: str, experts: int = 0) -> Tensors:
    more, ending = ((experts,), "_exps") if experts else ((), "")
    tensors: Tensors = {
        f"{b}.ffn_norm.weight": ((wide,), "F32"),
        f"{b}.ffn_gate{ending}.weight": ((wide, ff, *more), weights),
        f"{b}.ffn_up{ending}.weight": ((wide, ff, *more), weights),
        f"{b}.ffn_down{ending}.weight": ((ff, wide, *more), weights),
    }
    return {**tensors, f"{b}.ffn_gate_inp.weight": ((wide, experts), "F32")} if experts else tensors


def transformer(
    path: Path,
    arch: str = "llama",
    *,
    wide: int = 1024,
    ff: int = 2816,
    heads: int = 16,
    kv_heads: int = 4,
    head: int = 64,
    weights: str = "Q8_0",
    experts: int = 0,
    tied: bool = False,
    more: Keys | None = None,
) -> Path:
    """llama, qwen2, qwen3, qwen3moe, gemma2, gemma3: what differs is which norms and biases there are."""
    query, kv = heads * head, kv_heads * head
    tensors = _ends(wide, weights, tied=tied or arch.startswith("gemma"))
    for i in range(LAYERS):
        b = f"blk.{i}"
        tensors |= _attention(b, wide, query, kv, weights) | _feed_forward(b, wide, ff, weights, experts)
        if arch == "qwen2":
            tensors |= {f"{b}.attn_{n}.bias": ((w,), "F32") for n, w in (("q", query), ("k", kv), ("v", kv))}
        if arch in ("qwen3", "qwen3moe", "gemma3"):
            tensors |= {f"{b}.attn_{n}_norm.weight": ((head,), "F32") for n in "qk"}
        if arch.startswith("gemma"):
            tensors |= {f"{b}.post_{n}_norm.weight": ((wide,), "F32") for n in ("attention", "ffw")}
    keys = {"embedding_length": wide, "feed_forward_length": ff, "attention.head_count": heads}
    keys |= {"attention.head_count_kv": kv_heads, "attention.key_length": head, "attention.value_length": head}
    if experts:
        keys |= {"expert_count": experts, "expert_used_count": 4, "expert_feed_forward_length": ff}
    return write(path, arch, {**keys, "rope.dimension_count": head, **(more or {})}, tensors)


def mamba(path: Path) -> Path:
    """Recurrent layers only."""
    wide, inner, state, rank = 512, 1024, 16, 32
    tensors = _ends(wide, "F16", tied=True)
    for i in range(LAYERS):
        b = f"blk.{i}"
        tensors |= {
            f"{b}.attn_norm.weight": ((wide,), "F32"),
            f"{b}.ssm_in.weight": ((wide, 2 * inner), "F16"),
            f"{b}.ssm_conv1d.weight": ((4, inner), "F32"),
            f"{b}.ssm_conv1d.bias": ((inner,), "F32"),
            f"{b}.ssm_x.weight": ((inner, rank + 2 * state), "F16"),
            f"{b}.ssm_dt.weight": ((rank, inner), "F16"),
            f"{b}.ssm_dt.bias": ((inner,), "F32"),
            f"{b}.ssm_a": ((state, inner), "F32"),
            f"{b}.ssm_d": ((inner,), "F32"),
            f"{b}.ssm_out.weight": ((inner, wide), "F16"),
        }
    keys = {"embedding_length": wide, "feed_forward_length": 0, "attention.head_count": 0, "ssm.conv_kernel": 4}
    return write(
        path,
        "mamba",
        {**keys, "ssm.inner_size": inner, "ssm.state_size": state, "ssm.time_step_rank": rank},
        tensors,
    )


def lfm2(path: Path) -> Path:
    """Short convolutions, attention in every third layer."""
    wide, ff, heads, head = 1024, 2816, 16, 64
    kv_heads = [4 if i % 3 == 2 else 0 for i in range(LAYERS)]
    tensors: Tensors = {"token_embd.weight": ((wide, 32000), "Q8_0"), "token_embd_norm.weight": ((wide,), "F32")}
    for i, kv in enumerate(kv_heads):
        b = f"blk.{i}"
        tensors |= _feed_forward(b, wide, ff, "Q8_0")
        if kv:
            tensors |= _attention(b, wide, wide, kv * head, "Q8_0")
            tensors |= {f"{b}.attn_{n}_norm.weight": ((head,), "F32") for n in "qk"}
        else:
            tensors |= {
                f"{b}.attn_norm.weight": ((wide,), "F32"),
                f"{b}.shortconv.conv.weight": ((3, wide), "F32"),
                f"{b}.shortconv.in_proj.weight": ((wide, 3 * wide), "Q8_0"),
                f"{b}.shortconv.out_proj.weight": ((wide, wide), "Q8_0"),
            }
    keys: Keys = {"embedding_length": wide, "feed_forward_length": ff, "attention.head_count": heads}
    return write(path, "lfm2", {**keys, "attention.head_count_kv": kv_heads, "shortconv.l_cache": 3}, tensors)


def deepseek2(path: Path) -> Path:
    """Multi-head latent attention: one compressed row per token; dense layers only."""
    wide, ff, heads, rank, rope, nope = 1024, 2816, 16, 256, 64, 128
    tensors = _ends(wide, "Q4_0")
    for i in range(LAYERS):
        b = f"blk.{i}"
        tensors |= _feed_forward(b, wide, ff, "Q4_0") | {
            f"{b}.attn_norm.weight": ((wide,), "F32"),
            f"{b}.attn_q_a.weight": ((wide, 512), "Q4_0"),
            f"{b}.attn_q_a_norm.weight": ((512,), "F32"),
            f"{b}.attn_q_b.weight": ((512, heads * (nope + rope)), "Q4_0"),
            f"{b}.attn_kv_a_mqa.weight": ((wide, rank + rope), "Q4_0"),
            f"{b}.attn_kv_a_norm.weight": ((rank,), "F32"),
            f"{b}.attn_k_b.weight": ((nope, rank, heads), "Q4_0"),
            f"{b}.attn_v_b.weight": ((rank, nope, heads), "Q4_0"),
            f"{b}.attn_output.weight": ((heads * nope, wide), "Q4_0"),
        }
    keys = {"embedding_length": wide, "feed_forward_length": ff, "attention.head_count": heads}
    keys |= {"attention.head_count_kv": 1, "attention.key_length": rank + rope, "attention.value_length": rank}
    keys |= {"attention.key_length_mla": nope + rope, "attention.value_length_mla": nope, "expert_count": 0}
    keys |= {"attention.q_lora_rank": 512, "attention.kv_lora_rank": rank, "rope.dimension_count": rope}
    keys |= {"leading_dense_block_count": LAYERS, "expert_feed_forward_length": ff, "expert_shared_count": 1}
    return write(path, "deepseek2", keys, tensors)


WINDOW = {"attention.sliding_window": 512}
FAMILIES: dict[str, Callable[[Path], Path]] = {
    "llama": transformer,
    "llama Q4_0": lambda p: transformer(p, weights="Q4_0"),
    "llama Q4_K, tied": lambda p: transformer(p, weights="Q4_K", tied=True, ff=3072),
    "llama Q6_K": lambda p: transformer(p, weights="Q6_K", ff=3072),
    "llama F16": lambda p: transformer(p, weights="F16"),
    "llama, large heads": lambda p: transformer(p, ff=512, heads=16, kv_heads=16, head=256),
    "llama, 8 experts": lambda p: transformer(p, experts=8, weights="Q4_0"),
    "qwen2": lambda p: transformer(p, "qwen2", wide=896, ff=4864, heads=14, kv_heads=2),
    "qwen3": lambda p: transformer(p, "qwen3", head=128),
    "qwen3moe": lambda p: transformer(p, "qwen3moe", ff=768, heads=32, experts=64),
    "gemma2": lambda p: transformer(p, "gemma2", wide=1152, ff=4608, heads=4, head=256, more=WINDOW),
    "gemma3": lambda p: transformer(p, "gemma3", wide=1152, ff=6912, heads=4, kv_heads=1, head=256, more=WINDOW),
    "mamba": mamba,
    "lfm2": lfm2,
    "deepseek2": deepseek2,
}
