"""GPT-2, whose matrices are stored the other way round than everyone else's (x @ W instead of W @ x)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from q8chat.convert.family import Family, Named
from q8chat.convert.hparams import Defaults
from q8chat.convert.keys import Keys
from q8chat.convert.registry import register
from q8chat.convert.rows import Rows, Transposed

GPT2: Defaults = {
    "vocab_size": 50257,
    "n_positions": 1024,
    "n_embd": 768,
    "n_layer": 12,
    "n_head": 12,
    "layer_norm_epsilon": 1e-5,
}
MASKS = (".attn.bias", ".attn.masked_bias")  # stored by old checkpoints; llama.cpp's converter stumbles over them
SIDEWAYS = (".c_attn.weight", ".c_proj.weight", ".c_fc.weight")


@register("GPT2LMHeadModel")
class Gpt2(Family):
    arch = "gpt2"
    defaults: ClassVar[dict[str, Defaults]] = {"gpt2": GPT2}

    def add_keys(self, keys: Keys) -> None:
        hp = self.hp
        width = hp.count("n_embd", "hidden_size")
        keys.add_block_count(self.n_blocks)
        keys.add_context_length(hp.count("n_ctx", "n_positions", "max_position_embeddings"))
        keys.add_embedding_length(width)
        keys.add_feed_forward_length(hp.get("n_inner") or 4 * width)
        keys.add_head_count(hp.count("n_head", "num_attention_heads"))
        keys.add_layer_norm_eps(hp.need("layer_norm_epsilon"))
        keys.add_file_type(self.file_type)

    def renamed(self, name: str) -> str | None:
        return None if name.endswith(MASKS) else super().renamed(name)

    def convert(self, name: str, rows: Rows, block: int | None) -> Iterator[Named]:
        if name.endswith(SIDEWAYS):
            rows = Transposed(rows)
        yield from super().convert(name, rows, block)
