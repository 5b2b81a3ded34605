"""Granite 3: Llama with multipliers."""

from __future__ import annotations

from typing import ClassVar

import gguf

from q8chat.convert.arch.llama import LLAMA, Llama
from q8chat.convert.checkpoint import Checkpoint
from q8chat.convert.hparams import Defaults
from q8chat.convert.keys import Keys
from q8chat.convert.registry import register

GRANITE: Defaults = {
    **{key: value for key, value in LLAMA.items() if key != "head_dim"},
    "attention_multiplier": 1.0,
    "embedding_multiplier": 1.0,
    "residual_multiplier": 1.0,
    "logits_scaling": 1.0,
}


@register("GraniteForCausalLM")
class Granite(Llama):
    arch = "granite"
    defaults: ClassVar[dict[str, Defaults]] = {"granite": GRANITE}

    def __init__(self, checkpoint: Checkpoint, file_type: gguf.LlamaFileType) -> None:
        super().__init__(checkpoint, file_type)
        self.hp.values.pop("head_dim", None)  # transformers' Granite does not know it

    def add_keys(self, keys: Keys) -> None:
        super().add_keys(keys)
        if scale := self.hp.get("attention_multiplier"):
            keys.add_attention_scale(scale)
        if scale := self.hp.get("embedding_multiplier"):
            keys.add_embedding_scale(scale)
        if scale := self.hp.get("residual_multiplier"):
            keys.add_residual_scale(scale)
        if scale := self.hp.get("logits_scaling"):
            keys.add_logit_scale(scale)
