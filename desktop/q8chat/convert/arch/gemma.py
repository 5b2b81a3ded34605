"""Gemma 2 and 3. Their norms store the distance from one, so one is added.

Gemma 3's checkpoints with vision hold the text model under another name; the vision part is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from q8chat.convert.common_keys import CONTEXT
from q8chat.convert.family import Family, Named
from q8chat.convert.hparams import Config, Defaults
from q8chat.convert.keys import Keys
from q8chat.convert.registry import register
from q8chat.convert.rows import Mapped, Rows, rows_of
from q8chat.convert.tokenizers import bpe, sentencepiece
from q8chat.core.errors import CheckpointError

GEMMA2: Defaults = {
    "vocab_size": 256000,
    "hidden_size": 2304,
    "intermediate_size": 9216,
    "num_hidden_layers": 26,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "max_position_embeddings": 8192,
    "rms_norm_eps": 1e-6,
    "rope_theta": 10000.0,
    "sliding_window": 4096,
    "final_logit_softcapping": 30.0,
    "attn_logit_softcapping": 50.0,
}
GEMMA3: Defaults = {
    **{key: value for key, value in GEMMA2.items() if not key.endswith("softcapping")},
    "vocab_size": 262208,
    "max_position_embeddings": 131072,
    "rope_theta": 1_000_000.0,
    "rope_local_base_freq": 10_000.0,
}


@register("Gemma2ForCausalLM")
class Gemma2(Family):
    arch = "gemma2"
    defaults: ClassVar[dict[str, Defaults]] = {"gemma2": GEMMA2}

    def add_keys(self, keys: Keys) -> None:
        hp = self.hp
        keys.add_context_length(hp.count("max_position_embeddings"))
        keys.add_embedding_length(hp.count("hidden_size"))
        keys.add_block_count(self.n_blocks)
        keys.add_feed_forward_length(hp.count("intermediate_size"))
        keys.add_head_count(hp.count("num_attention_heads"))
        keys.add_head_count_kv(hp.count("num_key_value_heads"))
        keys.add_layer_norm_rms_eps(hp.need("rms_norm_eps"))
        keys.add_key_length(hp.count("head_dim"))
        keys.add_value_length(hp.count("head_dim"))
        keys.add_file_type(self.file_type)
        keys.add_attn_logit_softcapping(hp.need("attn_logit_softcapping"))
        keys.add_final_logit_softcapping(hp.need("final_logit_softcapping"))
        keys.add_sliding_window(hp.count("sliding_window"))

    def add_vocabulary(self, keys: Keys) -> None:
        if not sentencepiece.is_here(self.checkpoint):
            raise CheckpointError(
                f"{self.checkpoint.path} holds no {sentencepiece.FILE}.",
                "Gemma 2 needs it; download it from the original repository.",
            )
        sentencepiece.add(keys, self.checkpoint, self.hp)
        keys.add_add_space_prefix(False)

    def renamed(self, name: str) -> str | None:
        # The head is the embedding; some tools store it a second time.
        return None if name == "lm_head.weight" else super().renamed(name)

    def convert(self, name: str, rows: Rows, block: int | None) -> Iterator[Named]:
        yield from super().convert(name, plus_one(rows) if name.endswith("norm.weight") else rows, block)


@register("Gemma3ForCausalLM", "Gemma3ForConditionalGeneration")
class Gemma3(Family):
    arch = "gemma3"
    defaults: ClassVar[dict[str, Defaults]] = {"gemma3_text": GEMMA3, "gemma3": GEMMA3}

    def add_keys(self, keys: Keys) -> None:
        super().add_keys(keys)
        hp = self.hp
        rope: Config = self.rope.get("full_attention", self.rope)
        keys.add_context_length(hp.get(*CONTEXT[:1]) or 131072)
        keys.add_head_count(hp.get("num_attention_heads") or 8)
        keys.add_layer_norm_rms_eps(hp.get("rms_norm_eps") or 1e-6)
        keys.add_key_length(hp.get("head_dim") or 256)
        keys.add_value_length(hp.get("head_dim") or 256)
        keys.add_rope_freq_base(rope.get("rope_theta", 1_000_000.0))
        if cap := hp.get("final_logit_softcapping"):
            keys.add_final_logit_softcapping(cap)
        if hp.get("sliding_window_pattern") != 1:
            keys.add_sliding_window(self._window())
        keys.add_head_count_kv(hp.get("num_key_value_heads") or 4)

    def _window(self) -> int:
        window = self.hp.count("sliding_window")
        return window // 2 + 1 if self.hp.get("use_bidirectional_attention") else window

    def add_vocabulary(self, keys: Keys) -> None:
        if sentencepiece.is_here(self.checkpoint):
            sentencepiece.add(keys, self.checkpoint, self.hp)
            keys.add_add_space_prefix(False)
        else:
            bpe.add(keys, self.checkpoint, self.hp)

    def convert(self, name: str, rows: Rows, block: int | None) -> Iterator[Named]:
        if "embed_tokens.weight" in name:  # rows beyond the vocabulary are padding
            rows = rows_of(rows, 0, min(rows.shape[0], self._vocabulary_size()))
        yield from super().convert(name, plus_one(rows) if name.endswith("norm.weight") else rows, block)

    def _vocabulary_size(self) -> int:
        if sentencepiece.is_here(self.checkpoint):
            return self.hp.count("vocab_size")
        tokenizer = self.checkpoint.json("tokenizer.json") or {}
        return len((tokenizer.get("model") or {}).get("vocab") or ()) + len(tokenizer.get("added_tokens") or ())


def plus_one(rows: Rows) -> Rows:
    """The true norm weights, computed in the checkpoint's type as the reference does."""
    return Mapped(rows, lambda values: values + 1)
