"""The service's connection to the engine process: which model, in which state, and every change told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from q8chat.chat.events import ChatEvent, EngineState, EngineStatus
from q8chat.core.errors import Q8Error
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
    Loading,
    Prefill,
    Stop,
    UseTemplate,
)


class EngineLink:
    """Used from the service's worker thread only; `post` brings the engine's events there."""

    def __init__(
        self,
        emit: Callable[[ChatEvent], None],
        post: Callable[[Callable[[], None]], None],
        on_event: Callable[[Event], None],
    ) -> None:
        """`on_event` gets what concerns an answer: Delta, Progress, Done, Failed (id None: loading did), Died."""
        self._emit = emit
        self._post = post
        self._on_event = on_event
        self._client: EngineClient | None = None
        self._request = Load("")
        self.state = EngineState(EngineStatus.NONE)

    @property
    def can_generate(self) -> bool:
        """Whether a request would be answered, now or when loading is done."""
        return self._client is not None

    @property
    def model_name(self) -> str:
        """Name of the model in use."""
        return self.state.loaded.name if self.state.loaded else ""

    def load(self, path: str, n_ctx: int = 0) -> None:
        """Start a new process that loads `path`; the old one ends."""
        self.close()
        template = self.state.template if path == self.state.path else ""
        self._request = Load(path, n_ctx, template=template)
        self._start()

    def reload(self) -> bool:
        """Load the last model again. False if there was none."""
        if not self._request.path:
            return False
        self.close()
        self._start()
        return True

    def unload(self) -> None:
        """End the process and forget the model."""
        self.close()
        self._request = Load("")
        self._tell(EngineState(EngineStatus.NONE))

    def close(self) -> None:
        """End the process, if there is one; nothing more comes from it."""
        client, self._client = self._client, None
        if client:
            client.close()

    def generate(self, request: Generate) -> None:
        """Ask for an answer."""
        if self._client:
            self._client.send(request)

    def stop(self, answer: int) -> None:
        """Stop that answer."""
        if self._client:
            self._client.send(Stop(answer))

    def use_template(self, name: str) -> None:
        """Use a built-in template from now on ("" = the model's own)."""
        self._request = replace(self._request, template=name)
        if self._client:
            self._client.send(UseTemplate(name))
        self._tell(replace(self.state, template=name))

    def _start(self) -> None:
        request = self._request
        self._tell(EngineState(EngineStatus.LOADING, request.path, template=request.template))
        try:
            client = EngineClient(lambda event: self._post(lambda: self._receive(client, event)))
        except Q8Error as e:
            self._dead(e.message, e.hint)
            self._on_event(Died(e.message, expected=False))
            return
        self._client = client
        client.send(request)

    def _receive(self, client: EngineClient, event: Event) -> None:
        if client is not self._client:
            return  # a process that was replaced
        if isinstance(event, Loading):
            self._tell(replace(self.state, fraction=event.fraction))
        elif isinstance(event, Loaded):
            self._tell(replace(self.state, status=EngineStatus.READY, loaded=event, fraction=1.0))
        elif isinstance(event, Prefill):
            self._tell(replace(self.state, status=EngineStatus.READING, prefill=event))
        elif isinstance(event, Failed) and event.id is None:
            self.close()
            self._dead(event.message, event.hint)
            self._on_event(event)
        else:
            self._answer_event(event)

    def _answer_event(self, event: Event) -> None:
        if isinstance(event, Delta) and self.state.status is not EngineStatus.WRITING:
            self._tell(replace(self.state, status=EngineStatus.WRITING, prefill=None))
        elif isinstance(event, Done | Failed):
            self._tell(replace(self.state, status=EngineStatus.READY, prefill=None))
        elif isinstance(event, Died):
            self._client = None
            self._dead(event.reason, "Load the model again; if it happens again, choose another model.")
        self._on_event(event)

    def _dead(self, problem: str, hint: str) -> None:
        self._tell(replace(self.state, status=EngineStatus.DEAD, loaded=None, problem=problem, hint=hint))

    def _tell(self, state: EngineState) -> None:
        self.state = state
        self._emit(state)
