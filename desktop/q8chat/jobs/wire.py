"""What the application says to its worker and job children and hears from them, one JSON object per line.

Values cross typed: whatever msgspec knows (Structs, dataclasses, plain types). Paths cross as text; names of files
that are no valid text are the business of the functions called.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from q8chat.core.progress import Progress
from q8chat.jobs.types import JobProgress

T = TypeVar("T")


class _Message(msgspec.Struct, frozen=True, tag=str.lower):
    """`type` on the wire is the class name in lower case."""


# ---- to the worker ---------------------------------------------------------------------------------------------


class Call(_Message, frozen=True):
    """Call `target` ("module:function") with these keyword arguments, an object that is still encoded."""

    id: int
    target: str
    params: msgspec.Raw


class Drop(_Message, frozen=True):
    """Nobody wants the result of call `id` any more: set its cancel flag."""

    id: int


# ---- from the worker -------------------------------------------------------------------------------------------


class Update(_Message, frozen=True):
    """How far call `id` is."""

    id: int
    progress: Progress


class Result(_Message, frozen=True):
    """What call `id` returned, still encoded: only the caller's side knows its type."""

    id: int
    value: msgspec.Raw


class CallFailed(_Message, frozen=True):
    """Call `id` raised; fields as in `core.errors`."""

    id: int
    code: str
    message: str
    hint: str


# ---- to a job --------------------------------------------------------------------------------------------------


class Start(_Message, frozen=True):
    """Run `target` with `params`, with `pick` those of them that it has, once nobody holds the lock file."""

    target: str
    params: dict[str, Any]
    lock: str
    pick: bool = False


# ---- from a job ------------------------------------------------------------------------------------------------


class JobUpdate(_Message, frozen=True):
    """How far the job is and how fast; at most ten a second."""

    progress: JobProgress


class JobDone(_Message, frozen=True):
    """What the job returned."""

    result: dict[str, Any]


class JobFailed(_Message, frozen=True):
    """The job raised; fields as in `core.errors`."""

    code: str
    message: str
    hint: str


ToWorker = Call | Drop
FromWorker = Update | Result | CallFailed
FromJob = JobUpdate | JobDone | JobFailed


def _as_text(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} can't cross a pipe")


def _from_text(kind: type, value: Any) -> Any:
    if issubclass(kind, Path):
        return Path(value)
    raise TypeError(f"{kind.__name__} can't cross a pipe")


def encode(value: Any) -> bytes:
    """As JSON without a line break. Raises TypeError or ValueError for what can't cross."""
    return msgspec.json.encode(value, enc_hook=_as_text)


def line(message: Any) -> bytes:
    """A message with its newline."""
    return encode(message) + b"\n"


def decode(data: bytes | msgspec.Raw, kind: Any) -> Any:
    """The value of type `kind`. Raises ValueError if it is not one."""
    try:
        return msgspec.json.decode(data, type=kind, dec_hook=_from_text)
    except msgspec.MsgspecError as e:
        raise ValueError(str(e)) from e


def convert(value: Any, kind: Any) -> Any:
    """A plain JSON value as type `kind`. Raises ValueError if it is not one."""
    try:
        return msgspec.convert(value, kind, dec_hook=_from_text)
    except msgspec.MsgspecError as e:
        raise ValueError(str(e)) from e


def as_object(value: Any) -> dict[str, Any]:
    """A dict, Struct or dataclass as a plain JSON object; None is an empty one. Raises ValueError for others."""
    plain = msgspec.to_builtins({} if value is None else value, enc_hook=_as_text)
    if not isinstance(plain, dict):
        raise ValueError(f"{type(value).__name__} is not an object")
    return plain


def find(target: str) -> Any:
    """The function that "module:function" names."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)
