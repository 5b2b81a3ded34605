"""The parameters that most families have under one of a few names in config.json, in the reference's order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gguf

from q8chat.convert.hparams import Config
from q8chat.core.errors import CheckpointError

if TYPE_CHECKING:
    from q8chat.convert.family import Family
    from q8chat.convert.keys import Keys

CONTEXT = (
    *("max_position_embeddings", "n_ctx", "n_positions", "max_length", "max_sequence_length"),
    "model_max_length",
)
FEED_FORWARD = (
    "prefix_dense_intermediate_size",
    "dense_intermediate_size",
    "intermediate_size",
    "n_inner",
    "hidden_dim",
)
SIZES = (
    ("context_length", CONTEXT),
    ("embedding_length", ("hidden_size", "n_embd", "dim")),
    ("feed_forward_length", FEED_FORWARD),
    ("head_count", ("num_attention_heads", "n_head", "n_heads")),
    ("head_count_kv", ("num_key_value_heads", "n_kv_heads")),
)
LATER = (
    ("layer_norm_rms_eps", ("rms_norm_eps", "norm_eps")),
    ("layer_norm_eps", ("layer_norm_eps", "layer_norm_epsilon", "norm_epsilon")),
    ("expert_count", ("num_local_experts", "num_experts", "n_routed_experts")),
    ("expert_used_count", ("num_experts_per_tok", "num_experts_per_token", "top_k_experts")),
    ("expert_group_count", ("n_group",)),
    ("expert_group_used_count", ("topk_group",)),
)
USUAL_ROPE_BASE = 10000.0
GATING_NAMES = (
    *("score_function", "scoring_func", "score_func", "moe_router_activation", "moe_router_activation_func"),
    "expert_selection_fn",
)
GATING = {"sigmoid": gguf.ExpertGatingFuncType.SIGMOID, "softmax": gguf.ExpertGatingFuncType.SOFTMAX}


def add(keys: Keys, family: Family) -> None:
    """Raises CheckpointError for values that no GGUF can hold."""
    hp = family.hp
    keys.add_block_count(family.n_blocks)
    _add_present(keys, family, SIZES)
    if hp.get("is_causal") is False:
        keys.add_causal_attention(False)
    _add_rope(keys, family.rope)
    _add_present(keys, family, LATER)
    if (gating := hp.get(*GATING_NAMES)) is not None:
        if gating not in GATING:
            raise CheckpointError(
                f"config.json asks for the unknown expert gating {gating!r}.", "The model can't be converted yet."
            )
        keys.add_expert_gating_func(GATING[gating])
    if (head_dim := hp.get("head_dim")) is not None:
        keys.add_key_length(head_dim)
        keys.add_value_length(head_dim)
    keys.add_file_type(family.file_type)


def _add_present(keys: Keys, family: Family, table: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
    for key, names in table:
        if (value := family.hp.get(*names)) is not None:
            getattr(keys, f"add_{key}")(value)


def _add_rope(keys: Keys, rope: Config) -> None:
    full: Config = rope.get("full_attention", rope)
    if (kind := full.get("rope_type")) is not None:
        _add_scaling(keys, full, str(kind))
    if sections := rope.get("mrope_section"):
        keys.add_rope_dimension_sections([*sections, 0, 0, 0, 0][:4])
    if (theta := full.get("rope_theta")) is not None:
        keys.add_rope_freq_base(theta)
    if (theta := (rope.get("sliding_attention") or {}).get("rope_theta")) is not None:
        keys.add_rope_freq_base_swa(theta)


def add_unusual_rope_base(keys: Keys, rope: Config) -> None:
    """For families whose rope base the reference leaves out: written where it is not what llama.cpp assumes."""
    if (theta := rope.get("rope_theta")) is not None and theta != USUAL_ROPE_BASE:
        keys.add_rope_freq_base(theta)


def _add_scaling(keys: Keys, rope: Config, kind: str) -> None:
    factor: Any = rope.get("factor")
    if kind in ("su", "longrope"):
        keys.add_rope_scaling_type(gguf.RopeScalingType.LONGROPE)
    elif kind == "linear" and factor is not None:
        keys.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        keys.add_rope_scaling_factor(factor)
    elif kind == "yarn" and factor is not None:
        keys.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        keys.add_rope_scaling_factor(factor)
        if "original_max_position_embeddings" not in rope:
            raise CheckpointError(
                "config.json asks for YaRN without original_max_position_embeddings.",
                "Take config.json from the original checkpoint.",
            )
        keys.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
        yarn = {
            "ext_factor": rope.get("extrapolation_factor"),
            "attn_factor": rope.get("attention_factor", rope.get("attn_factor")),
            "beta_fast": rope.get("beta_fast"),
            "beta_slow": rope.get("beta_slow"),
        }
        for name, value in yarn.items():
            if value is not None:
                getattr(keys, f"add_rope_scaling_yarn_{name}")(value)
