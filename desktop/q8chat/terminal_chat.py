"""Chatting in a terminal: one answer, or turn after turn."""

from __future__ import annotations

import argparse
import json
import queue
import signal
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from q8chat.core.errors import EngineError, Q8Error, TemplateError, from_code
from q8chat.runtime.client import EngineClient
from q8chat.runtime.fallback_templates import FALLBACKS
from q8chat.runtime.messages import Delta, Died, Done, Event, Failed, Generate, Load, Loaded, Stop, Turn
from q8chat.runtime.sampling import Sampling


@dataclass(frozen=True, slots=True)
class _Reply:
    text: str
    done: Done


class _Session:
    """One engine, one growing conversation."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        settings = vars(options)
        self._sampling = Sampling.from_dict({k: settings[k] for k in Sampling().to_dict()}).validated()
        self._turns = [Turn("system", options.system)] if options.system else []
        self._events: queue.Queue[Event] = queue.Queue()
        self._answers = 0
        self._client = EngineClient(self._events.put)

    def load(self) -> Loaded:
        options = self._options
        kept = {"kv_type": options.kv_type, "mmap": not options.no_mmap}
        self._client.send(Load(options.model, options.ctx, options.threads, options.template, **kept))
        while True:
            if isinstance(event := self._next(), Loaded):
                return event

    def ask(self, text: str, *, show: bool) -> _Reply:
        """Answer `text`; with `show` print it as it comes. Ctrl+C stops the answer, not the program."""
        self._answers += 1
        turns = [*self._turns, Turn("user", text)]
        request = Generate(self._answers, tuple(turns), self._sampling, self._options.overflow)
        self._client.send(request)
        parts: list[str] = []
        previous = signal.signal(signal.SIGINT, lambda *_: self._client.send(Stop(request.id)))
        try:
            while True:
                event = self._next()
                if isinstance(event, Delta):
                    parts.append(event.text)
                    if show:
                        print(event.text, end="", flush=True)
                elif isinstance(event, Done):
                    break
        finally:
            signal.signal(signal.SIGINT, previous)
        reply = _Reply("".join(parts), event)
        self._turns = [*turns, Turn("assistant", reply.text)]
        return reply

    def close(self) -> None:
        self._client.close()

    def _next(self) -> Event:
        event = self._events.get()
        if isinstance(event, Failed):
            if event.code == TemplateError.code:
                raise TemplateError(event.message, f"Choose a built-in one: --template {' | '.join(FALLBACKS)}.")
            raise from_code(event.code, event.message, event.hint)
        if isinstance(event, Died):
            raise EngineError(event.reason, "Try again, or try another model.")
        return event


def run(options: argparse.Namespace) -> int:
    """The `chat` command; returns the exit code. Raises errors of `core.errors`."""
    for stream in (sys.stdout, sys.stdin):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    session = _Session(options)
    try:
        loaded = session.load()
        if options.prompt is None:
            _converse(session, loaded)
        else:
            prompt = sys.stdin.read() if options.prompt == "-" else options.prompt
            reply = session.ask(prompt, show=not options.json)
            print(json.dumps(_as_dict(loaded, prompt, reply)) if options.json else "")
    finally:
        session.close()
    return 0


def _converse(session: _Session, loaded: Loaded) -> None:
    interactive = sys.stdin.isatty()
    if interactive:
        with suppress(ImportError):
            import readline  # noqa: F401  line editing and history for input()
        print(f"{loaded.name}, {loaded.n_ctx:,} tokens of context. Ctrl+C stops an answer, Ctrl+D ends.")
    while True:
        try:
            text = input("> " if interactive else "")
        except EOFError:
            if interactive:
                print()
            return
        if text.strip():
            try:
                reply = session.ask(text, show=True)
            except Q8Error as e:
                if not interactive or isinstance(e, EngineError | TemplateError):
                    raise
                print(f"q8chat: {e}", file=sys.stderr)  # the conversation goes on without that message
                continue
            print()
            if interactive:
                u = reply.done.usage
                print(
                    f"[{u.decode_rate:.1f} tokens/s, first token after {u.time_to_first_token:.2f} s,"
                    f" context {u.context_used:,}/{u.context_size:,}, {u.reused_tokens:,} reused]"
                )


def _as_dict(loaded: Loaded, prompt: str, reply: _Reply) -> dict[str, Any]:
    return {
        "model": loaded.path,
        "prompt": prompt,
        "text": reply.text,
        "finish_reason": reply.done.reason,
        "usage": asdict(reply.done.usage),
    }
