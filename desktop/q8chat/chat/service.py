"""All of the chat behind one door: what the window and the command line ask for, and what they are told.

One worker thread owns the store and the engine. Callers only post to it, so nothing here ever blocks them.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from q8chat.chat.desk import Desk
from q8chat.chat.events import ChatEvent, Problem, SearchResults
from q8chat.chat.store import Store
from q8chat.core import paths
from q8chat.core.errors import DiskFullError, Q8Error
from q8chat.runtime.messages import Overflow
from q8chat.runtime.sampling import Sampling

RETRY_SAVING = 2.0  # seconds between attempts to save an answer when the disk is full
CLOSE_TIMEOUT = 2.0  # seconds


class ChatService:
    """All methods return at once; results reach `listener` on other threads, failures as Problem."""

    def __init__(self, listener: Callable[[ChatEvent], None], database: Path | None = None) -> None:
        self._emit = listener
        self._database = database or paths.database_path()
        self._tasks: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="chat service", daemon=True)
        self._desk = Desk(listener, self._tasks.put, self._database)
        self._wanted_search = ""
        self._searching = threading.Lock()

    def _work(self) -> None:
        """Body of the worker thread."""
        while True:
            try:
                task = self._tasks.get(timeout=RETRY_SAVING if self._desk.answering.must_retry else None)
            except queue.Empty:
                task = self._retry_saving
            if task is None:
                return
            try:
                task()
            except Q8Error as e:
                self._emit(Problem(e.code, e.message, e.hint))

    def _retry_saving(self) -> None:
        with suppress(DiskFullError):  # which was told when it happened
            self._desk.answering.save()

    def _post(self, task: Callable[..., None], *args: Any, **options: Any) -> None:
        self._tasks.put(lambda: task(*args, **options))

    # ---- life ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the store; emits EngineState, PresetsChanged and ConversationList, or a Problem."""
        self._thread.start()
        self._post(self._desk.open)

    def close(self) -> None:
        """Stop and save the answer, end the engine, close the store."""
        self._post(self._desk.close)
        self._tasks.put(None)
        if self._thread.is_alive():
            self._thread.join(CLOSE_TIMEOUT)

    def set_aside_database(self) -> None:
        """Rename a damaged history beside itself and start with an empty one."""
        self._post(self._desk.set_aside)

    def refresh(self) -> None:
        """Tell the list of conversations again: another window may have changed it."""
        self._post(self._desk.tell_list)

    # ---- model -----------------------------------------------------------------------------------------------

    def load_model(self, path: str, n_ctx: int = 0) -> None:
        """Load a model in a new engine process; an answer in progress is stopped and saved."""
        self._post(self._desk.load_model, path, n_ctx)

    def unload_model(self) -> None:
        """End the engine process."""
        self._post(self._desk.unload_model)

    def use_template(self, name: str) -> None:
        """Use a built-in chat template, "" for the model's own."""
        self._post(self._desk.engine.use_template, name)

    # ---- conversations ---------------------------------------------------------------------------------------

    def new_conversation(self) -> None:
        """An empty one, opened."""
        self._post(self._desk.new_conversation)

    def open_conversation(self, conversation_id: int) -> None:
        """Show it."""
        self._post(self._desk.show, conversation_id)

    def rename(self, conversation_id: int, title: str) -> None:
        """Give it another title; an empty one becomes the first message's beginning."""
        self._post(self._desk.rename, conversation_id, title)

    def delete(self, conversation_id: int) -> None:
        """Take it off the list; `restore` brings it back."""
        self._post(self._desk.delete, conversation_id)

    def restore(self, conversation_id: int) -> None:
        """Undo `delete`."""
        self._post(self._desk.restore, conversation_id)

    def configure(
        self, conversation_id: int, *, system_prompt: str, sampling: Sampling, preset: str, overflow: Overflow
    ) -> None:
        """Change how it is answered from now on."""
        self._post(
            self._desk.configure,
            conversation_id,
            system_prompt=system_prompt,
            sampling=sampling,
            preset=preset,
            overflow=overflow,
        )

    def save_preset(self, name: str, sampling: Sampling) -> None:
        """Add or replace one of the user's presets."""
        self._post(self._desk.save_preset, name, sampling)

    def delete_preset(self, name: str) -> None:
        """Remove one of the user's presets."""
        self._post(self._desk.delete_preset, name)

    def search(self, text: str) -> None:
        """Search all messages, beside everything else; only the latest search is answered."""
        self._wanted_search = text
        threading.Thread(target=self._search, args=(text,), name="search", daemon=True).start()

    def _search(self, text: str) -> None:
        """On a thread and a connection of its own, so that a long search delays no answer."""
        try:
            with self._searching:
                if text != self._wanted_search:
                    return
                with Store(self._database) as store:
                    hits = store.search(text)
        except Q8Error as e:
            self._emit(Problem(e.code, e.message, e.hint))
            return
        if text == self._wanted_search:
            self._emit(SearchResults(text, hits))

    # ---- messages --------------------------------------------------------------------------------------------

    def send(self, conversation_id: int | None, text: str) -> None:
        """Add the user's message to the shown branch and answer it; None starts a conversation."""
        self._post(self._desk.send, conversation_id, text)

    def edit(self, message_id: int, text: str) -> None:
        """A new version of a user's message beside the old one, answered."""
        self._post(self._desk.edit, message_id, text)

    def regenerate(self, message_id: int) -> None:
        """Another answer beside this one."""
        self._post(self._desk.regenerate, message_id)

    def switch_to(self, message_id: int) -> None:
        """Show the branch through this message."""
        self._post(self._desk.switch_to, message_id)

    def stop(self) -> None:
        """Stop the answer in progress."""
        self._post(self._desk.answering.stop)
