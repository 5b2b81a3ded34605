"""BLOOM and BLOOMZ. The rows of q, k and v are fused head by head; llama.cpp wants all of q, all of k, all of v."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from q8chat.convert.family import Family, Named
from q8chat.convert.hparams import Defaults
from q8chat.convert.keys import Keys
from q8chat.convert.registry import register
from q8chat.convert.rows import Gathered, Rows

BLOOM: Defaults = {
    "vocab_size": 250880,
    "hidden_size": 64,
    "n_layer": 2,
    "n_head": 8,
    "layer_norm_epsilon": 1e-5,
}


@register("BloomForCausalLM", "BloomModel")
class Bloom(Family):
    arch = "bloom"
    defaults: ClassVar[dict[str, Defaults]] = {"bloom": BLOOM}

    def add_keys(self, keys: Keys) -> None:
        hp = self.hp
        width = hp.count("n_embed", "hidden_size")
        keys.add_context_length(hp.get("seq_length") or width)
        keys.add_embedding_length(width)
        keys.add_feed_forward_length(4 * width)
        keys.add_block_count(self.n_blocks)
        keys.add_head_count(self.n_heads)
        keys.add_head_count_kv(self.n_heads)
        keys.add_layer_norm_eps(hp.need("layer_norm_epsilon"))
        keys.add_file_type(self.file_type)

    @property
    def n_heads(self) -> int:
        """As many for the keys as for the queries."""
        return self.hp.count("num_attention_heads", "n_head")

    def renamed(self, name: str) -> str | None:
        return super().renamed(name.replace("transformer.", ""))

    def convert(self, name: str, rows: Rows, block: int | None) -> Iterator[Named]:
        if name.endswith(("query_key_value.weight", "query_key_value.bias")):
            rows = heads_apart(rows, self.n_heads)
        yield from super().convert(name, rows, block)


def heads_apart(rows: Rows, n_heads: int) -> Rows:
    """(heads, 3, D) rows to (3, heads, D); raises ValueError when the rows do not divide so."""
    count = rows.shape[0]
    if count % (3 * n_heads):
        raise ValueError(f"{count} rows are not q, k and v of {n_heads} heads")
    order = np.arange(count).reshape(n_heads, 3, count // n_heads // 3).swapaxes(0, 1)
    return Gathered(rows, order.reshape(-1), rows.shape)
