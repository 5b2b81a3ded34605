"""Falcon: a group's queries, then its key and value, group after group; llama.cpp wants all of q, of k, of v."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import gguf
import numpy as np

from q8chat.convert.checkpoint import Checkpoint
from q8chat.convert.common_keys import add_unusual_rope_base
from q8chat.convert.family import Family, Named
from q8chat.convert.hparams import Defaults
from q8chat.convert.keys import Keys
from q8chat.convert.registry import register
from q8chat.convert.rows import Gathered, Rows
from q8chat.core.errors import CheckpointError

FALCON: Defaults = {
    "vocab_size": 65024,
    "hidden_size": 4544,
    "num_hidden_layers": 32,
    "num_attention_heads": 71,
    "layer_norm_epsilon": 1e-5,
    "rope_theta": 10000.0,
}
CONTEXT = 2048  # of the models whose config.json does not say it


@register("FalconForCausalLM", "RWForCausalLM")
class Falcon(Family):
    arch = "falcon"
    defaults: ClassVar[dict[str, Defaults]] = {"falcon": FALCON}

    def __init__(self, checkpoint: Checkpoint, file_type: gguf.LlamaFileType) -> None:
        super().__init__(checkpoint, file_type)
        self.n_heads = self.hp.count("num_attention_heads", "n_head")
        sequential = self.hp.get("parallel_attn") is False and not self.hp.get("new_decoder_architecture")
        for key, found in (("alibi", self.hp.get("alibi")), ("parallel_attn", sequential)):
            if found:
                raise CheckpointError(
                    f"{checkpoint.path / 'config.json'} sets {key} to {self.hp.get(key)}: llama.cpp can't run "
                    "this variant of Falcon (falcon-rw).",
                    "Falcon 7B, 11B, 40B and 180B can be converted.",
                )

    @property
    def n_kv_heads(self) -> int:
        """One for Falcon 7B, whatever num_kv_heads says: its multi-query attention decides.

        transformers reports as many as there are heads for it, over which llama.cpp's converter stumbles.
        """
        hp = self.hp
        if hp.get("new_decoder_architecture") or hp.get("n_head_kv"):
            return hp.get("num_kv_heads") or hp.get("n_head_kv") or self.n_heads
        return 1 if hp.get("multi_query") is not False else self.n_heads

    def add_keys(self, keys: Keys) -> None:
        hp = self.hp
        width = hp.count("hidden_size")
        keys.add_context_length(hp.get("max_position_embeddings") or CONTEXT)
        keys.add_tensor_data_layout("jploski")
        keys.add_embedding_length(width)
        keys.add_feed_forward_length(hp.get("ffn_hidden_size") or 4 * width)
        keys.add_block_count(self.n_blocks)
        keys.add_head_count(self.n_heads)
        keys.add_head_count_kv(self.n_kv_heads)
        keys.add_layer_norm_eps(hp.need("layer_norm_epsilon"))
        keys.add_file_type(self.file_type)
        add_unusual_rope_base(keys, self.rope)

    def convert(self, name: str, rows: Rows, block: int | None) -> Iterator[Named]:
        if "query_key_value" in name:
            rows = groups_apart(rows, self.n_heads, self.n_kv_heads)
        yield from super().convert(name, rows, block)


def groups_apart(rows: Rows, n_heads: int, n_groups: int) -> Rows:
    """(groups, q... k v, D) rows to all of q, all of k, all of v; raises ValueError when they do not divide so."""
    count, per_group = rows.shape[0], n_heads // n_groups + 2
    if n_heads % n_groups or count % (n_groups * per_group):
        raise ValueError(f"{count} rows are not {n_heads} heads in {n_groups} groups")
    order = np.arange(count).reshape(n_groups, per_group, -1)
    parts = (order[:, :-2], order[:, -2], order[:, -1])
    return Gathered(rows, np.concatenate([part.reshape(-1) for part in parts]), rows.shape)
