"""Where the files of a download go, and everything that can be wrong with that place."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from q8chat.core import units
from q8chat.core.errors import DiskFullError, DownloadError
from q8chat.gguf_files import provenance
from q8chat.hub.checksums import Wanted, file_hashes
from q8chat.hub.file_names import name_problem
from q8chat.hub.types import RemoteFile

MAX_NAME = 220  # bytes; 255 are possible, and hidden files beside it add to the name
MARGIN = 256 << 10  # bytes that must stay free, besides 1 % of what is fetched
FULL = (errno.ENOSPC, errno.EDQUOT)
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


def target(root: Path, repo: str, path: str) -> Path:
    """`<root>/<publisher>/<repo>/<path>`. Raises DownloadError if that is not really inside `root`."""
    parts = (*repo.split("/"), *path.split("/"))
    problem = name_problem("/".join(parts))
    if not problem and any(len(p.encode()) > MAX_NAME for p in parts):
        problem = f"a part of it is longer than {MAX_NAME} bytes"
    if problem:
        raise DownloadError(
            f"{path!r} of {repo} can't be saved under this name: {problem}.", "Choose another file."
        )
    place = root.joinpath(*parts)
    try:
        inside = place.parent.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError) as e:  # links that lead to each other
        raise DownloadError(f"{place.parent} can't be followed: {e}.", "Repair or remove this link.") from e
    if not inside:
        raise DownloadError(
            f"{place.parent} is a link to a place outside the model folder {root}.",
            "Remove the link, or make the place it leads to the model folder.",
        )
    return place


def make_folder(place: Path, root: Path) -> None:
    """The folder of a target. Raises DownloadError or DiskFullError."""
    with disk_errors(root):
        place.parent.mkdir(parents=True, exist_ok=True)


def check_space(folder: Path, needed: int) -> None:
    """Raises DiskFullError if `needed` more bytes would fill the disk of `folder`."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    with disk_errors(folder):
        free = shutil.disk_usage(folder).free
    if needed and needed + needed // 100 + MARGIN > free:
        raise DiskFullError(
            f"{units.size(needed)} are still to be fetched; on the disk of {folder} {units.size(free)} are free.",
            "Free some space, or choose a smaller quantization.",
        )


def is_there(place: Path, wanted: Wanted, step: Callable[[int], None]) -> str:
    """The sha256 of the file at `place` if it is the wanted one already, "" if there is no file.

    `step` gets the bytes looked at, when the file must be read. Raises DownloadError if it is another file.
    """
    if not place.is_symlink() and not place.exists():
        return ""
    if place.is_file() and place.stat().st_size == wanted.size:
        known = provenance.read(place).sha256
        if known and known == wanted.sha256 and not changed_since(place):
            return known
        hashes = file_hashes(place, wanted, step)
        if hashes.match():
            return hashes.sha256
    raise DownloadError(
        f"There is another file with the name {place} already.",
        "Rename or delete it, then try again; it is never replaced.",
    )


def signed_as(place: Path, repo: str, revision: str, file: RemoteFile) -> str:
    """The sha256 of `place` if its provenance says that it is this file and nobody wrote it since; else ""."""
    known = provenance.read(place)
    same = (known.repo, known.revision, known.file) == (repo, revision, file.path) and place.is_file()
    return known.sha256 if same and place.stat().st_size == file.size and not changed_since(place) else ""


def changed_since(place: Path) -> bool:
    """Whether the file was written after its provenance was."""
    return place.stat().st_mtime > provenance.sidecar(place).stat().st_mtime


@contextmanager
def disk_errors(place: Path) -> Iterator[None]:
    """Turns an OSError at `place` into DiskFullError or DownloadError."""
    try:
        yield
    except OSError as e:
        name = e.filename or place
        if e.errno in FULL:
            raise DiskFullError(
                f"The disk of {place} is full.", "Free some space and go on: what was fetched is kept."
            ) from e
        if e.errno in READ_ONLY:
            raise DownloadError(
                f"{name} can't be written: {e.strerror}.", "Allow writing there, or choose another model folder."
            ) from e
        if e.errno == errno.EFBIG:
            raise DownloadError(
                f"The disk of {place} can't hold a file of this size.", "Choose a model folder on another disk."
            ) from e
        raise DownloadError(
            f"{name} can't be used any more: {e.strerror or e}.",
            "See whether its disk is connected and well, then go on: what was fetched is kept.",
        ) from e
