"""StarCoder 2."""

from __future__ import annotations

from typing import ClassVar

from q8chat.convert.family import Family
from q8chat.convert.hparams import Defaults
from q8chat.convert.registry import register

STARCODER2: Defaults = {
    "vocab_size": 49152,
    "hidden_size": 3072,
    "intermediate_size": 12288,
    "num_hidden_layers": 30,
    "num_attention_heads": 24,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
    "norm_epsilon": 1e-5,
    "rope_theta": 10000.0,
}


@register("Starcoder2ForCausalLM")
class Starcoder2(Family):
    arch = "starcoder2"
    defaults: ClassVar[dict[str, Defaults]] = {"starcoder2": STARCODER2}
