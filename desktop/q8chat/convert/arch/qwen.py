"""Qwen 2, 2.5 and 3, dense and as mixtures of experts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

import gguf
import numpy as np

from q8chat.convert.arch.llama import kv_heads
from q8chat.convert.checkpoint import Checkpoint
from q8chat.convert.experts import Collector
from q8chat.convert.family import Family, Named
from q8chat.convert.hparams import Defaults
from q8chat.convert.keys import Keys
from q8chat.convert.registry import register
from q8chat.convert.rows import Gathered, Rows
from q8chat.convert.tokenizers import bpe, sentencepiece
from q8chat.core.errors import CheckpointError

QWEN2: Defaults = {
    "vocab_size": 151936,
    "hidden_size": 4096,
    "intermediate_size": 22016,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": kv_heads(absent=32),
    "max_position_embeddings": 32768,
    "rms_norm_eps": 1e-6,
    "rope_theta": 10000.0,
}
QWEN3: Defaults = {**QWEN2, "head_dim": 128}
QWEN2_MOE: Defaults = {
    **QWEN2,
    "hidden_size": 2048,
    "intermediate_size": 5632,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "num_key_value_heads": 16,
    "moe_intermediate_size": 1408,
    "shared_expert_intermediate_size": 5632,
    "num_experts_per_tok": 4,
    "num_experts": 60,
}
QWEN3_MOE: Defaults = {
    **{key: value for key, value in QWEN2_MOE.items() if key != "shared_expert_intermediate_size"},
    "intermediate_size": 6144,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "moe_intermediate_size": 768,
    "num_experts_per_tok": 8,
    "num_experts": 128,
}


@register("Qwen2ForCausalLM")
class Qwen2(Family):
    arch = "qwen2"
    defaults: ClassVar[dict[str, Defaults]] = {"qwen2": QWEN2}

    def add_vocabulary(self, keys: Keys) -> None:
        if sentencepiece.is_here(self.checkpoint):
            sentencepiece.add(keys, self.checkpoint, self.hp)
        else:
            bpe.add(keys, self.checkpoint, self.hp)


@register("Qwen3ForCausalLM")
class Qwen3(Qwen2):
    arch = "qwen3"
    defaults: ClassVar[dict[str, Defaults]] = {"qwen3": QWEN3}


@register("Qwen2MoeForCausalLM")
class Qwen2Moe(Family):
    """Experts lie one by one in most checkpoints, already stacked in those of transformers 5."""

    arch = "qwen2moe"
    defaults: ClassVar[dict[str, Defaults]] = {"qwen2_moe": QWEN2_MOE}

    def __init__(self, checkpoint: Checkpoint, file_type: gguf.LlamaFileType) -> None:
        super().__init__(checkpoint, file_type)
        self._experts = Collector(
            r"model\.layers\.(?P<block>\d+)\.mlp\.experts\.(?P<expert>\d+)\.(?P<matrix>\w+_proj)\.weight",
            self.hp.count("num_local_experts", "num_experts"),
            ("down_proj", "gate_proj", "up_proj"),
        )

    def add_keys(self, keys: Keys) -> None:
        super().add_keys(keys)
        if (length := self.hp.get("moe_intermediate_size")) is not None:
            keys.add_expert_feed_forward_length(length)
        if (length := self.hp.get("shared_expert_intermediate_size")) is not None:
            keys.add_expert_shared_feed_forward_length(length)

    def convert(self, name: str, rows: Rows, block: int | None) -> Iterator[Named]:
        if self._experts.matches(name):
            for matrix, stacked in self._experts.add(name, rows):
                yield self.names.map(f"model.layers.{block}.mlp.experts.{matrix}.weight"), stacked
            return
        stem = name.removesuffix(".weight")
        if stem.endswith("mlp.experts.gate_up_proj"):
            for matrix, half in _halves(name, rows):
                yield self.names.map(stem.replace("gate_up_proj", f"{matrix}.weight")), half
            return
        if stem.endswith("mlp.experts.down_proj"):
            name = f"{stem}.weight"
        yield from super().convert(name, rows, block)

    def check_complete(self) -> None:
        self._experts.check_complete()


@register("Qwen3MoeForCausalLM")
class Qwen3Moe(Qwen2Moe):
    arch = "qwen3moe"
    defaults: ClassVar[dict[str, Defaults]] = {"qwen3_moe": QWEN3_MOE}


def _halves(name: str, rows: Rows) -> Iterable[tuple[str, Rows]]:
    """(E, 2F, C) into gate and up, (E, F, C) each."""
    if len(rows.shape) != 3 or rows.shape[1] % 2:
        raise CheckpointError(f"Tensor {name} has the shape {list(rows.shape)}, which is no pair of expert stacks.")
    experts, double, columns = rows.shape
    index = np.arange(experts * double).reshape(experts, 2, double // 2)
    for i, matrix in enumerate(("gate_proj", "up_proj")):
        yield matrix, Gathered(rows, index[:, i].reshape(-1), (experts, double // 2, columns))
