"""The hidden files beside a download's target while it is not finished."""

from __future__ import annotations

from pathlib import Path

from q8chat.hub.checksums import KEY_LENGTH


def part_path(target: Path, key: str) -> Path:
    """Where the version `key` of `target` grows."""
    return target.with_name(f".{target.name}.{key}.part")


def ledger_path(part: Path) -> Path:
    """What tells how far `part` can be trusted."""
    return part.with_name(f"{part.name}.ledger")


def lock_path(target: Path) -> Path:
    """Held by whoever fetches `target`; removed by it at the end."""
    return target.with_name(f".{target.name}.part.lock")


def parts(target: Path) -> list[Path]:
    """All parts and ledgers of `target`, of whatever version. Raises OSError, not for an absent folder."""
    start = f".{target.name}."
    try:
        names = sorted(entry.name for entry in target.parent.iterdir())
    except FileNotFoundError:
        return []
    return [
        target.with_name(name)
        for name in names
        if name.startswith(start)
        and name.endswith((".part", ".part.ledger"))
        and len(name.removesuffix(".ledger").removesuffix(".part")) == len(start) + KEY_LENGTH
    ]
