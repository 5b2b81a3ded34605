"""Where a model file came from, and the checksum it should have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from q8chat.gguf_files import provenance
from q8chat.gguf_files.provenance import Provenance
from q8chat.library.layouts import HUB_PREFIX, SHA256


def origin(path: Path, repo: str = "") -> Provenance:
    """What the file beside it tells, else what its place in a cache tells, else `repo`."""
    told = provenance.read(path)
    return told if told != Provenance() else _of_place(path, repo)


@dataclass(frozen=True, slots=True)
class Expected:
    """A checksum and who says so."""

    sha256: str
    says: str


def expected_sha256(path: Path) -> Expected | None:
    """The checksum the file should have: noted when it appeared, or the name of the blob it is."""
    told = provenance.read(path).sha256.lower()
    if SHA256.fullmatch(told):
        return Expected(told, "when it appeared")
    real = path.resolve()
    if real.parent.name != "blobs":
        return None
    if SHA256.fullmatch(real.name):
        return Expected(real.name, "in the Hugging Face cache")
    digest = real.name.removeprefix("sha256-")
    return Expected(digest, "in Ollama's store") if SHA256.fullmatch(digest) else None


def _of_place(path: Path, repo: str) -> Provenance:
    """In the hub's cache: `models--<publisher>--<repo>/snapshots/<commit>/<file>`."""
    parts = path.parts
    for at in range(len(parts) - 3):
        if parts[at].startswith(HUB_PREFIX) and parts[at + 1] == "snapshots":
            name = parts[at].removeprefix(HUB_PREFIX).replace("--", "/")
            return Provenance(repo=name, revision=parts[at + 2], file="/".join(parts[at + 3 :]))
    return Provenance(repo=repo)
