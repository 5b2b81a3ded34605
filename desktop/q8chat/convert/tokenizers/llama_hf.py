"""SentencePiece-like BPE that exists only as tokenizer.json (byte fallback, no tokenizer.model).

Facts: `LlamaHfVocab` of gguf-py: scores are unknown there, so every token gets the same.
"""

from __future__ import annotations

import re

from q8chat.convert.checkpoint import Checkpoint
from q8chat.convert.hparams import Hparams
from q8chat.convert.keys import Keys
from q8chat.convert.tokenizers import special
from q8chat.convert.tokenizers.hf import HfTokenizer
from q8chat.convert.tokenizers.vocabulary import Type, Vocabulary

SCORE = -1000.0
BYTE = re.compile(r"<0x[0-9A-Fa-f]{2}>")


def is_here(checkpoint: Checkpoint) -> bool:
    """Whether tokenizer.json is of this kind, rather than byte-level BPE as Llama 3 has it."""
    tokenizer = checkpoint.json("tokenizer.json") or {}
    model = tokenizer.get("model") or {}
    decoder = tokenizer.get("decoder") or {}
    return model.get("type") == "BPE" and bool(model.get("byte_fallback")) and decoder.get("type") == "Sequence"


def load(tokenizer: HfTokenizer, size: int) -> Vocabulary:
    """Base tokens, then added ones, then unused ones up to `size`, which the reference forgets."""
    by_number = {number: text for text, number in tokenizer.vocab.items()}
    special_numbers = {tokenizer.vocab[t] for t in tokenizer.special if t in tokenizer.vocab}
    added = {n: t.content for n, t in sorted(tokenizer.added.items()) if n >= tokenizer.n_base}
    vocabulary = Vocabulary()
    for number in range(tokenizer.n_base):
        if number not in added:
            _append(vocabulary, by_number[number], _type(by_number[number], number in special_numbers))
    for number, text in added.items():
        kind = Type.USER_DEFINED
        if text in tokenizer.special:
            kind = Type.CONTROL if number in special_numbers else Type.NORMAL
        _append(vocabulary, text, kind)
    for number in range(len(vocabulary.texts), size):
        _append(vocabulary, f"[PAD{number}]", Type.UNUSED)
    return vocabulary


def _type(text: str, is_special: bool) -> Type:
    if BYTE.fullmatch(text):
        return Type.BYTE
    return Type.CONTROL if is_special else Type.NORMAL


def _append(vocabulary: Vocabulary, text: str, kind: Type) -> None:
    vocabulary.texts.append(text)
    vocabulary.types.append(kind)
    vocabulary.scores.append(SCORE)


def add(keys: Keys, checkpoint: Checkpoint, hp: Hparams) -> None:
    """Write the vocabulary and what belongs to it."""
    vocabulary = load(HfTokenizer(checkpoint, hp), hp.get("vocab_size") or 0)
    vocabulary.add(keys, "llama", "default")
    special.load(checkpoint, n_vocab=len(vocabulary.texts)).add(keys)
