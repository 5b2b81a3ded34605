"""When each model was last used: a small JSON file beside the conversations."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from q8chat.core import files, paths
from q8chat.core.errors import DiskFullError

MAX_ENTRIES = 500


def default_path() -> Path:
    """Where it is for this user."""
    return paths.data_dir() / "last-used.json"


def read() -> dict[str, str]:
    """Time (ISO 8601, UTC) by path, the latest last; a damaged file tells nothing."""
    with suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode(default_path().read_bytes(), type=dict[str, str])
    return {}


def note_used(path: str) -> None:
    """Remember that the model `path` was loaded now. That it can't be written is not worth an error."""
    times = {p: t for p, t in read().items() if p != path}
    times[path] = datetime.now(UTC).isoformat(timespec="seconds")
    _write(times)


def note_renamed(old: str, new: str) -> None:
    """What was known about `old` is known about `new`."""
    times = read()
    if old in times:
        _write({new if p == old else p: t for p, t in times.items()})


def _write(times: dict[str, str]) -> None:
    kept = dict(list(times.items())[-MAX_ENTRIES:])
    with suppress(OSError, DiskFullError, UnicodeEncodeError):  # the last: a name that is no valid text
        files.publish(default_path(), msgspec.json.format(msgspec.json.encode(kept)) + b"\n")
