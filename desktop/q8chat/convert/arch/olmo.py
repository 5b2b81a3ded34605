"""OLMo (norms without weights, clipped q/k/v) and OLMo 2 (norms after the blocks)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from q8chat.convert.arch.llama import kv_heads
from q8chat.convert.family import Family, Named
from q8chat.convert.hparams import Defaults
from q8chat.convert.keys import Keys
from q8chat.convert.registry import register
from q8chat.convert.rows import Rows, pair_halves

OLMO: Defaults = {
    "vocab_size": 50304,
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": kv_heads(),
    "max_position_embeddings": 2048,
    "rope_theta": 10000.0,
}
LAYER_NORM_EPS = 1e-5  # fixed in the model's code


@register("OlmoForCausalLM", "OLMoForCausalLM")
class Olmo(Family):
    arch = "olmo"
    defaults: ClassVar[dict[str, Defaults]] = {"olmo": OLMO}

    def add_keys(self, keys: Keys) -> None:
        super().add_keys(keys)
        keys.add_layer_norm_eps(LAYER_NORM_EPS)
        if (clip := self.hp.get("clip_qkv")) is not None:
            keys.add_clamp_kqv(clip)

    def convert(self, name: str, rows: Rows, block: int | None) -> Iterator[Named]:
        n_heads = self.hp.count("num_attention_heads")
        if name.endswith("q_proj.weight"):
            rows = pair_halves(rows, n_heads)
        elif name.endswith("k_proj.weight"):
            rows = pair_halves(rows, self.hp.get("num_key_value_heads") or n_heads)
        yield from super().convert(name, rows, block)


@register("Olmo2ForCausalLM")
class Olmo2(Family):
    arch = "olmo2"
    defaults: ClassVar[dict[str, Defaults]] = {"olmo2": {**OLMO, "rms_norm_eps": 1e-5}}
