"""What the chat service does on its worker thread, one method per thing the user can ask for."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from q8chat.chat.answering import Answering
from q8chat.chat.engine_link import EngineLink
from q8chat.chat.events import (
    ChatEvent,
    ConversationChanged,
    ConversationDeleted,
    ConversationList,
    ConversationOpened,
    PresetsChanged,
    Unsent,
)
from q8chat.chat.presets import DEFAULT
from q8chat.chat.store import Store
from q8chat.chat.titles import UNTITLED, title_from
from q8chat.chat.types import Conversation, Message, Status
from q8chat.core.errors import EngineError, Q8Error, StoreError
from q8chat.runtime.messages import Event, Overflow
from q8chat.runtime.sampling import Sampling

DELETED_FOR_GOOD_AFTER = 30 * 24 * 3600.0  # seconds


def _free_name(database: Path) -> Path:
    stem = f"{database.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}"
    names = (stem if n == 1 else f"{stem}-{n}" for n in itertools.count(1))
    return next(path for name in names if not (path := database.with_name(name)).exists())


class Desk:
    """Owns the store and the engine; every method may raise errors of `core.errors`."""

    def __init__(
        self,
        emit: Callable[[ChatEvent], None],
        post: Callable[[Callable[[], None]], None],
        database: Path,
    ) -> None:
        self._emit, self._database = emit, database
        self.engine = EngineLink(emit, post, self._on_engine)
        self.answering = Answering(emit, self.engine, self._opened)
        self._store: Store | None = None

    def _opened(self) -> Store:
        if self._store is None:
            self.open()  # it failed before; by now there may be room, or permission
        assert self._store
        return self._store

    def _on_engine(self, event: Event) -> None:
        self.answering.follow(event)

    def open(self) -> None:
        """Open the store and tell what is in it."""
        self._emit(self.engine.state)
        self._store = store = Store(self._database)
        self.tell_presets()
        self.tell_list()  # before anything is written, for which a full disk has no room
        store.mark_interrupted("Q8 Chat ended while this was being written.")
        store.purge_deleted(DELETED_FOR_GOOD_AFTER)

    def close(self) -> None:
        """Save what is being written, end the engine, close the store."""
        try:
            self.answering.end(Status.STOPPED)
            self.answering.save()
        finally:
            self.engine.close()
            if self._store:
                self._store.close()

    def set_aside(self) -> None:
        """Rename the history (and its log) beside itself, start with an empty one."""
        self.answering.end(Status.INTERRUPTED)
        if self._store:
            store, self._store = self._store, None
            store.close()
        damaged = _free_name(self._database)
        try:
            for suffix in ("", "-wal", "-shm"):
                file = self._database.with_name(self._database.name + suffix)
                if file.exists():
                    file.rename(damaged.with_name(damaged.name + suffix))
        except OSError as e:
            raise StoreError(
                f"The chat history {self._database} can't be moved: {e.strerror}.",
                "Check the permissions of its folder.",
            ) from e
        self.open()

    def load_model(self, path: str, n_ctx: int) -> None:
        """An answer in progress is stopped and saved first."""
        self.answering.end(Status.STOPPED)
        self.engine.load(path, n_ctx)

    def unload_model(self) -> None:
        """An answer in progress is stopped and saved first."""
        self.answering.end(Status.STOPPED)
        self.engine.unload()

    # ---- conversations ---------------------------------------------------------------------------------------

    def tell_list(self) -> None:
        """All conversations."""
        self._emit(ConversationList(self._opened().conversations()))

    def tell_presets(self) -> None:
        """All presets."""
        self._emit(PresetsChanged(self._opened().presets()))

    def show(self, conversation_id: int) -> None:
        """Tell a conversation with its shown branch; of an answer in progress the newest text."""
        store, live = self._opened(), self.answering.current
        path = store.path(conversation_id)
        if live:
            path = tuple(replace(p, message=live) if p.message.id == live.id else p for p in path)
        self._emit(ConversationOpened(store.conversation(conversation_id), path))

    def new_conversation(self) -> None:
        """An empty one, opened."""
        self.show(self._opened().create_conversation(UNTITLED, preset=DEFAULT.name).id)
        self.tell_list()

    def rename(self, conversation_id: int, title: str) -> None:
        """An empty title becomes the beginning of the first message."""
        store = self._opened()
        if not title.strip():
            path = store.path(conversation_id)
            title = path[0].message.content if path else ""
        self._emit(ConversationChanged(store.rename(conversation_id, title_from(title))))
        self.tell_list()

    def delete(self, conversation_id: int) -> None:
        """Hide it; an answer being written in it is stopped."""
        self.answering.stop(conversation_id)
        self._emit(ConversationDeleted(self._opened().delete(conversation_id)))
        self.tell_list()

    def restore(self, conversation_id: int) -> None:
        """Bring it back and show it."""
        self._opened().restore(conversation_id)
        self.show(conversation_id)
        self.tell_list()

    def configure(
        self, conversation_id: int, *, system_prompt: str, sampling: Sampling, preset: str, overflow: Overflow
    ) -> None:
        """How it is answered from now on."""
        conversation = self._opened().configure(
            conversation_id,
            system_prompt=system_prompt,
            sampling=sampling.validated(),
            preset=preset,
            overflow=overflow,
        )
        self._emit(ConversationChanged(conversation))

    def save_preset(self, name: str, sampling: Sampling) -> None:
        """Add or replace one of the user's."""
        self._opened().save_preset(name, sampling)
        self.tell_presets()

    def delete_preset(self, name: str) -> None:
        """Remove one of the user's."""
        self._opened().delete_preset(name)
        self.tell_presets()

    # ---- messages --------------------------------------------------------------------------------------------

    def switch_to(self, message_id: int) -> None:
        """Show the branch through this message."""
        self.show(self._opened().switch_to(message_id).id)

    def send(self, conversation_id: int | None, text: str) -> None:
        """Add to the shown branch and answer. What can't be stored goes back as Unsent."""
        try:
            self._require_idle()
            conversation = self._conversation_for(conversation_id, text)
            question = self._opened().add_message(conversation.id, conversation.head_id, "user", text)
        except Q8Error:
            self._emit(Unsent(conversation_id, text))
            raise
        self._answer(question)

    def edit(self, message_id: int, text: str) -> None:
        """A sibling of a user's message, answered. What can't be stored goes back as Unsent."""
        conversation_id = None
        try:
            old = self._opened().message(message_id)
            conversation_id = old.conversation_id
            self._require_idle()
            question = self._opened().add_message(conversation_id, old.parent_id, "user", text)
        except Q8Error:
            self._emit(Unsent(conversation_id, text))
            raise
        self._answer(question)

    def regenerate(self, message_id: int) -> None:
        """A sibling of an answer."""
        self._require_idle()
        message = self._opened().message(message_id)
        if message.role == "assistant" and message.parent_id is not None:
            message = self._opened().message(message.parent_id)
        self._answer(message)

    def _require_idle(self) -> None:
        if self.answering.current:
            raise EngineError("An answer is still being written.", "Wait for it or stop it first.")

    def _conversation_for(self, conversation_id: int | None, text: str) -> Conversation:
        store = self._opened()
        if conversation_id is None:
            return store.create_conversation(title_from(text), preset=DEFAULT.name)
        conversation = store.conversation(conversation_id)
        if conversation.head_id is None and conversation.title == UNTITLED:
            return store.rename(conversation_id, title_from(text))
        return conversation

    def _answer(self, question: Message) -> None:
        try:
            answer = self.answering.begin(question)
        except Q8Error:
            self.show(question.conversation_id)  # the question is stored, only its answer is not
            raise
        self.show(answer.conversation_id)
        self.tell_list()
        self.answering.ask(answer)
