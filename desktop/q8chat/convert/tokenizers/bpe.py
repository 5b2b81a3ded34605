"""Byte-level BPE (GPT-2's kind of tokenizer), by llama.cpp's name "gpt2"."""

from __future__ import annotations

from q8chat.convert.checkpoint import Checkpoint
from q8chat.convert.hparams import Hparams
from q8chat.convert.keys import Keys
from q8chat.convert.tokenizers import pretokenizers, special
from q8chat.convert.tokenizers.hf import HfTokenizer
from q8chat.convert.tokenizers.vocabulary import Type, Vocabulary, added_type
from q8chat.core.errors import CheckpointError


def load(checkpoint: Checkpoint, hp: Hparams, tokenizer: HfTokenizer) -> Vocabulary:
    """As many tokens as the embedding has rows; numbers without a token are unused.

    Raises CheckpointError when the tokenizer has more tokens than the embedding.
    """
    by_number = {number: text for text, number in tokenizer.vocab.items()}
    size = hp.get("vocab_size") or len(by_number)
    if max(by_number, default=0) >= size:
        raise CheckpointError(
            f"The tokenizer in {checkpoint.path} has the token number {max(by_number)}, "
            f"but config.json gives the model {size} tokens.",
            "Tokenizer and weights do not belong together: take both from the same revision of the repository.",
        )
    vocabulary = Vocabulary()
    for number in range(size):
        text, kind = f"[PAD{number}]", Type.UNUSED
        if number in by_number:
            text, kind = _token(tokenizer, number, by_number[number])
        vocabulary.texts.append(text)
        vocabulary.types.append(kind)
    return vocabulary


def _token(tokenizer: HfTokenizer, number: int, text: str) -> tuple[str, Type]:
    added = tokenizer.added.get(number)
    if added is None or added.content != text:
        return text, Type.NORMAL
    if not added.normalized:  # llama.cpp expects added tokens in their normal form
        text = tokenizer.round_trip(text)
    return added_type(text, added.special)


def add(keys: Keys, checkpoint: Checkpoint, hp: Hparams) -> None:
    """Write vocabulary, pre-tokenizer, merges and special tokens."""
    tokenizer = HfTokenizer(checkpoint, hp)
    vocabulary = load(checkpoint, hp, tokenizer)
    numbers = tokenizer.encode(pretokenizers.TEXT, special=True)
    vocabulary.add(keys, "gpt2", pretokenizers.name_of(numbers, str(checkpoint.path)))
    special.load(checkpoint, merges=True).add(keys)
