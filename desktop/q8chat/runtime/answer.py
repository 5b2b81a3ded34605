"""One answer: prefill, decode, and what happens when the window is full."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from q8chat.core.errors import ContextOverflowError
from q8chat.runtime.context import Aborted, Context
from q8chat.runtime.footprint import N_BATCH
from q8chat.runtime.governor import ThreadGovernor
from q8chat.runtime.kv_cache import KVCache
from q8chat.runtime.memory import resident_bytes
from q8chat.runtime.messages import Delta, Done, Event, FinishReason, Generate, Prefill, Progress, Usage
from q8chat.runtime.prompt import Prompt, PromptBuilder
from q8chat.runtime.sampler import Sampler
from q8chat.runtime.text import TextStream

PROGRESS_EVERY = 0.25  # seconds between two Progress events
# Seconds between two Delta events. Nobody reads faster, and every event wakes the reading process on a core that
# the next token wants.
SHOW_EVERY = 0.04
ANSWER_ROOM = 512  # tokens kept free for an answer of unknown length, at most a quarter of the window
SMALLEST_CHUNK = 128  # tokens; smaller micro-batches waste matrix work
CHUNK_SECONDS = 1.0  # longest time between two signs of life while a long prompt is read


@dataclass(frozen=True, slots=True)
class Means:
    """What an answer is made with; it stays from answer to answer."""

    prompts: PromptBuilder
    cache: KVCache
    governor: ThreadGovernor
    stop_strings: tuple[str, ...]


class Answer:
    """Generates one answer; `run` blocks until it is done or aborted."""

    def __init__(self, request: Generate, means: Means, emit: Callable[[Event], None]) -> None:
        self.request, self.emit = request, emit
        self.prompts, self.cache, self.governor = means.prompts, means.cache, means.governor
        self.context: Context = means.cache.context
        self.model = self.context.model
        self.stream = TextStream(means.stop_strings)
        self.started = time.perf_counter()
        self.first_token_at = 0.0
        self.prefilled = 0  # tokens evaluated, not reused
        self.prefill_seconds = 0.0
        self.generated: list[int] = []
        self.unshown: list[str] = []
        self.shown_at = 0.0

    def run(self) -> None:
        """Emit Prefill, Delta and Progress events and finally Done. Raises errors of `core.errors`."""
        sampling = self.request.sampling.validated()
        n_ctx = self.context.n_ctx
        room = min(sampling.max_tokens or ANSWER_ROOM, ANSWER_ROOM, n_ctx // 4)
        self.prompt = self.prompts.fit(self.request.turns, self.request.overflow, room)
        self.prompt_tokens = len(self.prompt.tokens)
        self.dropped = self.prompt.dropped
        self.sampler = Sampler(sampling, self.model.n_vocab)
        try:
            self.sampler.accept(self.prompt.tokens)
            self.reused = self.cache.prepare(self.prompt.tokens)
            self.governor.begin()
            self._prefill(self.prompt.tokens)
            reason = self._decode(sampling.max_tokens)
        except Aborted:
            reason = "cancelled"
        finally:
            self.sampler.close()
        self.unshown.append(self.stream.finish())
        self._show(time.perf_counter())
        self._remember()
        self.emit(Done(self.request.id, reason, self.usage()))

    def _prefill(self, wanted: list[int]) -> None:
        """Evaluate what the cache lacks of `wanted`, in chunks that leave signs of life."""
        done, chunk = len(self.context.tokens), N_BATCH
        self.emit(Prefill(self.request.id, done, len(wanted), self.reused))
        while done < len(wanted):
            self.context.set_threads(self.governor.threads())
            start = time.perf_counter()
            self.context.evaluate(wanted[done : done + chunk])
            seconds = time.perf_counter() - start
            n, done = len(self.context.tokens) - done, len(self.context.tokens)
            self.prefilled += n
            self.prefill_seconds += seconds
            chunk = min(N_BATCH, max(SMALLEST_CHUNK, int(n / seconds * CHUNK_SECONDS) // 32 * 32))
            self.emit(Prefill(self.request.id, done, len(wanted), self.reused))

    def _decode(self, max_tokens: int) -> FinishReason:
        context, model, sampler = self.context, self.model, self.sampler
        if self.prompt.text.rstrip().endswith("<think>"):
            self.unshown.append("<think>\n")  # the template opened the block; the text alone would not tell
        self.decode_started = told_at = time.perf_counter()
        while True:
            token = sampler.sample(context)
            if model.is_eog(token):
                return "stop"
            self.generated.append(token)
            self.unshown.append(self.stream.feed(model.piece(token)))
            if self.stream.stopped:
                return "stop"
            now = time.perf_counter()
            self.first_token_at = self.first_token_at or now
            if now - self.shown_at > SHOW_EVERY:
                self._show(now)
            if now - told_at > PROGRESS_EVERY:
                self.emit(Progress(self.request.id, self.usage()))
                told_at = now
            if len(self.generated) == max_tokens:
                return "length"
            if len(context.tokens) >= context.n_ctx and not self._make_room():
                return "context"
            context.set_threads(self.governor.threads())
            context.evaluate([token])

    def _make_room(self) -> bool:
        """The window is full in the middle of an answer: drop the oldest turns. False if there are none to drop."""
        if self.request.overflow == "stop":
            return False
        # All but the last generated token, which is evaluated next, must fit, with room to go on.
        written = self.generated[:-1]
        room = len(written) + self.context.n_ctx // 8
        try:
            shorter = self.prompts.fit(self.prompt.turns, "drop_oldest", room)
        except ContextOverflowError:
            return False
        if len(shorter.tokens) + len(written) + 1 >= self.context.n_ctx or not shorter.dropped:
            return False
        self.dropped += shorter.dropped
        self.prompt = Prompt(shorter.text, shorter.tokens, shorter.turns, self.dropped)
        wanted = shorter.tokens + written
        self.cache.prepare([*wanted, 0])  # one more: the token that follows
        self._prefill(wanted)
        return True

    def _show(self, now: float) -> None:
        text = "".join(self.unshown)
        if text:
            self.emit(Delta(self.request.id, text))
            self.unshown.clear()
            self.shown_at = now

    def _remember(self) -> None:
        """Let the next prompt find this answer in the cache, token by token."""
        n = len(self.prompt.tokens)
        evaluated = self.context.tokens[n:]
        if evaluated == self.generated[: len(evaluated)]:
            whole = self.prompt.tokens + self.generated
            text = self.prompt.text + b"".join(map(self.model.piece, self.generated)).decode("utf-8", "replace")
            self.prompts.remember(text, whole)

    def usage(self) -> Usage:
        """The figures so far."""
        now = time.perf_counter()
        steps = len(self.generated) - 1  # the first token comes out of the prefill
        return Usage(
            prompt_tokens=self.prompt_tokens,
            reused_tokens=self.reused,
            completion_tokens=len(self.generated),
            time_to_first_token=max(0.0, self.first_token_at - self.started),
            prefill_rate=self.prefilled / self.prefill_seconds if self.prefill_seconds else 0.0,
            decode_rate=steps / (now - self.decode_started) if steps > 0 else 0.0,
            context_used=len(self.context.tokens),
            context_size=self.context.n_ctx,
            dropped_turns=self.dropped,
            memory=resident_bytes(),
            threads=self.context.threads,
            seed=self.sampler.seed,
        )
