"""What was fetched of a repository before: found without asking the hub."""

from __future__ import annotations

from pathlib import Path

from q8chat.core import paths
from q8chat.core.errors import DownloadError, RemoteFileNotFoundError
from q8chat.gguf_files import provenance
from q8chat.hub import targets
from q8chat.hub.quantizations import group
from q8chat.hub.resolve import select
from q8chat.hub.types import RemoteFile, RepoPage


def downloaded(repo: str, what: str, root: Path | None = None) -> list[Path]:
    """The files of a quantization, if all are there as they came and from one commit; [] otherwise.

    `what`: a label, a file or its name; also [] if that can mean several of them.
    """
    root = root or paths.models_dir()
    by_revision: dict[str, list[RemoteFile]] = {}
    for model in sorted((root / repo).rglob("*.gguf")):
        known = provenance.read(model)
        if known.repo == repo and _is_as_it_came(root, model, known):
            file = RemoteFile(path=known.file, size=model.stat().st_size, sha256=known.sha256)
            by_revision.setdefault(known.revision, []).append(file)
    for revision, files in by_revision.items():
        page = RepoPage(repo=repo, revision=revision, quantizations=group(files))
        try:
            chosen = select(page, what)
        except RemoteFileNotFoundError:
            continue  # the hub may have it, or has more to say
        return [targets.target(root, repo, f.path) for f in chosen.files]
    return []


def _is_as_it_came(root: Path, model: Path, known: provenance.Provenance) -> bool:
    try:
        place = targets.target(root, known.repo, known.file)
    except DownloadError:  # a sidecar somebody wrote
        return False
    return place == model and bool(known.sha256) and not targets.changed_since(model)
