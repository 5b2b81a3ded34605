"""MPT, also as SEA-LION with a SentencePiece tokenizer."""

from __future__ import annotations

from typing import Any, ClassVar

from q8chat.convert.family import Family
from q8chat.convert.hparams import Config, Defaults
from q8chat.convert.keys import Keys
from q8chat.convert.registry import register
from q8chat.convert.tokenizers import bpe, sentencepiece

MPT: Defaults = {
    "vocab_size": 50368,
    "d_model": 2048,
    "n_heads": 16,
    "n_layers": 24,
    "expansion_ratio": 4,
    "max_seq_len": 2048,
}
ATTENTION: Config = {"attn_type": "multihead_attention", "alibi": True, "alibi_bias_max": 8, "clip_qkv": None}
LAYER_NORM_EPS = 1e-5  # fixed in the model's code
SEA_LION_TOKENS = {"pad": 3, "eos": 1, "unk": 0}


@register("MPTForCausalLM", "MptForCausalLM")
class Mpt(Family):
    arch = "mpt"
    defaults: ClassVar[dict[str, Defaults]] = {"mpt": MPT}

    def add_keys(self, keys: Keys) -> None:
        hp = self.hp
        attention: dict[str, Any] = {**ATTENTION, **(hp.get("attn_config") or {})}
        width = hp.count("d_model", "hidden_size")
        keys.add_context_length(hp.count("max_seq_len"))
        keys.add_embedding_length(width)
        keys.add_block_count(self.n_blocks)
        keys.add_feed_forward_length(hp.count("expansion_ratio") * width)
        keys.add_head_count(hp.count("n_heads", "num_attention_heads"))
        if attention["attn_type"] != "multihead_attention":
            keys.add_head_count_kv(attention.get("kv_n_heads") or 1)
        keys.add_layer_norm_eps(LAYER_NORM_EPS)
        if attention["clip_qkv"] is not None:
            keys.add_clamp_kqv(attention["clip_qkv"])
        keys.add_max_alibi_bias(attention["alibi_bias_max"] if attention["alibi"] else 0.0)

    def add_vocabulary(self, keys: Keys) -> None:
        is_bpe = (self.checkpoint.path / "tokenizer.json").is_file() or not sentencepiece.is_here(self.checkpoint)
        if is_bpe:
            bpe.add(keys, self.checkpoint, self.hp)
            return
        sentencepiece.add(keys, self.checkpoint, self.hp)
        keys.add_add_bos_token(False)
        for role, number in SEA_LION_TOKENS.items():
            getattr(keys, f"add_{role}_token_id")(number)
