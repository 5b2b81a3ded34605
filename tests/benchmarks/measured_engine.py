"""Our engine, measured where its user sits: at the reading end of its output pipe."""

from __future__ import annotations

import queue
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from q8chat.runtime.client import EngineClient
from q8chat.runtime.messages import Delta, Died, Done, Event, Failed, Generate, Load, Loaded, Prefill, Stop, Turn
from q8chat.runtime.sampling import Sampling

GREEDY = Sampling(temperature=0, max_tokens=128)


@dataclass(frozen=True)
class Timed:
    """Times in seconds since the request was sent."""

    text: str
    done: Done
    arrivals: list[float]  # one per Delta
    prefills: list[tuple[float, Prefill]]
    finished: float

    @property
    def first_token(self) -> float:
        """Seconds until the first token, which may be the one that ends the answer."""
        return self.arrivals[0] if self.arrivals else self.finished

    @property
    def decode_rate(self) -> float:
        """Tokens per second between the first and the last piece of text."""
        return (self.done.usage.completion_tokens - 1) / (self.arrivals[-1] - self.arrivals[0])

    @property
    def prefill_rate(self) -> float:
        """Tokens per second between the first and the last sign of the prefill."""
        (begin, first), (end, last) = self.prefills[0], self.prefills[-1]
        return (last.done - first.done) / (end - begin)


class MeasuredEngine:
    """An engine process with a model; a context manager."""

    def __init__(self, model: Path, *, threads: int = 0, n_ctx: int = 0) -> None:
        self._events: queue.Queue[tuple[float, Event]] = queue.Queue()
        self._client = EngineClient(lambda e: self._events.put((time.perf_counter(), e)))
        self._id = 0
        self._client.send(Load(str(model), n_ctx, threads))
        while not isinstance(self._next()[1], Loaded):
            pass

    def __enter__(self) -> MeasuredEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def _next(self) -> tuple[float, Event]:
        at, event = self._events.get(timeout=300)
        assert not isinstance(event, Failed | Died), event
        return at, event

    def ask(self, turns: Sequence[Turn], sampling: Sampling = GREEDY) -> Timed:
        """One answer."""
        self._id += 1
        start = time.perf_counter()
        self._client.send(Generate(self._id, tuple(turns), sampling))
        texts, arrivals, prefills = [], [], []
        while True:
            at, event = self._next()
            if isinstance(event, Delta):
                texts.append(event.text)
                arrivals.append(at - start)
            elif isinstance(event, Prefill):
                prefills.append((at - start, event))
            elif isinstance(event, Done):
                return Timed("".join(texts), event, arrivals, prefills, at - start)

    def seconds_to_stop(self, turns: Sequence[Turn], *, after_prefill: bool) -> float:
        """From asking to stop until the answer is over, in the middle of decoding or of reading the prompt."""
        self._id += 1
        self._client.send(Generate(self._id, tuple(turns), Sampling(temperature=0, repeat_penalty=1.2)))
        wanted = Delta if after_prefill else Prefill
        while not isinstance(self._next()[1], wanted):
            pass
        time.sleep(0.25)
        start = time.perf_counter()
        self._client.send(Stop(self._id))
        while True:
            at, event = self._next()
            if isinstance(event, Done):
                assert event.reason == "cancelled", event
                return at - start
