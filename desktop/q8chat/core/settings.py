"""What the window remembers between two starts: a small JSON file in the configuration folder."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from q8chat.core import files, paths

MAX_RECENT = 8
MAX_LENGTHS = 64  # models whose context length is remembered


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything has a default, so that a missing or damaged file costs comfort only."""

    last_model: str = ""
    recent_models: tuple[str, ...] = ()
    appearance: str = "system"  # system, light or dark
    geometry: str = ""  # Qt's saveGeometry(), base64
    splitter: tuple[int, ...] = ()
    model_folders: tuple[str, ...] = ()  # folders of others the library may read, each chosen by the user
    offline: bool = False  # nothing touches the network
    context_lengths: dict[str, int] = field(default_factory=dict)  # tokens, by path; what is missing is automatic

    def with_model(self, path: str) -> Settings:
        """These settings after `path` was chosen: it is the last model and the first of the recent ones."""
        recent = (path, *(p for p in self.recent_models if p != path))[:MAX_RECENT]
        return replace(self, last_model=path, recent_models=recent)

    def with_context_length(self, path: str, tokens: int) -> Settings:
        """These settings after a context length was chosen for a model; 0 = automatic."""
        others = {p: n for p, n in self.context_lengths.items() if p != path}
        lengths = {**others, path: tokens} if tokens else others
        return replace(self, context_lengths=dict(list(lengths.items())[-MAX_LENGTHS:]))


def default_path() -> Path:
    """Where the settings of this user are."""
    return paths.config_dir() / "settings.json"


def load(path: Path | None = None) -> Settings:
    """Read the settings. A damaged file is renamed beside itself and the defaults are returned."""
    path = path or default_path()
    try:
        return _parse(path.read_bytes())
    except OSError:
        return Settings()
    except (ValueError, TypeError):
        with suppress(OSError):
            path.rename(_free_name(path))
        return Settings()


def save(settings: Settings, path: Path | None = None) -> None:
    """Write the settings atomically. Raises DiskFullError or OSError."""
    text = json.dumps(asdict(settings), indent=2)
    files.publish(path or default_path(), text.encode() + b"\n")


def _parse(data: bytes) -> Settings:
    """Unknown keys (of a newer version) are ignored; a value of the wrong type makes the file damaged."""
    raw = json.loads(data)
    if not isinstance(raw, dict):
        raise TypeError("settings are not an object")
    known: dict[str, Any] = {}
    for entry in fields(Settings):
        if entry.name not in raw:
            continue
        value, default = raw[entry.name], entry.default
        if entry.name == "context_lengths":
            if not isinstance(value, dict) or not all(type(v) is int and v > 0 for v in value.values()):
                raise TypeError("context_lengths are not numbers")
        elif isinstance(default, tuple):
            item = int if entry.name == "splitter" else str
            if not isinstance(value, list) or not all(type(v) is item for v in value):
                raise TypeError(f"{entry.name} is not a list of {item.__name__}")
            value = tuple(value)
        elif type(value) is not type(default):
            raise TypeError(f"{entry.name} is not a {type(default).__name__}")
        known[entry.name] = value
    return Settings(**known)


def _free_name(path: Path) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    candidate, n = path.with_name(f"{path.stem}.damaged-{stamp}.json"), 1
    while candidate.exists():
        candidate, n = path.with_name(f"{path.stem}.damaged-{stamp}-{n}.json"), n + 1
    return candidate
