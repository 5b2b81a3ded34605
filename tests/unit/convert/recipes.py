"""Checkpoints of families that the conformance kit lacks, made here with the tokenizers of the kit.

`reference_digests.json` holds the sha256 of the files that llama.cpp's own converter made of them (the one inside
llama-cpp-python 0.3.36, with torch 2.13.0 and transformers 4.57.6).
"""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.unit.convert import tiny
from tests.unit.convert.kit import KIT

Shapes = dict[str, tuple[int, ...]]
TOKENIZER_FILES = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("tokenizer.model", "vocab.json", "merges.txt"),
)


@dataclass(frozen=True)
class Recipe:
    """`tokenizer`: a family of the kit; `shapes`: tensors by number of tokens; `without`: files left out.

    `files`: further files, as text, or as what changes in a JSON object that is there.
    """

    tokenizer: str
    config: Mapping[str, Any]
    shapes: Callable[[int], Shapes]
    dtype: str = "bfloat16"
    without: tuple[str, ...] = ()
    generation: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str | dict[str, Any]] = field(default_factory=dict)


def make(name: str, recipe: Recipe, folder: Path) -> Path:
    """Write the checkpoint into `folder / name`."""
    out = folder / name
    out.mkdir(parents=True)
    source = KIT / "checkpoints" / recipe.tokenizer
    for file in set(TOKENIZER_FILES) - set(recipe.without):
        if (source / file).is_file():
            shutil.copyfile(source / file, out / file)
    tokens = json.loads((source / "config.json").read_text(encoding="utf-8"))["vocab_size"]
    config = {"vocab_size": tokens, "torch_dtype": recipe.dtype} | dict(recipe.config)
    tiny.write_json(out / "config.json", config)
    if recipe.generation:
        tiny.write_json(out / "generation_config.json", recipe.generation)
    for file, content in recipe.files.items():
        _write(out / file, content)
    shapes = recipe.shapes(config["vocab_size"])
    tiny.write_weights(out / "model.safetensors", {n: values(n, s, recipe.dtype) for n, s in shapes.items()})
    return out


def _write(file: Path, content: str | dict[str, Any]) -> None:
    file.parent.mkdir(exist_ok=True)
    if isinstance(content, str):
        file.write_text(content, encoding="utf-8")
        return
    whole = json.loads(file.read_text(encoding="utf-8"))
    whole.update(content)
    tiny.write_json(file, whole)


