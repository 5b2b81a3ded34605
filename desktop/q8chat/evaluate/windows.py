"""The text as windows of tokens, cut and scored as `llama-perplexity` does it (tools/perplexity/perplexity.cpp)."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from q8chat.core.errors import EvaluateError
from q8chat.core.units import count
from q8chat.evaluate.types import SMALLEST_CTX, Text
from q8chat.runtime.model import Model

SMALLEST_TEXT = 2  # windows; llama-perplexity refuses less


@dataclass(frozen=True, slots=True)
class Windows:
    """`tokens` cut into `count` windows of `ctx`; what is left over is not read.

    Scored are the logits at positions `first` .. ctx - 2, each against the token that follows: every prediction has
    at least half a window before it. `bos` takes the place of a window's first token; -1 if the model wants none.
    """

    tokens: tuple[int, ...]
    ctx: int
    count: int
    bos: int

    @property
    def first(self) -> int:
        """Position of the first scored logits."""
        return self.ctx // 2

    @property
    def scored(self) -> int:
        """Predictions of a window that count."""
        return self.ctx - 1 - self.first

    def window(self, chunk: int) -> list[int]:
        """What the model reads."""
        tokens = list(self.tokens[chunk * self.ctx : (chunk + 1) * self.ctx])
        if self.bos >= 0:
            tokens[0] = self.bos
        return tokens

    def targets(self, chunk: int) -> list[int]:
        """The tokens that are to be predicted, one for each scored position."""
        start = chunk * self.ctx + self.first + 1
        return list(self.tokens[start : start + self.scored])


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tells vocabularies apart."""

    size: int
    sha256: str


def read_text(path: Path) -> Text:
    """A text file. Raises EvaluateError if it can't be read, is empty or no text."""
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as e:
        why = e.strerror if isinstance(e, OSError) else "there is no such name"
        raise EvaluateError(f"{path} can't be read: {why}.", "Choose a text file you can read.") from e
    return checked(Text(path.name, data.decode("utf-8", "replace"), sha256(data).hexdigest()))


def checked(text: Text) -> Text:
    """`text`, if a model can be measured with it. Raises EvaluateError."""
    if not text.content.strip():
        raise EvaluateError(f"{text.name} is empty.", "Choose a text of a few thousand words.")
    at = text.content.find("\0")
    if at >= 0:
        line = text.content.count("\n", 0, at) + 1
        raise EvaluateError(
            f"{text.name} is no plain text: there is a NUL character in line {line}.",
            "Save it as UTF-8 text, or choose another file.",
        )
    return text


def cut(model: Model, text: Text, ctx: int) -> Windows:
    """All windows of `text`. Raises EvaluateError if there are too few of them, or they are too short or long."""
    if ctx < SMALLEST_CTX:
        raise EvaluateError(
            f"A window of {ctx} tokens is too short.", f"It takes at least {SMALLEST_CTX}; 512 is usual."
        )
    if ctx > model.n_ctx_train > 0:
        raise EvaluateError(
            f"{model.path.name} was trained with {count(model.n_ctx_train)} tokens, not {count(ctx)}.",
            "Choose shorter windows; 512 is usual.",
        )
    # llama.cpp's -f drops the line break at the end; text that looks like a control token stays text.
    tokens = model.tokenize(text.content.removesuffix("\n"), add_special=True, parse_special=False)
    if len(tokens) < SMALLEST_TEXT * ctx:
        raise EvaluateError(
            f"{text.name} has {count(len(tokens))} tokens; at least {count(SMALLEST_TEXT * ctx)} are needed.",
            "Choose a longer text or shorter windows (--ctx).",
        )
    lib = model.lib
    bos = int(lib.llama_vocab_bos(model.vocab)) if lib.llama_vocab_get_add_bos(model.vocab) else -1
    return Windows(tuple(tokens), ctx, len(tokens) // ctx, bos)


def vocabulary(model: Model) -> Vocabulary:
    """Models with equal ones give the same tokens the same numbers."""
    whole = sha256(str(model.lib.llama_vocab_type(model.vocab)).encode())
    get = model.lib.llama_vocab_get_text
    for token in range(model.n_vocab):
        whole.update(get(model.vocab, token) or b"")
        whole.update(b"\0")
    return Vocabulary(model.n_vocab, whole.hexdigest())
