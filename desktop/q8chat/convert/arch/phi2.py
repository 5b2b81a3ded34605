"""Phi 1, 1.5 and 2."""

from __future__ import annotations

from typing import ClassVar

from q8chat.convert.common_keys import add_unusual_rope_base
from q8chat.convert.family import Family
from q8chat.convert.hparams import Defaults
from q8chat.convert.keys import Keys
from q8chat.convert.registry import register

ROTARY = 0.5  # the share of a head that is rotated, where config.json does not say it
PHI: Defaults = {
    "vocab_size": 51200,
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "num_hidden_layers": 24,
    "num_attention_heads": 32,
    "max_position_embeddings": 2048,
    "layer_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "partial_rotary_factor": ROTARY,
}


@register("PhiForCausalLM")
class Phi2(Family):
    arch = "phi2"
    defaults: ClassVar[dict[str, Defaults]] = {"phi": PHI}

    def add_keys(self, keys: Keys) -> None:
        hp = self.hp
        width, n_heads = hp.count("hidden_size", "n_embd"), hp.count("num_attention_heads", "n_head")
        rotary = self.rope.get("partial_rotary_factor", ROTARY)
        keys.add_context_length(hp.count("n_positions", "max_position_embeddings"))
        keys.add_embedding_length(width)
        keys.add_feed_forward_length(hp.get("intermediate_size") or 4 * width)
        keys.add_block_count(self.n_blocks)
        keys.add_head_count(n_heads)
        keys.add_head_count_kv(n_heads)
        keys.add_layer_norm_eps(hp.need("layer_norm_epsilon", "layer_norm_eps"))
        keys.add_rope_dimension_count(int(rotary * width) // n_heads)
        keys.add_file_type(self.file_type)
        keys.add_add_bos_token(False)
        add_unusual_rope_base(keys, self.rope)
