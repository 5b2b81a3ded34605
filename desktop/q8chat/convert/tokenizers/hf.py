"""A tokenizer as transformers would load it, on the `tokenizers` library alone.

transformers changes what tokenizer.json says: it adds tokens of tokenizer_config.json, and some of its classes
replace the post-processor. Both reach the GGUF, by the vocabulary and by the hash of the pre-tokenizer. Facts:
transformers 4.57.6, `PreTrainedTokenizerFast` and its subclasses.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import tokenizers
from tokenizers import AddedToken, processors

from q8chat.convert.checkpoint import Checkpoint
from q8chat.convert.hparams import Hparams
from q8chat.convert.tokenizers import slow
from q8chat.convert.untrusted import reading

ROLES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


@dataclass(frozen=True)
class Kind:
    """A tokenizer class of transformers: its default tokens, and whether it writes the post-processor itself."""

    tokens: dict[str, str]
    own_post_processor: bool = False
    adds_bos: bool = False


_END = {"unk_token": "<|endoftext|>", "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}
_LLAMA = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
_PLAIN = Kind({})
KINDS = {
    "GPT2Tokenizer": Kind(_END),
    "CodeGenTokenizer": Kind(_END),
    "GPTNeoXTokenizer": Kind(_END, own_post_processor=True),
    "LlamaTokenizer": Kind(_LLAMA, own_post_processor=True, adds_bos=True),
    "CodeLlamaTokenizer": Kind(_LLAMA, own_post_processor=True, adds_bos=True),
    "GemmaTokenizer": Kind(
        {"unk_token": "<unk>", "bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>"},
        own_post_processor=True,
        adds_bos=True,
    ),
    "CohereTokenizer": Kind(
        {"unk_token": "<UNK>", "bos_token": "<BOS_TOKEN>", "eos_token": "<|END_OF_TURN_TOKEN|>"},
        own_post_processor=True,
        adds_bos=True,
    ),
    "BloomTokenizer": Kind(_LLAMA | {"pad_token": "<pad>"}),
    "Qwen2Tokenizer": Kind(
        {"unk_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}
    ),
}
# Where tokenizer_config.json names no class, config.json's model_type decides.
BY_MODEL_TYPE = {
    **dict.fromkeys(("llama", "mistral", "mixtral", "phi3"), "LlamaTokenizer"),
    **dict.fromkeys(("gemma", "gemma2", "gemma3", "gemma3_text"), "GemmaTokenizer"),
    **dict.fromkeys(("gpt2", "opt", "starcoder2", "granite"), "GPT2Tokenizer"),
    **dict.fromkeys(("gpt_neox", "mpt", "olmo", "olmo2", "stablelm"), "GPTNeoXTokenizer"),
    **dict.fromkeys(("qwen2", "qwen2_moe", "qwen3", "qwen3_moe"), "Qwen2Tokenizer"),
    "bloom": "BloomTokenizer",
    "cohere": "CohereTokenizer",
    "phi": "CodeGenTokenizer",
}


class HfTokenizer:
    """`vocab`: text -> number with added tokens; `n_base`: how many there are without them."""

    def __init__(self, checkpoint: Checkpoint, hp: Hparams) -> None:
        self.config = checkpoint.json("tokenizer_config.json") or {}
        name = self.config.get("tokenizer_class") or BY_MODEL_TYPE.get(str(hp.get("model_type")), "")
        self.class_name = str(name).removesuffix("Fast")
        self.kind = KINDS.get(self.class_name, _PLAIN)
        self.backend = _backend(checkpoint, self.class_name, self.config)
        self.backend.no_truncation()
        self.backend.no_padding()
        listed = self.config.get("added_tokens_decoder")
        if listed is None:  # an older file: its special tokens stand in a file of their own
            self.config |= checkpoint.json("special_tokens_map.json") or {}
        self.special = list(self._special_tokens())
        self._add_tokens(listed or {})
        self._set_prefix_space()
        if self.kind.own_post_processor:
            self._set_post_processor()
        self.vocab = self.backend.get_vocab(with_added_tokens=True)
        self.added = self.backend.get_added_tokens_decoder()
        self.n_base = self.backend.get_vocab_size(with_added_tokens=False)

    def _token(self, role: str) -> str | None:
        value = self.config.get(role, self.kind.tokens.get(role))
        return str(value["content"]) if isinstance(value, dict) else value

    def _special_tokens(self) -> Iterator[str]:
        extra = self.config.get("extra_special_tokens") or []  # transformers 5's name; in 4 a mapping
        extra = list(extra.values()) if isinstance(extra, dict) else extra
        more = [*(self.config.get("additional_special_tokens") or []), *extra]
        texts = [t["content"] if isinstance(t, dict) else t for t in more]
        yield from dict.fromkeys(t for t in (*map(self._token, ROLES), *texts) if t)

    def _add_tokens(self, listed: dict[str, Any]) -> None:
        """What tokenizer_config.json lists otherwise than tokenizer.json, and special tokens in neither."""
        known = self.backend.get_added_tokens_decoder()
        same = {repr(token) for token in known.values()}
        wanted = [
            AddedToken(**{k: v for k, v in token.items() if k != "__type"})
            for _, token in sorted(listed.items(), key=lambda item: int(item[0]))
        ]
        missing = [token for token in wanted if repr(token) not in same]
        texts = {t.content for t in known.values()} | {t.content for t in missing}
        missing += [AddedToken(text, special=True) for text in self.special if text not in texts]
        for token in missing:
            token.special = token.special or token.content in self.special
        if missing:
            self.backend.add_tokens(missing)

    def _set_prefix_space(self) -> None:
        wanted = bool(self.config.get("add_prefix_space", False))
        if self.backend.pre_tokenizer is None:
            return
        state = json.loads(self.backend.pre_tokenizer.__getstate__())
        if state.get("add_prefix_space", wanted) != wanted:
            whole = json.loads(self.backend.to_str())
            whole["pre_tokenizer"]["add_prefix_space"] = wanted
            self.backend = tokenizers.Tokenizer.from_str(json.dumps(whole))

    def _set_post_processor(self) -> None:
        bos, eos = self._token("bos_token"), self._token("eos_token")
        first = [bos] if bos and self.config.get("add_bos_token", self.kind.adds_bos) else []
        last = [eos] if eos and self.config.get("add_eos_token", False) else []
        numbers = [(t, n) for t in first + last if (n := self.backend.token_to_id(t)) is not None]
        self.backend.post_processor = processors.TemplateProcessing(
            single=[*(f"{t}:0" for t in first), "$A:0", *(f"{t}:0" for t in last)],
            pair=[*(f"{t}:0" for t in first), "$A:0", *(f"{t}:1" for t in first), "$B:1"],
            special_tokens=numbers,
        )

    def encode(self, text: str, *, special: bool) -> list[int]:
        """Token numbers; `special`: with what the model expects around a text."""
        return list(self.backend.encode(text, add_special_tokens=special).ids)

    def round_trip(self, text: str) -> str:
        """What a text becomes when it is encoded and decoded: its normal form."""
        decoded = self.backend.decode(self.encode(text, special=False), skip_special_tokens=False)
        return _clean_up(decoded) if self.config.get("clean_up_tokenization_spaces", False) else decoded


def _clean_up(text: str) -> str:
    """transformers' clean_up_tokenization."""
    for old in (" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're"):
        text = text.replace(old, "'" if old == " ' " else old[1:])
    return text


def _backend(checkpoint: Checkpoint, class_name: str, config: dict[str, Any]) -> tokenizers.Tokenizer:
    text = checkpoint.text("tokenizer.json")
    if text is None:
        return slow.build(checkpoint, class_name, config)
    with reading(str(checkpoint.path / "tokenizer.json")):
        return tokenizers.Tokenizer.from_str(text)
