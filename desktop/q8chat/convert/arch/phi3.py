"""Phi 3, 3.5 and 4, with long rope. Fused q/k/v and gate/up stay fused."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import gguf
import numpy as np

from q8chat.convert.arch.llama import add_vocabulary, kv_heads
from q8chat.convert.checkpoint import Checkpoint
from q8chat.convert.family import Family, Named
from q8chat.convert.hparams import Config, Defaults, Hparams
from q8chat.convert.keys import Keys
from q8chat.convert.registry import register
from q8chat.convert.rows import Fixed
from q8chat.convert.tokenizers import bpe, sentencepiece, special
from q8chat.convert.tokenizers.vocabulary import Type, Vocabulary
from q8chat.core.errors import CheckpointError

ROTARY = 1.0  # the share of a head that is rotated, where config.json does not say it
PHI3: Defaults = {
    "vocab_size": 32064,
    "hidden_size": 3072,
    "intermediate_size": 8192,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": kv_heads(),
    "max_position_embeddings": 4096,
    "original_max_position_embeddings": 4096,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "partial_rotary_factor": ROTARY,
}
LONG_ROPE = ("longrope", "su", "yarn")  # transformers takes the older names for the first one


@register("Phi3ForCausalLM")
class Phi3(Family):
    arch = "phi3"
    defaults: ClassVar[dict[str, Defaults]] = {"phi3": PHI3}

    def __init__(self, checkpoint: Checkpoint, file_type: gguf.LlamaFileType) -> None:
        super().__init__(checkpoint, file_type)
        self._width, self._n_heads = self.hp.count("hidden_size"), self.hp.count("num_attention_heads")
        self._context = self.hp.count("n_positions", "max_position_embeddings")
        rotary = self.rope.get("partial_rotary_factor", ROTARY)
        self._rope_dims = int(rotary * self._width) // self._n_heads
        self._trained_context = self.rope.get("original_max_position_embeddings") or self._context

    def add_first_keys(self, keys: Keys) -> None:
        if self.rope.get("long_factor"):
            keys.add_rope_scaling_attn_factors(self._attention_factor())

    def add_keys(self, keys: Keys) -> None:
        hp = self.hp
        rope: Config = self.rope.get("full_attention", self.rope)
        keys.add_context_length(self._context)
        keys.add_rope_scaling_orig_ctx_len(self._trained_context)
        keys.add_embedding_length(self._width)
        keys.add_feed_forward_length(hp.count("intermediate_size"))
        keys.add_block_count(self.n_blocks)
        keys.add_head_count(self._n_heads)
        keys.add_head_count_kv(hp.get("num_key_value_heads") or self._n_heads)
        keys.add_layer_norm_rms_eps(hp.need("rms_norm_eps"))
        keys.add_rope_dimension_count(self._rope_dims)
        keys.add_rope_freq_base(rope.get("rope_theta", 10000.0))
        keys.add_file_type(self.file_type)
        keys.add_sliding_window(hp.get("sliding_window") or 0)  # the graph knows Phi 4 by the zero

    def _attention_factor(self) -> float:
        """How much longer contexts are than trained. Formula: transformers' `_compute_longrope_parameters`."""
        kind = str(self.rope.get("rope_type", "")).lower()
        if kind not in LONG_ROPE:
            raise CheckpointError(
                f"{self.checkpoint.path / 'config.json'} has rope_scaling of the unknown type {kind!r}.",
                f"Known are {', '.join(LONG_ROPE)}.",
            )
        scale = self._context / self._trained_context
        return math.sqrt(1 + math.log(scale) / math.log(self._trained_context)) if scale > 1 else 1.0

    def extra_tensors(self) -> Iterable[Named]:
        if not self.rope.get("long_factor"):
            return
        for tensor, key in (
            (gguf.MODEL_TENSOR.ROPE_FACTORS_LONG, "long_factor"),
            (gguf.MODEL_TENSOR.ROPE_FACTORS_SHORT, "short_factor"),
        ):
            factors = self.rope.get(key)
            if not isinstance(factors, list) or 2 * len(factors) != self._rope_dims:
                raise CheckpointError(
                    f"{self.checkpoint.path / 'config.json'} does not have {self._rope_dims // 2} numbers under "
                    f"rope_scaling.{key}.",
                    "Take config.json from the original checkpoint.",
                )
            yield self.names.format(tensor), Fixed(np.array(factors, np.float32))

    def add_vocabulary(self, keys: Keys) -> None:
        config = self.checkpoint.json("tokenizer_config.json") or {}
        if str(config.get("tokenizer_class", "")).startswith("GPT2Tokenizer"):
            bpe.add(keys, self.checkpoint, self.hp)
        elif not sentencepiece.is_here(self.checkpoint):
            add_vocabulary(keys, self.checkpoint, self.hp)
        else:
            vocabulary = load_vocabulary(self.checkpoint, self.hp)
            vocabulary.add(keys, "llama", "default")
            special.load(self.checkpoint, n_vocab=len(vocabulary.texts)).add(keys)


def load_vocabulary(checkpoint: Checkpoint, hp: Hparams) -> Vocabulary:
    """SentencePiece's pieces, over which added tokens are laid as they stand: special ones as control tokens."""
    pieces = sentencepiece.read_pieces(checkpoint.path / sentencepiece.FILE)
    size = hp.get("vocab_size") or len(pieces)
    vocabulary = Vocabulary(
        [f"[PAD{i}]" for i in range(size)], [int(Type.UNUSED)] * size, [sentencepiece.UNUSED_SCORE] * size
    )
    for i, (text, score, kind) in enumerate(pieces[:size]):
        vocabulary.texts[i], vocabulary.scores[i], vocabulary.types[i] = text, score, int(kind)
    for i, text, kind in _added(checkpoint):
        if 0 <= i < size:
            vocabulary.texts[i], vocabulary.types[i] = text, int(kind)
            vocabulary.scores[i] = sentencepiece.ADDED_SCORE
    return vocabulary


def _added(checkpoint: Checkpoint) -> Iterator[tuple[int, str, Type]]:
    """Number, text and type from all three places, of which the last one counts. Raises CheckpointError."""
    listed = (checkpoint.json("tokenizer_config.json") or {}).get("added_tokens_decoder") or {}
    tokens: list[tuple[Any, Any]] = [(number, token) for number, token in listed.items()]
    tokens += [(t.get("id"), t) for t in (checkpoint.json("tokenizer.json") or {}).get("added_tokens") or []]
    for text, number in (checkpoint.json("added_tokens.json") or {}).items():
        yield number, text, Type.USER_DEFINED
    for number, token in tokens:
        try:
            yield int(number), str(token["content"]), Type.CONTROL if token.get("special") else Type.USER_DEFINED
        except (TypeError, ValueError, KeyError, AttributeError) as e:
            raise CheckpointError(
                f"The tokenizer in {checkpoint.path} has an unusable added token {number!r}.",
                "Download its files again.",
            ) from e
