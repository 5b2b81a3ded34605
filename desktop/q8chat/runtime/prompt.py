"""From turns to prompt tokens that fit the context window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from q8chat.core.errors import ContextOverflowError
from q8chat.core.units import count
from q8chat.runtime.messages import Overflow, Turn
from q8chat.runtime.model import Model
from q8chat.runtime.templates import ChatTemplate

# A token stands for at most a handful of characters of real text. A prompt of more characters per place in the
# window than this is measured on its beginning only: tokenizing 5 MB to refuse them would take seconds.
CHARS_PER_PLACE = 64
SEAMS = 4  # tokens by which a text may shrink when the template's own text around it melts with it
REMEMBERED = 8  # texts whose tokens are known because they were generated


@dataclass(frozen=True, slots=True)
class Prompt:
    """What to evaluate. `turns` are those that were kept; `dropped` counts the ones left out."""

    text: str
    tokens: list[int]
    turns: tuple[Turn, ...]
    dropped: int


class PromptBuilder:
    """Renders and tokenizes; remembers how generated text was made of tokens."""

    def __init__(self, model: Model, n_ctx: int, template: ChatTemplate) -> None:
        self.model = model
        self.n_ctx = n_ctx
        self.template = template
        self._known: list[tuple[str, list[int]]] = []
        self._count = lru_cache(maxsize=4096)(lambda text: len(model.tokenize(text)))

    def remember(self, text: str, tokens: list[int]) -> None:
        """Note that `text` (prompt and answer) is `tokens`.

        A model may write a word in other tokens than the tokenizer would; read anew, its own answer would not
        match the KV cache.
        """
        self._known = [(t, ids) for t, ids in self._known if not text.startswith(t)][-REMEMBERED + 1 :]
        self._known.append((text, tokens))

    def tokenize(self, text: str) -> list[int]:
        """Token ids of a rendered prompt; the beginning-of-text token is never doubled."""
        known = [(t, ids) for t, ids in self._known if text.startswith(t)]
        if known:
            head, ids = max(known, key=lambda item: len(item[0]))
            rest = self.model.tokenize(text[len(head) :])
            # Only a control token is a safe seam: ordinary text could merge with what comes before it.
            if not rest or self.model.is_control(rest[0]):
                return ids + rest
        bos = self.model.bos
        return self.model.tokenize(text, add_special=not (bos and text.startswith(bos)))

    def fit(self, turns: Sequence[Turn], overflow: Overflow, room: int) -> Prompt:
        """The prompt for `turns` that leaves `room` tokens for the answer.

        With "drop_oldest" whole exchanges are left out after the system message, the oldest first, as few as
        possible. Raises ContextOverflowError, naming both numbers, when the last message alone is too long or, with
        "stop", when the whole is.
        """
        limit = self.n_ctx - room
        droppable = self._droppable(turns) if overflow == "drop_oldest" else [0]
        lengths = [self._length(t) for t in turns]
        for dropped in droppable:
            first = 1 if turns[0].role == "system" else 0
            if dropped != droppable[-1] and sum(lengths) - sum(lengths[first : first + dropped]) > limit:
                continue  # the contents alone are too long; no need to render
            kept = (*turns[:first], *turns[first + dropped :])
            self._refuse_huge(kept, overflow)
            text = self.template.render(kept)
            tokens = self.tokenize(text)
            if len(tokens) <= limit:
                return Prompt(text, tokens, kept, dropped)
        # Nothing more to drop: a short answer is better than none.
        if len(tokens) < self.n_ctx - 1:
            return Prompt(text, tokens, kept, dropped)
        raise self._too_long(count(len(tokens)), overflow)

    def _length(self, turn: Turn) -> int:
        """At least how many tokens a turn adds; counted once, so that a long history is not read over and over."""
        if len(turn.content) > self.n_ctx * CHARS_PER_PLACE:
            return len(turn.content) // CHARS_PER_PLACE
        return max(0, self._count(turn.content) - SEAMS)

    def _droppable(self, turns: Sequence[Turn]) -> list[int]:
        """Numbers of turns that may be dropped so that what is left begins with the user: 0, 2, 4 ..."""
        first = 1 if turns[0].role == "system" else 0
        return [0, *(n for n in range(1, len(turns) - first) if turns[first + n].role == "user")]

    def _refuse_huge(self, turns: Sequence[Turn], overflow: Overflow) -> None:
        total = sum(len(t.content) for t in turns)
        if total <= self.n_ctx * CHARS_PER_PLACE:
            return
        sample = max(turns, key=lambda t: len(t.content)).content[: self.n_ctx * CHARS_PER_PLACE]
        n = len(self.model.tokenize(sample))
        if n >= self.n_ctx:
            raise self._too_long(f"about {count(round(n * total / len(sample)))}", overflow)

    def _too_long(self, has: str, overflow: Overflow) -> ContextOverflowError:
        if overflow == "stop":
            what, hint = (
                "The conversation",
                "Start a new one, or let the oldest turns be dropped (in the settings).",
            )
        else:
            what, hint = "The message", "Shorten it, or load the model with a longer context."
        return ContextOverflowError(f"{what} has {has} tokens; the context window holds {count(self.n_ctx)}.", hint)
