"""A vocabulary as GGUF knows it: texts, types and perhaps scores, in the order of the token numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from q8chat.convert.keys import Keys

WORD_BOUNDARY = "\u2581"  # SentencePiece's visible space
LOOK_SPECIAL = ("<pad>", "<mask>", "<2mass>", "[@BOS@]")


class Type(IntEnum):
    """ggml's `llama_token_type`."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass
class Vocabulary:
    """Parallel lists; `scores` stays empty for BPE."""

    texts: list[str] = field(default_factory=list)
    types: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def add(self, keys: Keys, model: str, pre: str) -> None:
        """Write it: `model` is llama.cpp's kind of tokenizer, `pre` its pre-tokenizer."""
        keys.add_tokenizer_model(model)
        keys.add_tokenizer_pre(pre)
        keys.add_token_list(self.texts)
        if self.scores:
            keys.add_token_scores(self.scores)
        keys.add_token_types([int(t) for t in self.types])


def looks_special(text: str) -> bool:
    """Some tokenizers do not mark tokens as special that must be control tokens; they are known by their looks."""
    return (
        text in LOOK_SPECIAL
        or (text.startswith("<|") and text.endswith("|>"))
        or (text.startswith("<｜") and text.endswith("｜>"))
        or (text.startswith("<unused") and text.endswith(">"))
    )


def added_type(text: str, special: bool) -> tuple[str, Type]:
    """Text and type of an added token; user-defined ones hold plain spaces."""
    if special or looks_special(text):
        return text, Type.CONTROL
    return text.replace(WORD_BOUNDARY, " "), Type.USER_DEFINED
