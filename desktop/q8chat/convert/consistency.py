"""Do weights, config.json and tokenizer belong together? Said before the first weight is converted.

llama.cpp checks the same when it loads a model; the reference converter writes whatever it is given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from q8chat.convert.tensor_names import block_of
from q8chat.core.errors import CheckpointError

if TYPE_CHECKING:
    from q8chat.convert.family import Family
    from q8chat.convert.keys import Keys
    from q8chat.convert.source import Tensor

# A tensor's name, a side of its shape (in ggml's order), and the size in config.json that it must have.
SIDES = (
    (re.compile(r"(output|token_embd|blk\.\d+\.(attn_(q|k|v|qkv)|ffn_(up|gate)(_exps)?))\.weight"), 0, "width"),
    (re.compile(r"(output_norm|blk\.\d+\.(attn|ffn)_norm)\.(weight|bias)"), 0, "width"),
    (re.compile(r"blk\.\d+\.(attn_output|ffn_down(_exps)?)\.weight"), 1, "width"),
    (re.compile(r"blk\.\d+\.attn_q\.weight"), 1, "width of all heads"),
    (re.compile(r"blk\.\d+\.attn_k\.weight"), 1, "width of all key heads"),
    (re.compile(r"blk\.\d+\.attn_v\.weight"), 1, "width of all value heads"),
    (re.compile(r"blk\.\d+\.ffn_gate\.weight"), 1, "feed-forward width"),
    (re.compile(r"blk\.\d+\.ffn_down\.weight"), 0, "feed-forward width"),
)
NOT_TOGETHER = "Weights and config.json do not belong together: take both from the same revision."


def check(family: Family, tensors: Sequence[Tensor], keys: Keys) -> None:
    """Raises CheckpointError; adds warnings to the family's."""
    sizes = _sizes(family.arch, keys)
    by_name = {t.spec.name: t for t in tensors}
    if "token_embd.weight" not in by_name:
        raise CheckpointError(
            f"{family.checkpoint.path} has no token embedding among its {len(family.checkpoint.entries)} tensors.",
            "The checkpoint is incomplete: download it again.",
        )
    for tensor in tensors:
        _check_shape(family, tensor, sizes)
    _check_blocks(family, tensors)
    _check_vocabulary(family, by_name, keys)
    if family.hp.get("tie_word_embeddings") is False and "output.weight" not in by_name:
        family.warnings.append(
            "There is no output layer, although config.json says that it is not the embedding; llama.cpp will use "
            "the embedding."
        )


def _sizes(arch: str, keys: Keys) -> dict[str, int]:
    """Those that are plain numbers; a model may also give one for every layer."""

    def number(key: str) -> int:
        value = keys.value(f"{arch}.{key}")
        return value if isinstance(value, int) else 0

    width, heads = number("embedding_length"), number("attention.head_count")
    kv_heads = number("attention.head_count_kv")
    head = number("attention.key_length") or (width // heads if heads else 0)
    value_head = number("attention.value_length") or head
    sizes = {
        "width": width,
        "width of all heads": heads * head,
        "width of all key heads": kv_heads * head,
        "width of all value heads": kv_heads * value_head,
        "feed-forward width": number("feed_forward_length"),
    }
    return {name: size for name, size in sizes.items() if size}


def _check_shape(family: Family, tensor: Tensor, sizes: dict[str, int]) -> None:
    shape = (*tensor.spec.shape, 1)
    for pattern, side, size in SIDES:
        if size in sizes and pattern.fullmatch(tensor.spec.name) and shape[side] != sizes[size]:
            raise CheckpointError(
                f"Tensor {tensor.origin} in {family.checkpoint.path} has the shape {list(tensor.rows.shape)}, "
                f"but config.json gives the model a {size} of {sizes[size]}.",
                NOT_TOGETHER,
            )


def _check_blocks(family: Family, tensors: Sequence[Tensor]) -> None:
    present = {block_of(t.spec.name) for t in tensors}
    for block in range(family.n_blocks):
        if block not in present:
            raise CheckpointError(
                f"{family.checkpoint.path} has no tensors of layer {block}; config.json promises {family.n_blocks} "
                "layers.",
                "The checkpoint is incomplete: download it again.",
            )


def _check_vocabulary(family: Family, by_name: Mapping[str, Tensor], keys: Keys) -> None:
    tokens = len(keys.value("tokenizer.ggml.tokens") or ())
    for name in ("token_embd.weight", "output.weight"):
        if (tensor := by_name.get(name)) is not None and tensor.spec.n_rows != tokens:
            raise CheckpointError(
                f"Tensor {tensor.origin} in {family.checkpoint.path} has {tensor.spec.n_rows} rows, "
                f"but tokenizer and config.json give {tokens} tokens.",
                "Tokenizer, config.json and weights do not belong together: take them from the same revision.",
            )
