"""Where a model file came from: a small JSON file beside it, hidden, so that it moves and dies with it.

Downloads, conversions and the library all read or write it.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from q8chat.core import files


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """All fields may be empty: the file is then simply there.

    `date`: ISO 8601, UTC. `sha256`: of this file, as it was when it appeared. A download has repo, revision (a
    commit) and file; a conversion has parent (path or repo) and how (the command line that would do it again).
    """

    repo: str = ""
    revision: str = ""
    file: str = ""
    sha256: str = ""
    date: str = ""
    licence: str = ""
    parent: str = ""
    parent_sha256: str = ""
    how: str = ""
    tools: dict[str, str] = {}  # name -> version


def sidecar(model: Path) -> Path:
    """The file that tells about `model`."""
    return model.with_name(f".{model.name}.q8chat.json")


def read(model: Path) -> Provenance:
    """What is known; an absent or damaged file tells nothing."""
    try:
        return msgspec.json.decode(sidecar(model).read_bytes(), type=Provenance)
    except (OSError, msgspec.DecodeError):
        return Provenance()


def write(model: Path, provenance: Provenance) -> None:
    """Write it atomically. Raises DiskFullError or OSError."""
    files.publish(sidecar(model), msgspec.json.format(msgspec.json.encode(provenance)) + b"\n")
