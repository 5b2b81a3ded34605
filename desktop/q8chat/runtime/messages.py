"""What the application and its engine child say to each other, one JSON object per line.

Every message is a frozen dataclass; `kind` on the wire is the class name in lower case.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal

from q8chat.runtime.sampling import Sampling

Overflow = Literal["drop_oldest", "stop"]
FinishReason = Literal["stop", "length", "context", "cancelled"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One message as the chat template sees it; role is system, user or assistant."""

    role: str
    content: str


# ---- to the engine -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Load:
    """Load a model. n_ctx 0: the model's own context length, as far as memory allows (at most 8,192).

    threads 0: let the engine watch the machine and adapt. template: name of a built-in template to use in
    place of the model's own (see `runtime.fallback_templates.FALLBACKS`), or "" for the model's own. kv_type: what
    the KV cache is made of (`runtime.footprint.KV_TYPES`). mmap: map the file, or read it into memory.
    """

    path: str
    n_ctx: int = 0
    threads: int = 0
    template: str = ""
    kv_type: str = "f16"
    mmap: bool = True


@dataclass(frozen=True, slots=True)
class Generate:
    """Answer `turns`. Exactly one answer is generated at a time; `id` comes back in every event."""

    id: int
    turns: tuple[Turn, ...]
    sampling: Sampling = field(default_factory=Sampling)
    overflow: Overflow = "drop_oldest"


@dataclass(frozen=True, slots=True)
class UseTemplate:
    """Use this built-in template from now on ("" = the model's own)."""

    template: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop the answer `id` as soon as possible (it ends with finish reason `cancelled`)."""

    id: int


# ---- from the engine -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Loading:
    """Progress of loading, 0..1."""

    fraction: float


@dataclass(frozen=True, slots=True)
class Loaded:
    """The model is ready."""

    path: str
    name: str
    description: str  # llama.cpp's own words: "llama 135M Q4_1"
    n_ctx: int  # context in use, tokens
    n_ctx_train: int  # context the model was trained with, tokens
    n_params: int
    n_bytes: int  # size of the weights
    has_template: bool
    template_error: str  # why the model's own template can't be used; "" if it can
    load_seconds: float
    memory: int  # resident bytes of the engine after loading
    # Bytes by part (see `runtime.footprint.Footprint`): predicted for the full context, and what llama.cpp took.
    predicted: dict[str, int] = field(default_factory=dict)
    allocated: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prefill:
    """The prompt is being read. `reused` of `total` tokens were already in the KV cache, `done` counts them in."""

    id: int
    done: int
    total: int
    reused: int


@dataclass(frozen=True, slots=True)
class Delta:
    """More text of answer `id`: whole code points only."""

    id: int
    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer cost. Times in seconds, rates in tokens per second, memory in bytes."""

    prompt_tokens: int = 0
    reused_tokens: int = 0  # of prompt_tokens, taken from the KV cache
    completion_tokens: int = 0
    time_to_first_token: float = 0.0
    prefill_rate: float = 0.0
    decode_rate: float = 0.0
    context_used: int = 0
    context_size: int = 0
    dropped_turns: int = 0  # turns left out of the prompt to make it fit
    memory: int = 0  # resident bytes of the engine
    threads: int = 0  # threads at the end of the answer
    seed: int = 0  # the seed that was used

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Usage:
        """From JSON; unknown keys are ignored."""
        return cls(**{k: v for k, v in data.items() if k in cls.__dataclass_fields__})


@dataclass(frozen=True, slots=True)
class Progress:
    """A few times a second while decoding: the figures so far, for the status line."""

    id: int
    usage: Usage


@dataclass(frozen=True, slots=True)
class Done:
    """The answer is complete or was stopped.

    stop: the model ended its turn. length: max_tokens reached. context: the window is full.
    """

    id: int
    reason: FinishReason
    usage: Usage


@dataclass(frozen=True, slots=True)
class Failed:
    """A request (id None: loading) failed; the engine is still alive. Fields as in `core.errors`."""

    id: int | None
    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Died:
    """The engine process is gone. Made by the client, never sent. `reason` is a sentence for people."""

    reason: str
    expected: bool  # we asked it to go


Request = Load | Generate | UseTemplate | Stop
Event = Loading | Loaded | Prefill | Delta | Progress | Done | Failed | Died


class Wire:
    """Encoding: one JSON object per line, ASCII only, so that no text can break the framing."""

    kinds: ClassVar[dict[str, type[Any]]] = {
        c.__name__.lower(): c
        for c in (Load, Generate, UseTemplate, Stop, Loading, Loaded, Prefill, Delta, Progress, Done, Failed)
    }

    @staticmethod
    def encode(message: Request | Event) -> bytes:
        """One line, newline included."""
        if type(message) is Delta:  # once per token: a third of the time that the general way takes
            return b'{"kind":"delta","id":%d,"text":%s}\n' % (message.id, json.dumps(message.text).encode())
        data = {"kind": type(message).__name__.lower(), **asdict(message)}
        return json.dumps(data, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes | str) -> Any:
        """The message of one line. Raises ValueError if it is not one of ours."""
        data = json.loads(line)
        try:
            kind = cls.kinds[data.pop("kind")]
            if kind is Generate:
                data["turns"] = tuple(Turn(**t) for t in data["turns"])
                data["sampling"] = Sampling.from_dict(data["sampling"])
            if "usage" in data:
                data["usage"] = Usage.from_dict(data["usage"])
            return kind(**data)
        except (KeyError, TypeError, AttributeError) as e:
            raise ValueError(f"not a message: {line[:200]!r}") from e
