"""The chat history: conversations, each a tree of messages, in one SQLite file that several processes may share."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from q8chat.chat import conversations, presets, search, tree
from q8chat.chat.database import connect, translated
from q8chat.chat.migrations import transaction
from q8chat.chat.types import Conversation, Message, PathMessage, Preset, SearchHit, Status
from q8chat.runtime.messages import Overflow, Usage
from q8chat.runtime.sampling import Sampling


class Store:
    """An open chat history; belongs to the thread that made it. Changes are in the file when a method returns.

    Every method may raise StoreError or DiskFullError, and NotFoundError for an id that does not exist or belongs
    to a deleted conversation; nothing is changed then. Text comes back exactly as it was given, with NUL characters
    and lone surrogates.
    """

    def __init__(self, path: Path) -> None:
        """Raises StoreTooNewError for a newer version's file, StoreError for one that can't be used."""
        self._path = path
        self._db = connect(path)

    def close(self) -> None:
        """Let go of the file."""
        with translated(self._path):
            self._db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with translated(self._path), transaction(self._db, "DEFERRED"):
            yield self._db

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with translated(self._path), transaction(self._db, "IMMEDIATE"):
            yield self._db

    # ---- conversations ---------------------------------------------------------------------------------------

    def conversations(self) -> tuple[Conversation, ...]:
        """All that are not deleted, the last used first."""
        with self._reading() as db:
            return conversations.everything(db)

    def conversation(self, id_: int) -> Conversation:
        """One conversation."""
        with self._reading() as db:
            return conversations.get(db, id_)

    def create_conversation(
        self,
        title: str,
        system_prompt: str = "",
        sampling: Sampling = Sampling(),  # noqa: B008, it is immutable
        preset: str = "",
        overflow: Overflow = "drop_oldest",
    ) -> Conversation:
        """A new conversation without messages."""
        with self._writing() as db:
            return conversations.create(
                db,
                title=title,
                system_prompt=system_prompt,
                sampling=sampling,
                preset=preset,
                overflow=overflow,
            )

    def rename(self, id_: int, title: str) -> Conversation:
        """Give it another title; its place in the list stays."""
        with self._writing() as db:
            return conversations.rename(db, id_, title)

    def configure(
        self, id_: int, *, system_prompt: str, sampling: Sampling, preset: str, overflow: Overflow
    ) -> Conversation:
        """Change how it is answered from now on; its place in the list stays."""
        with self._writing() as db:
            return conversations.configure(
                db, id_, system_prompt=system_prompt, sampling=sampling, preset=preset, overflow=overflow
            )

    def delete(self, id_: int) -> Conversation:
        """Hide it from everything but `restore` and `purge_deleted`."""
        with self._writing() as db:
            return conversations.hide(db, id_)

    def restore(self, id_: int) -> Conversation:
        """Bring a deleted conversation back as it was."""
        with self._writing() as db:
            return conversations.unhide(db, id_)

    def purge_deleted(self, older_than_seconds: float) -> int:
        """Remove for good what was deleted at least that long ago; return how many conversations that were."""
        with self._writing() as db:
            return conversations.purge(db, older_than_seconds)

    # ---- messages --------------------------------------------------------------------------------------------

    def path(self, conversation_id: int) -> tuple[PathMessage, ...]:
        """The shown branch, first message first."""
        with self._reading() as db:
            return tree.path(db, conversation_id)

    def message(self, id_: int) -> Message:
        """One message."""
        with self._reading() as db:
            return tree.get(db, id_)

    def add_message(
        self,
        conversation_id: int,
        parent_id: int | None,
        role: str,
        content: str,
        status: Status = Status.COMPLETE,
        *,
        model: str = "",
    ) -> Message:
        """A new child of `parent_id` (None: a first message). The branch that ends with it is shown from now on and
        its conversation moves to the top of the list."""
        with self._writing() as db:
            return tree.add(db, conversation_id, parent_id, role=role, content=content, status=status, model=model)

    def update_message(
        self, id_: int, *, content: str, status: Status, error: str = "", usage: Usage | None = None
    ) -> Message:
        """Save how far an answer has come. Works in a deleted conversation too, which may be restored."""
        with self._writing() as db:
            return tree.update(db, id_, content=content, status=status, error=error, usage=usage)

    def set_head(self, conversation_id: int, message_id: int | None) -> Conversation:
        """Show the branch that ends with this message; None shows an empty conversation."""
        with self._writing() as db:
            return tree.set_head(db, conversation_id, message_id)

    def switch_to(self, message_id: int) -> Conversation:
        """Show the branch through this message, down to the most recently created leaf beneath it."""
        with self._writing() as db:
            return tree.switch_to(db, message_id)

    def mark_interrupted(self, reason: str) -> int:
        """Mark answers that a dead process was writing as interrupted, with `reason`; return how many there were.

        Answers that another live process is writing are left alone.
        """
        with self._writing() as db:
            return tree.mark_interrupted(db, reason)

    def search(self, text: str, limit: int = 50) -> tuple[SearchHit, ...]:
        """Messages with every word of `text`, best first; see `q8chat.chat.search`."""
        with self._reading() as db:
            return search.find(db, text, limit)

    # ---- presets ---------------------------------------------------------------------------------------------

    def presets(self) -> tuple[Preset, ...]:
        """Built-in ones first, then the user's by name."""
        with self._reading() as db:
            return presets.presets(db)

    def save_preset(self, name: str, sampling: Sampling) -> Preset:
        """Add or replace one of the user's; UsageError for an empty or built-in name or settings out of range."""
        with self._writing() as db:
            return presets.save(db, name, sampling)

    def delete_preset(self, name: str) -> None:
        """Remove one of the user's; UsageError for a built-in one."""
        with self._writing() as db:
            presets.delete(db, name)
