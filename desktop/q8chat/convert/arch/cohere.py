"""Command R, Command R+ and Aya 23."""

from __future__ import annotations

from typing import ClassVar

import gguf

from q8chat.convert.arch.llama import kv_heads
from q8chat.convert.checkpoint import Checkpoint
from q8chat.convert.family import Family
from q8chat.convert.hparams import Defaults
from q8chat.convert.keys import Keys
from q8chat.convert.registry import register

COHERE: Defaults = {
    "vocab_size": 256000,
    "hidden_size": 8192,
    "intermediate_size": 22528,
    "num_hidden_layers": 40,
    "num_attention_heads": 64,
    "num_key_value_heads": kv_heads(),
    "max_position_embeddings": 8192,
    "layer_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "logit_scale": 0.0625,
}


@register("CohereForCausalLM")
class Cohere(Family):
    arch = "command-r"
    defaults: ClassVar[dict[str, Defaults]] = {"cohere": COHERE}

    def __init__(self, checkpoint: Checkpoint, file_type: gguf.LlamaFileType) -> None:
        super().__init__(checkpoint, file_type)
        # The models were trained on longer texts than max_position_embeddings says.
        self.hp.values["max_position_embeddings"] = self.hp.count("model_max_length", "max_position_embeddings")

    def add_keys(self, keys: Keys) -> None:
        super().add_keys(keys)
        keys.add_logit_scale(self.hp.need("logit_scale"))
        keys.add_rope_scaling_type(gguf.RopeScalingType.NONE)
