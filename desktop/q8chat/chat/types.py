"""Conversations as trees of messages: immutable values shared by the store, the service and the views."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from q8chat.runtime.messages import Overflow, Usage
from q8chat.runtime.sampling import Sampling


class Status(StrEnum):
    """What became of a message."""

    COMPLETE = "complete"
    STREAMING = "streaming"  # being written right now by a live process
    STOPPED = "stopped"  # the user stopped it
    LENGTH = "length"  # max_tokens reached
    CONTEXT = "context"  # the context window was full
    INTERRUPTED = "interrupted"  # the engine or the application died; `error` says why
    FAILED = "failed"  # refused before the first token; `error` says why


@dataclass(frozen=True, slots=True)
class Message:
    """One node of a conversation's tree. role: user or assistant. Times are Unix seconds."""

    id: int
    conversation_id: int
    parent_id: int | None
    role: str
    content: str
    status: Status
    created: float
    model: str = ""
    error: str = ""
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class PathMessage:
    """A message of the shown branch with its place among its siblings (1-based `index` of `count`)."""

    message: Message
    index: int
    count: int
    previous_id: int | None  # sibling to switch to with "<"
    next_id: int | None  # sibling to switch to with ">"


@dataclass(frozen=True, slots=True)
class Preset:
    """Named sampling settings. Built-in ones can't be changed or deleted."""

    name: str
    sampling: Sampling
    builtin: bool = False


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the list on the left and the settings pane need of a conversation."""

    id: int
    title: str
    created: float
    updated: float
    system_prompt: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    preset: str = ""  # name of the preset the sampling came from, "" when changed by hand
    overflow: Overflow = "drop_oldest"
    head_id: int | None = None  # leaf of the shown branch


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A message that matches. `snippet` is plain text; `spans` are (start, end) of the matches in it."""

    conversation_id: int
    message_id: int
    title: str
    role: str
    snippet: str
    spans: tuple[tuple[int, int], ...]
