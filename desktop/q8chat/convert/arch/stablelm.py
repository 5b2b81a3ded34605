"""StableLM 3B, 2 1.6B, 2 12B and Zephyr. The larger ones have a norm for each head, which GGUF holds stacked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

import gguf

from q8chat.convert.checkpoint import Checkpoint
from q8chat.convert.common_keys import add_unusual_rope_base
from q8chat.convert.family import Family, Named
from q8chat.convert.hparams import Defaults
from q8chat.convert.keys import Keys
from q8chat.convert.registry import register
from q8chat.convert.rows import Reshaped, Rows, Stacked
from q8chat.core.errors import CheckpointError

ROTARY = 0.25  # the share of a head that is rotated, where config.json does not say it
STABLELM: Defaults = {
    "vocab_size": 50304,
    "hidden_size": 2560,
    "intermediate_size": 6912,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "max_position_embeddings": 4096,
    "layer_norm_eps": 1e-5,
    "rope_theta": 10000,
    "partial_rotary_factor": ROTARY,
    "use_parallel_residual": False,
}
HEAD_NORM = re.compile(r"(?P<stem>model\.layers\.\d+\.self_attn\.[qk]_layernorm)\.norms\.(?P<head>\d+)\.weight")


@register("StableLmForCausalLM", "StableLMEpochForCausalLM")
class StableLm(Family):
    arch = "stablelm"
    defaults: ClassVar[dict[str, Defaults]] = {"stablelm": STABLELM}

    def __init__(self, checkpoint: Checkpoint, file_type: gguf.LlamaFileType) -> None:
        super().__init__(checkpoint, file_type)
        self._norms: dict[str, dict[int, Rows]] = {}  # q's or k's norm -> head -> weights (D,)

    def add_keys(self, keys: Keys) -> None:
        hp = self.hp
        rotary = self.rope.get("partial_rotary_factor", ROTARY)
        keys.add_context_length(hp.count("max_position_embeddings"))
        keys.add_embedding_length(hp.count("hidden_size"))
        keys.add_block_count(self.n_blocks)
        keys.add_feed_forward_length(hp.count("intermediate_size"))
        keys.add_rope_dimension_count(int(rotary * hp.head_dim))
        keys.add_head_count(hp.count("num_attention_heads"))
        keys.add_head_count_kv(hp.count("num_key_value_heads"))
        keys.add_parallel_residual(hp.get("use_parallel_residual") is not False)
        keys.add_layer_norm_eps(hp.need("layer_norm_eps", "norm_eps"))
        keys.add_file_type(self.file_type)
        add_unusual_rope_base(keys, self.rope)

    def convert(self, name: str, rows: Rows, block: int | None) -> Iterator[Named]:
        if (match := HEAD_NORM.fullmatch(name)) is None:
            yield from super().convert(name, rows, block)
            return
        heads = self._norms.setdefault(match["stem"], {})
        heads[int(match["head"])] = Reshaped(rows, (1, *rows.shape))
        if len(heads) == self._n_heads(match["stem"]):
            del self._norms[match["stem"]]
            stacked = Stacked([heads[head] for head in sorted(heads)])
            yield from super().convert(f"{match['stem']}.weight", stacked, block)

    def _n_heads(self, stem: str) -> int:
        return self.hp.count("num_attention_heads" if stem.endswith("q_layernorm") else "num_key_value_heads")

    def check_complete(self) -> None:
        for stem, heads in self._norms.items():
            raise CheckpointError(
                f"{stem} in {self.checkpoint.path} has {len(heads)} norms for {self._n_heads(stem)} heads.",
                "The checkpoint is incomplete: download it again.",
            )
