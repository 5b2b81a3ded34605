"""Drives the real chat service, engine and history from a test: ask, then wait for what is told."""

from __future__ import annotations

import os
import queue
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil

from q8chat.chat.events import (
    ChatEvent,
    ConversationOpened,
    EngineState,
    EngineStatus,
    MessageFinished,
    MessageText,
    Problem,
)
from q8chat.chat.service import ChatService
from q8chat.chat.store import Store
from q8chat.chat.types import Message
from q8chat.runtime.sampling import Sampling

E = TypeVar("E")
GREEDY = Sampling(temperature=0, seed=1, max_tokens=24)
LONG = Sampling(temperature=0, seed=1, repeat_penalty=1.2)
STORY = "Write a very long story about a whale and a lighthouse, with many chapters."
TIMEOUT = 60.0


@dataclass
class ServiceDriver:
    """A service on `database` and everything it told so far."""

    database: Path
    events: queue.Queue[ChatEvent] = field(default_factory=queue.Queue)
    seen: list[ChatEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._others = set(_engines())
        self.service = ChatService(self.events.put, self.database)
        self.service.start()

    def wait(self, kind: type[E], when: Callable[[E], bool] = lambda _: True, timeout: float = TIMEOUT) -> E:
        """The next event of this kind for which `when` holds."""
        deadline = time.monotonic() + timeout
        while True:
            event = self.events.get(timeout=max(0.01, deadline - time.monotonic()))
            self.seen.append(event)
            if isinstance(event, kind) and when(event):
                return event

    def status(self, wanted: EngineStatus) -> EngineState:
        return self.wait(EngineState, lambda s: s.status is wanted)

    def load(self, model: Path, n_ctx: int = 0) -> EngineState:
        self.service.load_model(str(model), n_ctx)
        return self.wait(EngineState, lambda s: s.status in (EngineStatus.READY, EngineStatus.DEAD))

    def conversation(self, sampling: Sampling = GREEDY, **settings: Any) -> int:
        """A new conversation with these settings."""
        self.service.new_conversation()
        id_ = self.wait(ConversationOpened).conversation.id
        options = {"system_prompt": "", "preset": "", "overflow": "drop_oldest", **settings}
        self.service.configure(id_, sampling=sampling, **options)
        return id_

    def finished(self) -> Message:
        return self.wait(MessageFinished).message

    def say(self, conversation_id: int | None, text: str) -> Message:
        """Send, wait for the whole answer."""
        self.service.send(conversation_id, text)
        return self.finished()

    def streaming(self, conversation_id: int | None, text: str = STORY, pieces: int = 5) -> str:
        """Send, wait until some of the answer is there; what was shown of it."""
        self.service.send(conversation_id, text)
        return "".join(self.wait(MessageText).text for _ in range(pieces))

    def problem(self, code: str) -> Problem:
        return self.wait(Problem, lambda p: p.code == code)

    def stored(self, message_id: int) -> Message:
        with Store(self.database) as store:
            return store.message(message_id)

    def texts(self, conversation_id: int) -> list[str]:
        """The shown branch as it is stored."""
        with Store(self.database) as store:
            return [p.message.content for p in store.path(conversation_id)]

    def kill_engine(self) -> None:
        (pid,) = self.engines()
        os.kill(pid, signal.SIGKILL)

    def engines(self) -> list[int]:
        """Process ids of the engines that were started since this service was."""
        return [pid for pid in _engines() if pid not in self._others]


def _engines() -> list[int]:
    return [
        p.pid
        for p in psutil.Process().children()
        if p.status() != psutil.STATUS_ZOMBIE and p.cmdline()[-1:] == ["engine"]
    ]
