"""Which tensors are quantized at all, what role they play, and what takes the place of a type that does not fit.

The choices are llama.cpp's (`llama-quant.cpp` inside llama-cpp-python 0.3.36): a file of ours is the same as its.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from q8chat.core.errors import QuantizeError
from q8chat.gguf_files.source import TensorSpec
from q8chat.gguf_files.types import TYPES
from q8chat.quantize.ftypes import TYPE_IDS


class Role(Enum):
    """What a tensor does, as far as the choice of its type goes."""

    EMBEDDING = auto()
    OUTPUT = auto()
    ATTENTION_V = auto()  # also where values are fused with others: the most sensitive part
    ATTENTION_K = auto()
    ATTENTION_Q = auto()
    ATTENTION_OUTPUT = auto()
    FFN_UP = auto()
    FFN_GATE = auto()
    FFN_DOWN = auto()
    OTHER = auto()


_WHOLE_NAMES = {
    "output.weight": Role.OUTPUT,
    "token_embd.weight": Role.EMBEDDING,
    "per_layer_token_embd.weight": Role.EMBEDDING,
}
_PARTS = (  # the first one found in the name counts
    ("attn_qkv.weight", Role.ATTENTION_V),
    ("attn_kv_b.weight", Role.ATTENTION_V),
    ("attn_v.weight", Role.ATTENTION_V),
    ("attn_k.weight", Role.ATTENTION_K),
    ("attn_q.weight", Role.ATTENTION_Q),
    ("attn_output.weight", Role.ATTENTION_OUTPUT),
    ("ffn_up", Role.FFN_UP),
    ("ffn_gate", Role.FFN_GATE),
    ("ffn_down", Role.FFN_DOWN),
)

_NEVER = frozenset({"position_embd.weight", "token_types.weight"})
# Small ones, where the bytes saved are not worth the error, and tables that are no matrices.
_NEVER_WITH = (
    "_norm.weight", "ffn_gate_inp.weight", "ffn_gate_tid2eid.weight", "altup", "laurel", "per_layer_model_proj",
    "ssm_conv1d", "shortconv.conv.weight", "indexer.k_proj.weight", "indexer.q_proj.weight", "attn_rel_b.weight",
    "time_mix_first.weight", "time_mix_lerp_fused.weight", "time_mix_w0.weight", "time_mix_w1.weight",
    "time_mix_w2.weight", "time_mix_v0.weight", "time_mix_v1.weight", "time_mix_v2.weight", "time_mix_a0.weight",
    "time_mix_a1.weight", "time_mix_a2.weight", "time_mix_g1.weight", "time_mix_g2.weight",
    "time_mix_decay_w1.weight", "time_mix_decay_w2.weight", ".position_embd", "sam.pos_embd", "sam.neck.",
    "sam.net_", ".rel_pos", ".patch_embd", ".patch_merger", "a.rvq.codebook", "mm.a.code_embd",
)  # fmt: skip
_NEVER_IN = {
    "glm5-next": (
        "hc_", "indexer.attn_q_b", "indexer.attn_k", "indexer.proj", "indexer_compressor_gate",
        "indexer_compressor_ape", "ssm_f_a.weight", "ssm_f_b.weight", "ssm_g_a.weight", "ssm_g_b.weight",
        "ssm_beta.weight", "attn_kv_a_mqa.weight", "attn_k_b.weight", "attn_v_b.weight",
    ),
}  # fmt: skip

# For rows that are no multiple of a type's block. A type that is not here and has blocks of 32 becomes F16.
_FALLBACKS = {
    **dict.fromkeys(("IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ4_XS"), "IQ4_NL"),
    **dict.fromkeys(("Q2_0", "Q2_K", "Q3_K", "TQ1_0", "TQ2_0"), "Q4_0"),
    "Q4_K": "Q5_0",
    "Q5_K": "Q5_1",
    "Q6_K": "Q8_0",
}
_NEEDS_IMATRIX = frozenset({"IQ3_XXS", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ1_M", "IQ1_S"})
ABORTS_WITHOUT_IMATRIX = frozenset({"IQ2_XXS", "IQ2_XS", "IQ1_S"})  # ggml_quantize_requires_imatrix
_LAYER = re.compile(r"blk\.\s*([+-]?[0-9]+)")


def role(name: str) -> Role:
    """The role of the tensor with this name."""
    found = _WHOLE_NAMES.get(name)
    return found or next((r for part, r in _PARTS if part in name), Role.OTHER)


def layer(name: str) -> int | None:
    """The layer's number in the name, None for tensors outside of layers."""
    found = _LAYER.match(name)
    return int(found[1]) if found else None


def file_order(name: str) -> tuple[int, bytes]:
    """Sort key: layer by layer, those without a layer first, names by their bytes."""
    number = layer(name)
    return -1 if number is None else number, name.encode("utf-8", "surrogateescape")


def may_be_quantized(spec: TensorSpec, architecture: str, *, leave_output: bool) -> bool:
    """Whether the tensor may change its type: matrices of weights, with exceptions."""
    name = spec.name
    return (
        len(spec.dims) > 1
        and name.endswith("weight")
        and name not in _NEVER
        and not (leave_output and name == "output.weight")
        and not any(part in name for part in (*_NEVER_WITH, *_NEVER_IN.get(architecture, ())))
    )


def fitting(spec: TensorSpec, wanted: str) -> str:
    """`wanted`, or what replaces it when the rows are no multiple of its block. Raises QuantizeError if nothing."""
    block = TYPES[TYPE_IDS[wanted]].block
    if spec.row_length % block == 0:
        return wanted
    if wanted not in _FALLBACKS and block > 32:
        raise QuantizeError(
            f"{spec.name} has rows of {spec.row_length} weights, which {wanted} (blocks of {block}) can't hold.",
            "Choose another quantization, or another type for this tensor.",
        )
    other = _FALLBACKS.get(wanted, wanted)
    return other if spec.row_length % TYPES[TYPE_IDS[other]].block == 0 else "F16"


def needs_imatrix(name: str, target: str, ftype: str) -> bool:
    """Whether the tensor would be garbage without an importance matrix. Embedding and output never count."""
    if name in _WHOLE_NAMES:
        return False
    return target in _NEEDS_IMATRIX or (target == "Q2_K" and ftype == "Q2_K_S")
