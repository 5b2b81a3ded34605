"""GPT-NeoX and Pythia."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from q8chat.convert.arch.bloom import heads_apart
from q8chat.convert.common_keys import add_unusual_rope_base
from q8chat.convert.family import Family, Named
from q8chat.convert.hparams import Defaults
from q8chat.convert.keys import Keys
from q8chat.convert.registry import register
from q8chat.convert.rows import Rows

NEOX: Defaults = {
    "vocab_size": 50432,
    "max_position_embeddings": 2048,
    "hidden_size": 6144,
    "num_hidden_layers": 44,
    "num_attention_heads": 64,
    "intermediate_size": 24576,
    "rotary_pct": 0.25,
    "rotary_emb_base": 10000,
    "layer_norm_eps": 1e-5,
    "use_parallel_residual": True,
}


@register("GPTNeoXForCausalLM")
class GptNeoX(Family):
    arch = "gptneox"
    defaults: ClassVar[dict[str, Defaults]] = {"gpt_neox": NEOX}

    def add_keys(self, keys: Keys) -> None:
        hp = self.hp
        rotary = self.rope.get("partial_rotary_factor", hp.need("rotary_pct"))
        keys.add_context_length(hp.count("max_position_embeddings"))
        keys.add_embedding_length(hp.count("hidden_size"))
        keys.add_block_count(self.n_blocks)
        keys.add_feed_forward_length(hp.count("intermediate_size"))
        keys.add_rope_dimension_count(int(rotary * hp.head_dim))
        keys.add_head_count(hp.count("num_attention_heads"))
        keys.add_parallel_residual(hp.get("use_parallel_residual") is not False)
        keys.add_layer_norm_eps(hp.need("layer_norm_eps"))
        add_unusual_rope_base(keys, self.rope)

    def convert(self, name: str, rows: Rows, block: int | None) -> Iterator[Named]:
        if name.endswith(("query_key_value.weight", "query_key_value.bias")):
            rows = heads_apart(rows, self.hp.count("num_attention_heads"))
        yield from super().convert(name, rows, block)
