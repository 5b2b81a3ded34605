"""The cards that were measured: a JSON file for each, found by the file they are of. Without numpy."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from q8chat.core import files, paths
from q8chat.evaluate import file_ids
from q8chat.evaluate.types import QualityCard, TaskCard

Card = TypeVar("Card", QualityCard, TaskCard)
_FOLDERS: dict[type, str] = {QualityCard: "quality", TaskCard: "tasks"}


def save(key: str, card: QualityCard | TaskCard) -> None:
    """Keep a card; one with the same key is replaced. Raises DiskFullError or OSError."""
    files.publish(_path(key, type(card)), msgspec.json.format(msgspec.json.encode(card)) + b"\n")


def quality(key: str) -> QualityCard | None:
    """The card of this key, see `quality.key_of`."""
    return _read(_path(key, QualityCard), QualityCard)


def tasks(key: str) -> TaskCard | None:
    """The card of this key."""
    return _read(_path(key, TaskCard), TaskCard)


def of_model(model: Path) -> tuple[list[QualityCard], list[TaskCard]]:
    """The cards of the file as it is now, the newest first; none if it changed since. Reads no model."""
    found = file_ids.known(model)
    if found is None:
        return [], []
    return _all(found.sha256, QualityCard), _all(found.sha256, TaskCard)


def _all(sha256: str, kind: type[Card]) -> list[Card]:
    folder = _folder(kind)
    cards = [_read(path, kind) for path in sorted(folder.glob("*.json"))] if folder.is_dir() else []
    mine = [card for card in cards if card and card.model.sha256 == sha256]
    return sorted(mine, key=lambda card: card.date, reverse=True)


def _read(path: Path, kind: type[Card]) -> Card | None:
    """None if there is none, or it is damaged or of another version."""
    with suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode(path.read_bytes(), type=kind)
    return None


def _folder(kind: type) -> Path:
    return paths.data_dir() / "measured" / _FOLDERS[kind]


def _path(key: str, kind: type) -> Path:
    return _folder(kind) / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
