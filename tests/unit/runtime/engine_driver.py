"""Drives the real engine process from a test: send, then wait for what comes."""

from __future__ import annotations

import queue
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from q8chat.runtime.client import EngineClient
from q8chat.runtime.messages import (
    Delta,
    Died,
    Done,
    Event,
    Failed,
    Generate,
    Load,
    Loaded,
    Overflow,
    Prefill,
    Turn,
)
from q8chat.runtime.sampling import Sampling

E = TypeVar("E")
GREEDY = Sampling(temperature=0, seed=1, max_tokens=24)
TIMEOUT = 60.0


@dataclass
class Reply:
    """An answer and everything that was said about it."""

    text: str
    done: Done
    prefills: list[Prefill] = field(default_factory=list)


class Driver:
    """One engine process."""

    def __init__(self) -> None:
        self.events: queue.Queue[Event] = queue.Queue()
        self.client = EngineClient(self.events.put)
        self.answers = 0

    def load(self, model: Path, **options: Any) -> Loaded:
        self.client.send(Load(str(model), **options))
        return self.wait(Loaded)

    def wait(self, kind: type[E]) -> E:
        """The next event of this kind; a failure or death that is not asked for ends the test."""
        while True:
            event = self.events.get(timeout=TIMEOUT)
            if isinstance(event, kind):
                return event
            assert not isinstance(event, Failed | Died), event

    def request(self, turns: list[Turn], sampling: Sampling = GREEDY, overflow: Overflow = "drop_oldest") -> int:
        self.answers += 1
        self.client.send(Generate(self.answers, tuple(turns), sampling, overflow))
        return self.answers

    def ask(self, turns: list[Turn], sampling: Sampling = GREEDY, overflow: Overflow = "drop_oldest") -> Reply:
        self.request(turns, sampling, overflow)
        parts: list[str] = []
        prefills: list[Prefill] = []
        while True:
            event = self.events.get(timeout=TIMEOUT)
            assert not isinstance(event, Failed | Died), event
            if isinstance(event, Delta):
                parts.append(event.text)
            elif isinstance(event, Prefill):
                prefills.append(event)
            elif isinstance(event, Done):
                return Reply("".join(parts), event, prefills)

    def talk(self, turns: list[Turn], text: str, sampling: Sampling = GREEDY) -> tuple[Reply, list[Turn]]:
        """Answer `text` after `turns`; also the turns with question and answer."""
        turns = [*turns, Turn("user", text)]
        reply = self.ask(turns, sampling)
        return reply, [*turns, Turn("assistant", reply.text)]
