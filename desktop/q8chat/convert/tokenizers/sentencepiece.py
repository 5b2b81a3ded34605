"""SentencePiece models (tokenizer.model), read without the sentencepiece package.

Facts: sentencepiece_model.proto (ModelProto.pieces = 1; piece = 1, score = 2, type = 3) and the reference's
`_create_vocab_sentencepiece`.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

from q8chat.convert.checkpoint import Checkpoint
from q8chat.convert.hparams import Hparams
from q8chat.convert.keys import Keys
from q8chat.convert.tokenizers import special
from q8chat.convert.tokenizers.protobuf import WireError, fields
from q8chat.convert.tokenizers.vocabulary import Type, Vocabulary, added_type
from q8chat.core.errors import CheckpointError

FILE = "tokenizer.model"
ADDED_SCORE, UNUSED_SCORE = -1000.0, -10000.0
TIKTOKEN = re.compile(rb"[A-Za-z0-9+/]+=* \d+\r?\n")  # a token in base 64 and its number
Piece = tuple[str, float, Type]
_float = struct.Struct("<f").unpack_from
# The reference has no case for a piece's type USER_DEFINED: it becomes NORMAL.
PIECE_TYPES = {2: Type.UNKNOWN, 3: Type.CONTROL, 5: Type.UNUSED, 6: Type.BYTE}


def is_here(checkpoint: Checkpoint) -> bool:
    """Whether the checkpoint has a SentencePiece model; Llama 3's lists of tiktoken have the same name."""
    file = checkpoint.path / FILE
    if not file.is_file():
        return False
    with file.open("rb") as f:
        return TIKTOKEN.match(f.read(256)) is None


def read_pieces(file: Path) -> list[Piece]:
    """Text, score and type of every piece. Raises CheckpointError."""
    try:
        data = memoryview(file.read_bytes())
        pieces = [_piece(value) for number, value in fields(data) if number == 1 and isinstance(value, memoryview)]
    except (WireError, UnicodeDecodeError, OSError) as e:
        raise CheckpointError(f"{file} is no SentencePiece model: {e}.", "Download the file again.") from e
    if not pieces:
        raise CheckpointError(f"{file} is no SentencePiece model: it holds no pieces.", "Download the file again.")
    return pieces


def _piece(data: memoryview) -> Piece:
    # As SentencePiece itself writes a piece: text, score, and the type unless it is a normal one. There may be
    # hundreds of thousands of them, and this is several times as fast as reading field by field.
    if len(data) > 6 and data[0] == 0x0A and data[1] < 0x80:
        end = 2 + data[1]
        rest = data[end:]
        if len(rest) in (5, 7) and rest[0] == 0x15 and (len(rest) == 5 or rest[5] == 0x18):
            kind = rest[6] if len(rest) == 7 else 1
            return str(data[2:end], "utf-8"), _float(rest, 1)[0], PIECE_TYPES.get(kind, Type.NORMAL)
    text, score, kind = "", 0.0, 1
    for number, value in fields(data):
        if number == 1 and isinstance(value, memoryview):
            text = bytes(value).decode("utf-8")
        elif number == 2 and isinstance(value, float):
            score = value
        elif number == 3 and isinstance(value, int):
            kind = value
    return text, score, PIECE_TYPES.get(kind, Type.NORMAL)


def load(checkpoint: Checkpoint, hp: Hparams) -> Vocabulary:
    """The vocabulary, as long as the embedding has rows; numbers no piece has are unused."""
    pieces = read_pieces(checkpoint.path / FILE)
    size = hp.get("vocab_size_per_layer_input", "vocab_size") or len(pieces)
    vocabulary = Vocabulary([f"[PAD{i}]" for i in range(size)], [int(Type.UNUSED)] * size, [UNUSED_SCORE] * size)
    for i, (text, score, kind) in enumerate(pieces[:size]):
        _set(vocabulary, i, text, kind, score)
    for text, i in (checkpoint.json("added_tokens.json") or {}).items():
        _set(vocabulary, i, text, Type.USER_DEFINED, ADDED_SCORE)
    decoder = (checkpoint.json("tokenizer_config.json") or {}).get("added_tokens_decoder") or {}
    for number, token in decoder.items():
        text, kind = _added(checkpoint, number, token)
        _set(vocabulary, int(number), text, kind, ADDED_SCORE)
    return vocabulary


def _added(checkpoint: Checkpoint, number: str, token: Any) -> tuple[str, Type]:
    if not number.isdecimal() or not isinstance(token, dict) or not isinstance(token.get("content"), str):
        file = checkpoint.path / "tokenizer_config.json"
        raise CheckpointError(f"{file} has an unusable added token {number!r}.", "Download the file again.")
    return added_type(token["content"], bool(token.get("special")))


def _set(vocabulary: Vocabulary, i: int, text: str, kind: Type, score: float) -> None:
    if 0 <= i < len(vocabulary.texts):
        vocabulary.texts[i], vocabulary.types[i], vocabulary.scores[i] = text, int(kind), score


def add(keys: Keys, checkpoint: Checkpoint, hp: Hparams) -> None:
    """Write the vocabulary and what belongs to it."""
    vocabulary = load(checkpoint, hp)
    vocabulary.add(keys, "llama", "default")
    special.load(checkpoint, n_vocab=len(vocabulary.texts)).add(keys)
