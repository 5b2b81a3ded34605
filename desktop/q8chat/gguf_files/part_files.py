"""The files beside a GGUF file while it is being written, and the room it needs."""

from __future__ import annotations

import shutil
from pathlib import Path

from q8chat.core import units
from q8chat.core.errors import DiskFullError


def ledger_path(part: Path) -> Path:
    """The ledger of `part`."""
    return part.with_name(part.name + ".ledger")


def discard_part(path: Path) -> None:
    """Remove what an interrupted writer of `path` left: when nobody wants to continue it."""
    part = part_of(path)
    for leftover in (part, ledger_path(part), lock_path(path)):
        leftover.unlink(missing_ok=True)


def part_of(path: Path) -> Path:
    """The name of `path` while it is being written."""
    return path.with_name(path.name + ".part")


def lock_path(path: Path) -> Path:
    """Locked by the process that writes `path`."""
    return path.with_name(f".{path.name}.lock")


def check_space(path: Path, n_bytes: int, *, already: int = 0) -> None:
    """Raise DiskFullError unless `n_bytes` more fit on the disk `path` will be on.

    `already`: bytes there that will be given up first.
    """
    folder = path.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free + already
    if free < n_bytes:
        raise DiskFullError(
            f"{path.name} needs {units.size(n_bytes)} and {units.size(free)} are free in {folder}.",
            "Free some space or choose another folder.",
        )
