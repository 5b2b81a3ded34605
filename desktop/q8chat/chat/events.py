"""What the chat service tells its listener. All are immutable and may cross threads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from q8chat.chat.types import Conversation, Message, PathMessage, Preset, SearchHit
from q8chat.runtime.messages import Loaded, Prefill, Usage


class EngineStatus(StrEnum):
    """What the model at the top of the window is doing."""

    NONE = "none"  # no model chosen yet
    LOADING = "loading"
    READY = "ready"
    READING = "reading"  # prefill
    WRITING = "writing"  # decode
    DEAD = "dead"  # the process is gone or loading failed; `problem` says why


@dataclass(frozen=True, slots=True)
class EngineState:
    """State of the engine; sent at every change."""

    status: EngineStatus
    path: str = ""
    fraction: float = 0.0  # of loading
    loaded: Loaded | None = None
    prefill: Prefill | None = None
    problem: str = ""
    hint: str = ""
    template: str = ""  # name of the built-in template in use, "" = the model's own


@dataclass(frozen=True, slots=True)
class ConversationList:
    """All conversations, the last used first."""

    conversations: tuple[Conversation, ...]


@dataclass(frozen=True, slots=True)
class ConversationOpened:
    """A conversation with the messages of its shown branch; replaces what is shown."""

    conversation: Conversation
    path: tuple[PathMessage, ...]


@dataclass(frozen=True, slots=True)
class ConversationChanged:
    """Title, settings or head changed."""

    conversation: Conversation


@dataclass(frozen=True, slots=True)
class ConversationDeleted:
    """It is gone from the list; `restore(id)` brings it back until the application ends."""

    conversation: Conversation


@dataclass(frozen=True, slots=True)
class MessageText:
    """More text of a streaming answer."""

    conversation_id: int
    message_id: int
    text: str


@dataclass(frozen=True, slots=True)
class MessageFinished:
    """An answer ended; `message` is as stored."""

    message: Message


@dataclass(frozen=True, slots=True)
class Unsent:
    """The user's text could not be stored; it belongs back into the composer. A Problem says why."""

    conversation_id: int | None
    text: str


@dataclass(frozen=True, slots=True)
class UsageChanged:
    """Figures for the status line."""

    conversation_id: int
    usage: Usage


@dataclass(frozen=True, slots=True)
class SearchResults:
    """Hits for `text`, best first; a later search makes an earlier one void."""

    text: str
    hits: tuple[SearchHit, ...]


@dataclass(frozen=True, slots=True)
class PresetsChanged:
    """All presets, built-in ones first."""

    presets: tuple[Preset, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something failed that the user should read; `code` as in core.errors. Not fatal for the window."""

    code: str
    message: str
    hint: str


ChatEvent = (
    EngineState
    | ConversationList
    | ConversationOpened
    | ConversationChanged
    | ConversationDeleted
    | MessageText
    | MessageFinished
    | Unsent
    | UsageChanged
    | SearchResults
    | PresetsChanged
    | Problem
)
