"""Llama 1 to 3 and everything of its class (Alpaca, Vicuna, SmolLM), Mistral, Mixtral, SmolLM3.

Rotary order differs: llama.cpp pairs neighbours, Hugging Face halves, so the rows of q and k are reordered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

import gguf

from q8chat.convert.checkpoint import Checkpoint
from q8chat.convert.experts import Collector
from q8chat.convert.family import Family, Named
from q8chat.convert.hparams import Config, Defaults, Hparams
from q8chat.convert.keys import Keys
from q8chat.convert.registry import register
from q8chat.convert.rope import llama3_factors
from q8chat.convert.rows import Fixed, Rows, pair_halves
from q8chat.convert.tokenizers import bpe, llama_hf, sentencepiece, special

CODE_LLAMA_VOCABULARY = 32016
CODE_LLAMA_TOKENS = {"prefix": 32007, "suffix": 32008, "middle": 32009, "eot": 32010}
GRANITE_VOCABULARY = 49152  # of small Granite models, and of SmolLM too


def kv_heads(absent: int | None = None) -> Callable[[Config], Any]:
    """As many key heads as heads where config.json says null; where it says nothing, `absent` if given."""

    def default(config: Config) -> Any:
        if absent is not None and "num_key_value_heads" not in config:
            return absent
        return config.get("num_attention_heads")

    return default


def derived_head_dim(config: Config) -> Any:
    """Each head's share of the hidden size."""
    return config["hidden_size"] // config["num_attention_heads"]


LLAMA: Defaults = {
    "vocab_size": 32000,
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": kv_heads(),
    "max_position_embeddings": 2048,
    "rms_norm_eps": 1e-6,
    "rope_theta": 10000.0,
    "head_dim": derived_head_dim,
}
MISTRAL: Defaults = {
    **{key: value for key, value in LLAMA.items() if key != "head_dim"},
    "intermediate_size": 14336,
    "num_key_value_heads": kv_heads(absent=8),
    "max_position_embeddings": 131072,
}
MIXTRAL: Defaults = {
    **MISTRAL,
    "rms_norm_eps": 1e-5,
    "rope_theta": 1e6,
    "num_experts_per_tok": 2,
    "num_local_experts": 8,
}
SMOLLM3: Defaults = {
    "vocab_size": 128256,
    "hidden_size": 2048,
    "intermediate_size": 11008,
    "num_hidden_layers": 36,
    "num_attention_heads": 16,
    "num_key_value_heads": 4,
    "max_position_embeddings": 32768,
    "rms_norm_eps": 1e-6,
    "rope_theta": 2000000.0,
}


def add_vocabulary(keys: Keys, checkpoint: Checkpoint, hp: Hparams) -> None:
    """SentencePiece if there is a tokenizer.model, its imitation as tokenizer.json, else byte-level BPE."""
    if sentencepiece.is_here(checkpoint):
        sentencepiece.add(keys, checkpoint, hp)
    elif llama_hf.is_here(checkpoint):
        llama_hf.add(keys, checkpoint, hp)
    else:
        bpe.add(keys, checkpoint, hp)


@register("LlamaForCausalLM", "LLaMAForCausalLM", "MistralForCausalLM", "MixtralForCausalLM")
class Llama(Family):
    """`arch` "llama" for all of them: llama.cpp tells them apart by their keys."""

    arch = "llama"
    defaults: ClassVar[dict[str, Defaults]] = {"llama": LLAMA, "mistral": MISTRAL, "mixtral": MIXTRAL}

    def __init__(self, checkpoint: Checkpoint, file_type: gguf.LlamaFileType) -> None:
        super().__init__(checkpoint, file_type)
        self.n_heads = self.hp.count("num_attention_heads")
        self.n_kv_heads = self.hp.get("num_key_value_heads") or self.n_heads
        self._experts = Collector(
            r"model\.layers\.(?P<block>\d+)\.block_sparse_moe\.experts"
            r"\.(?P<expert>\d+)\.(?P<matrix>w[123])\.weight",
            self.hp.get("num_local_experts") or 0,
            ("w1", "w2", "w3"),
        )

    def add_keys(self, keys: Keys) -> None:
        super().add_keys(keys)
        keys.add_vocab_size(self.hp.count("vocab_size"))
        keys.add_rope_dimension_count(self.hp.head_dim)

    def add_vocabulary(self, keys: Keys) -> None:
        config = self.checkpoint.json("tokenizer_config.json") or {}
        if (prefix := config.get("add_prefix_space")) is not None:
            keys.add_add_space_prefix(prefix)
        add_vocabulary(keys, self.checkpoint, self.hp)
        vocabulary = self.hp.get("vocab_size")
        if vocabulary == CODE_LLAMA_VOCABULARY:
            self._add_infill_tokens(keys)
        if vocabulary == GRANITE_VOCABULARY:
            keys.add_add_bos_token(False)

    def _add_infill_tokens(self, keys: Keys) -> None:
        found = special.load(self.checkpoint, roles=tuple(CODE_LLAMA_TOKENS))
        for role, number in CODE_LLAMA_TOKENS.items():
            found.set_id(role, number, None)
        found.add(keys)

    def extra_tensors(self) -> Iterable[Named]:
        rope: Config = self.rope.get("full_attention", self.rope)
        if str(rope.get("rope_type", "")).lower() == "llama3":
            yield self.names.format(gguf.MODEL_TENSOR.ROPE_FREQS), Fixed(llama3_factors(rope, self.hp.head_dim))

    def convert(self, name: str, rows: Rows, block: int | None) -> Iterator[Named]:
        if self._experts.matches(name):
            for matrix, stacked in self._experts.add(name, rows):
                yield self.names.map(f"layers.{block}.feed_forward.experts.{matrix}.weight"), stacked
            return
        if name.endswith(("q_proj.weight", "q_proj.bias")):
            rows = pair_halves(rows, self.n_heads)
        elif name.endswith(("k_proj.weight", "k_proj.bias")):
            rows = pair_halves(rows, self.n_kv_heads)
        yield from super().convert(name, rows, block)

    def renamed(self, name: str) -> str | None:
        return super().renamed(name.replace("text_model.", ""))

    def check_complete(self) -> None:
        self._experts.check_complete()


@register("SmolLM3ForCausalLM")
class SmolLM3(Llama):
    """Llama without rotary embedding in every fourth layer, which the graph knows by itself."""

    arch = "smollm3"
    defaults: ClassVar[dict[str, Defaults]] = {"smollm3": SMOLLM3}