def values(name: str, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    """Numbers between -1/2 and 1/2 that are the same on every machine and with every numpy."""
    number = np.arange(np.prod(shape), dtype=np.uint32) * np.uint32(2654435761) + np.uint32(
        zlib.crc32(name.encode())
    )
    number ^= number >> np.uint32(15)
    number *= np.uint32(2246822519)
    found = (number.astype(np.float64) / 2**32 - 0.5).astype(np.float32).reshape(shape)
    return (found.view(np.uint32) >> 16).astype(np.uint16) if dtype == "bfloat16" else found.astype(dtype)


def attention(prefix: str, width: int, q: int, kv: int, *, bias: bool = False) -> Shapes:
    """q, k, v and o projections."""
    sizes = {"q_proj": q, "k_proj": kv, "v_proj": kv}
    shapes: Shapes = {f"{prefix}.{name}.weight": (n, width) for name, n in sizes.items()}
    if bias:
        shapes |= {f"{prefix}.{name}.bias": (n,) for name, n in sizes.items()}
    return shapes | {f"{prefix}.o_proj.weight": (width, q)}


def gated(prefix: str, width: int, inner: int) -> Shapes:
    """gate, up and down projections."""
    return {
        f"{prefix}.gate_proj.weight": (inner, width),
        f"{prefix}.up_proj.weight": (inner, width),
        f"{prefix}.down_proj.weight": (width, inner),
    }


def norms(prefix: str, width: int, *names: str) -> Shapes:
    """Norm weights."""
    return {f"{prefix}.{name}.weight": (width,) for name in names}


def _ends(tokens: int, width: int, *, tied: bool) -> Shapes:
    shapes: Shapes = {"model.embed_tokens.weight": (tokens, width), "model.norm.weight": (width,)}
    return shapes if tied else shapes | {"lm_head.weight": (tokens, width)}


LLAMA_NORMS = ("input_layernorm", "post_attention_layernorm")


def _qwen_moe(tokens: int, *, shared: int, bias: bool, head_norm: int) -> Shapes:
    shapes = _ends(tokens, 32, tied=False)
    for layer in ("model.layers.0", "model.layers.1"):
        shapes |= attention(f"{layer}.self_attn", 32, 32, 16, bias=bias) | norms(layer, 32, *LLAMA_NORMS)
        shapes |= {f"{layer}.mlp.gate.weight": (4, 32)}
        for expert in range(4):
            shapes |= gated(f"{layer}.mlp.experts.{expert}", 32, 64)
        if shared:
            shapes |= gated(f"{layer}.mlp.shared_expert", 32, shared)
            shapes |= {f"{layer}.mlp.shared_expert_gate.weight": (1, 32)}
        if head_norm:
            shapes |= norms(f"{layer}.self_attn", head_norm, "q_norm", "k_norm")
    return shapes


def _olmo2(tokens: int) -> Shapes:
    shapes = _ends(tokens, 32, tied=False)
    for layer in ("model.layers.0", "model.layers.1"):
        shapes |= attention(f"{layer}.self_attn", 32, 32, 16) | gated(f"{layer}.mlp", 32, 96)
        shapes |= norms(layer, 32, "post_attention_layernorm", "post_feedforward_layernorm")
        shapes |= norms(f"{layer}.self_attn", 32, "q_norm") | norms(f"{layer}.self_attn", 16, "k_norm")
    return shapes


def llama_like(tokens: int, n_layers: int = 2, *, tied: bool = True) -> Shapes:
    """Llama's tensors: width 32, 4 heads, 2 key heads."""
    shapes = _ends(tokens, 32, tied=tied)
    for i in range(n_layers):
        layer = f"model.layers.{i}"
        shapes |= attention(f"{layer}.self_attn", 32, 32, 16) | gated(f"{layer}.mlp", 32, 96)
        shapes |= norms(layer, 32, *LLAMA_NORMS)
    return shapes


COMMON = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
MOE = {**COMMON, "intermediate_size": 96, "moe_intermediate_size": 64, "num_experts_per_tok": 2, "num_experts": 4}

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    **COMMON,
    "intermediate_size": 96,
    "tie_word_embeddings": False,
}
QWEN2 = {**LLAMA, "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "tie_word_embeddings": True}
CARD = """---
license: llama2
license_name: "community"
base_model: [meta-llama/Llama-2-7b-chat-hf, https://example.org/other/model]
datasets:
- squad
- HuggingFaceH4/ultrachat_200k
language: [en, nb]
tags: [chat]
pipeline_tag: text-generation
---
# A model
"""

RECIPES = {
    "qwen2-moe": Recipe(
        "qwen2",
        {
            "architectures": ["Qwen2MoeForCausalLM"],
            "model_type": "qwen2_moe",
            **MOE,
            "shared_expert_intermediate_size": 96,
            "max_position_embeddings": 8192,
            "rope_theta": 1000000.0,
            "bos_token_id": 151643,
            "eos_token_id": 151645,
        },
        lambda tokens: _qwen_moe(tokens, shared=96, bias=True, head_norm=0),
        generation={"top_k": 20, "top_p": 0.8, "repetition_penalty": 1.05, "temperature": 0.7},
    ),
    "qwen3-moe": Recipe(
        "qwen3",
        {
            "architectures": ["Qwen3MoeForCausalLM"],
            "model_type": "qwen3_moe",
            **MOE,
            "head_dim": 8,
            "rope_scaling": {
                "rope_type": "yarn",
                "factor": 4.0,
                "original_max_position_embeddings": 32768,
            },
        },
        lambda tokens: _qwen_moe(tokens, shared=0, bias=False, head_norm=8),
        dtype="float16",
    ),
    "olmo-2-7b": Recipe(
        "olmo",
        {
            "architectures": ["Olmo2ForCausalLM"],
            "model_type": "olmo2",
            **COMMON,
            "intermediate_size": 96,
            "rope_theta": 500000,
            "tie_word_embeddings": False,
        },
        _olmo2,
        dtype="float32",
    ),
    "smollm3": Recipe(
        "llama3-bpe",
        {
            "architectures": ["SmolLM3ForCausalLM"],
            "model_type": "smollm3",
            **COMMON,
            "intermediate_size": 96,
            "num_hidden_layers": 4,
            "rope_theta": 5000000.0,
        },
        lambda tokens: llama_like(tokens, 4),
    ),
    "mistral-no-spm": Recipe(  # fine-tunes are often saved without tokenizer.model
        "mistral",
        {
            "architectures": ["MistralForCausalLM"],
            "model_type": "mistral",
            **COMMON,
            "intermediate_size": 96,
            "_name_or_path": "some/finetune-7b-chat",
            "rms_norm_eps": 1e-05,
        },
        lambda tokens: llama_like(tokens, tied=False),
        without=("tokenizer.model",),
    ),
    "llama-defaults": Recipe(  # config.json leaves out what transformers fills in
        "llama2-spm",
        {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "hidden_size": 32,
            "intermediate_size": 96,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "rope_scaling": {"type": "linear", "factor": 2.0},
            "tie_word_embeddings": False,
        },
        lambda tokens: {
            name: (32, 32) if name.endswith(("k_proj.weight", "v_proj.weight")) else shape
            for name, shape in llama_like(tokens, tied=False).items()
        },
        dtype="float16",
    ),
    "llama-templates": Recipe(  # chat templates in files of their own, and a card that says a lot
        "llama2-spm",
        LLAMA,
        lambda tokens: llama_like(tokens, tied=False),
        files={
            "tokenizer_config.json": {
                "chat_template": [
                    {"name": "default", "template": "{{ messages[0].content }}"},
                    {"name": "tool use", "template": "{{ tools }}"},
                ],
                "add_eos_token": True,
                "bos_token": {"__type": "AddedToken", "content": "<s>", "lstrip": False},
                "add_prefix_space": True,
            },
            "README.md": CARD,
        },
    ),
    "llama-2-7b-jinja": Recipe(
        "mistral",
        LLAMA,
        lambda tokens: llama_like(tokens, tied=False),
        without=("tokenizer_config.json", "tokenizer.json"),
        files={
            "tokenizer_config.json": '{"bos_token": "<s>", "eos_token": "</s>", "add_bos_token": true}',
            "chat_template.jinja": "{{ bos_token }}{{ messages }}\n",
            "additional_chat_templates/rag.jinja": "{{ documents }}",
            "added_tokens.json": '{"<|im_start|>": 5, "<extra\u2581word>": 6}',
        },
    ),
    "code-llama": Recipe(
        "llama2-spm", {**LLAMA, "vocab_size": 32016}, lambda tokens: llama_like(tokens, tied=False)
    ),
    "qwen2-slow": Recipe("qwen2", QWEN2, llama_like, without=("tokenizer.json",)),
    "qwen2-added": Recipe(
        "qwen2",
        QWEN2,
        llama_like,
        files={
            "tokenizer_config.json": {
                "added_tokens_decoder": {
                    "151643": {"content": "<|endoftext|>", "special": True, "normalized": False},
                    "151665": {"content": "<my tool>", "special": False, "normalized": False},
                    "151666": {"content": "Word\u2581here", "special": False, "normalized": True},
                },
                "additional_special_tokens": ["<my special>"],
            }
        },
    ),
}
