"""Do weights, config.json and tokenizer belong together? Said before the first weight is converted.

llama.cpp checks the same when it loads a model; the reference converter writes whatever it is given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from q8chat.convert.tensor_names import block_of
from q8chat.core.errors import CheckpointError

if TYPE_CHECKING:
    from q8chat.convert.family import Family
    from q8chat.convert.keys import Keys
    from q8chat.convert.source import Tensor

# The side of a GGUF tensor (in ggml's order) that is as long as the embedding.
SIDES = (
    (0, re.compile(r"(output|token_embd|blk\.\d+\.(attn_(q|k|v|qkv)|ffn_(up|gate)(_exps)?))\.weight")),
    (0, re.compile(r"(output_norm|blk\.\d+\.(attn|ffn)_norm)\.(weight|bias)")),
    (1, re.compile(r"blk\.\d+\.(attn_output|ffn_down(_exps)?)\.weight")),
)
NOT_TOGETHER = "Weights and config.json do not belong together: take both from the same revision."


def check(family: Family, tensors: Sequence[Tensor], keys: Keys) -> None:
    """Raises CheckpointError; adds warnings to the family's."""
    width = keys.value(f"{family.arch}.embedding_length")
    by_name = {t.spec.name: t for t in tensors}
    if "token_embd.weight" not in by_name:
        raise CheckpointError(
            f"{family.checkpoint.path} has no token embedding among its {len(family.checkpoint.entries)} tensors.",
            "The checkpoint is incomplete: download it again.",
        )
    for tensor in tensors:
        _check_width(family, tensor, width)
    _check_blocks(family, tensors)
    _check_vocabulary(family, by_name, keys)
    if family.hp.get("tie_word_embeddings") is False and "output.weight" not in by_name:
        family.warnings.append(
            "There is no output layer, although config.json says that it is not the embedding; llama.cpp will use "
            "the embedding."
        )


def _check_width(family: Family, tensor: Tensor, width: Any) -> None:
    name, shape = tensor.spec.name, (*tensor.spec.shape, 1)
    side = next((side for side, pattern in SIDES if pattern.fullmatch(name)), None)
    if side is not None and shape[side] != width:
        raise CheckpointError(
            f"Tensor {tensor.origin} in {family.checkpoint.path} has the shape {list(tensor.rows.shape)}, "
            f"but config.json gives the model a width of {width}.",
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
