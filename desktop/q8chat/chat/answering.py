"""Answers: asked for, followed while they are written, saved often enough that a crash costs at most a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from q8chat.chat.engine_link import EngineLink
from q8chat.chat.events import ChatEvent, MessageFinished, MessageText, UsageChanged
from q8chat.chat.store import Store
from q8chat.chat.turns import turns_of
from q8chat.chat.types import Message, Status
from q8chat.core.errors import DiskFullError, StoreError
from q8chat.runtime.messages import Delta, Died, Done, Event, Failed, Generate, Progress, Usage

SAVE_EVERY = 0.8  # seconds; the promise is one

_STATUS = {
    "stop": Status.COMPLETE,
    "length": Status.LENGTH,
    "context": Status.CONTEXT,
    "cancelled": Status.STOPPED,
}


class Answering:
    """At most one answer at a time. Used from the service's worker thread only."""

    def __init__(self, emit: Callable[[ChatEvent], None], engine: EngineLink, store: Callable[[], Store]) -> None:
        """`store` gives the open store or raises StoreError."""
        self._emit, self._engine, self._store = emit, engine, store
        self._message: Message | None = None  # as it was when it began
        self._parts: list[str] = []
        self._saved_at = 0.0
        self._unsaved: list[Message] = []

    @property
    def current(self) -> Message | None:
        """The answer in progress with all its text so far, which may be newer than what is stored."""
        return self._message and replace(self._message, content=self._text)

    @property
    def must_retry(self) -> bool:
        """Whether a finished answer could not be saved yet."""
        return bool(self._unsaved)

    @property
    def _text(self) -> str:
        self._parts = ["".join(self._parts)]
        return self._parts[0]

    def begin(self, question: Message) -> Message:
        """Add an empty answer to `question` and show that branch; `ask` sends it off. Raises StoreError."""
        self._message = self._store().add_message(
            question.conversation_id,
            question.id,
            "assistant",
            "",
            Status.STREAMING,
            model=self._engine.model_name,
        )
        self._parts, self._saved_at = [], time.monotonic()
        return self._message

    def ask(self, answer: Message) -> None:
        """Let the engine write `answer`; a model that crashed is loaded again. Raises StoreError."""
        if not self._engine.can_generate and not self._engine.reload():
            self.end(Status.FAILED, "No model is loaded. Choose one at the top, then regenerate this answer.")
            return
        try:
            store = self._store()
            conversation = store.conversation(answer.conversation_id)
            branch = [p.message for p in store.path(conversation.id)][:-1]
        except StoreError as e:
            self.end(Status.FAILED, str(e))
            raise
        turns = turns_of(conversation.system_prompt, branch)
        self._engine.generate(Generate(answer.id, turns, conversation.sampling, conversation.overflow))

    def stop(self, conversation_id: int | None = None) -> None:
        """Stop the answer in progress (only if it belongs to that conversation)."""
        message = self._message
        if message and conversation_id in (None, message.conversation_id):
            self._engine.stop(message.id)

    def follow(self, event: Event) -> None:
        """What the engine says about the answer in progress."""
        message = self._message
        if message is None:
            return
        match event:
            case Delta():
                self._append(message, event.text)
            case Progress():
                self._emit(UsageChanged(message.conversation_id, event.usage))
            case Done():
                self._emit(UsageChanged(message.conversation_id, event.usage))
                self.end(_STATUS[event.reason], usage=event.usage)
            case Failed():
                status = Status.INTERRUPTED if self._text else Status.FAILED
                self.end(status, f"{event.message} {event.hint}".strip())
            case Died():
                self.end(Status.INTERRUPTED, event.reason)

    def _append(self, message: Message, text: str) -> None:
        self._emit(MessageText(message.conversation_id, message.id, text))
        self._parts.append(text)
        now = time.monotonic()
        if now - self._saved_at >= SAVE_EVERY:
            self._saved_at = now  # also if it fails, which is then reported once a second, not once a token
            self._store().update_message(message.id, content=self._text, status=Status.STREAMING)

    def end(self, status: Status, error: str = "", usage: Usage | None = None) -> None:
        """The answer in progress, if any, is over: save it, tell it. Raises StoreError, DiskFullError."""
        if self._message is None:
            return
        done = replace(self._message, content=self._text, status=status, error=error, usage=usage)
        self._message = None
        self._unsaved.append(done)
        try:
            self.save()
        finally:
            self._emit(MessageFinished(done))

    def save(self) -> None:
        """Save finished answers; on a full disk they are kept for the next time."""
        while self._unsaved:
            done = self._unsaved[0]
            try:
                self._store().update_message(
                    done.id, content=done.content, status=done.status, error=done.error, usage=done.usage
                )
            except DiskFullError:
                raise
            except StoreError:
                del self._unsaved[0]
                raise
            del self._unsaved[0]
