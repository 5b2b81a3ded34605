"""Downloads that can be stopped in any way and go on where they were; a file appears when it is whole and right.

Beside each file grow a hidden part and its ledger (part_file); a lock beside them keeps other processes out.
Pausing is cancelling: `download` of the same files goes on. `discard` forgets.
"""

from __future__ import annotations

from pathlib import Path

from filelock import Timeout

from q8chat.core import paths
from q8chat.core.errors import DownloadError
from q8chat.core.progress import Cancel, Report, no_report
from q8chat.hub import part_names, targets
from q8chat.hub.download_work import Work, locked, remove
from q8chat.hub.fetch import Fetcher, Patience
from q8chat.hub.targets import disk_errors
from q8chat.hub.types import RemoteFile, Selection


def download(
    selection: Selection,
    progress: Report = no_report,
    cancel: Cancel | None = None,
    *,
    root: Path | None = None,
    patience: Patience | None = None,
) -> list[Path]:
    """Fetch what is missing of the files; returns their paths, in order, below `root` (default: our model folder).

    Raises HubError and its kinds, DiskFullError, and CancelledError within 0.2 s of `cancel`. Whatever it raises,
    what was fetched is kept for the next call, except after DownloadDamagedError.
    """
    root = root or paths.models_dir()
    places = [targets.target(root, selection.repo, f.path) for f in selection.files]
    cancel, patience = cancel or Cancel(), patience or Patience()
    done, fetcher = fetched(selection, root), Fetcher(patience, cancel)
    work = Work(selection, root, progress, cancel, fetcher, patience.stall, done)
    targets.check_space(root, sum(f.size for f in selection.files) - sum(done))
    for index, place in enumerate(places):
        work.file(index, place)
    return places


def fetched(selection: Selection, root: Path | None = None) -> list[int]:
    """Bytes that are there of each file, whole or in part, without looking into them."""
    root = root or paths.models_dir()
    sizes = []
    for file in selection.files:
        place = targets.target(root, selection.repo, file.path)
        with disk_errors(place.parent):
            found = [place, *(p for p in part_names.parts(place) if p.suffix == ".part" and _is_part_of(file, p))]
            sizes.append(min(file.size, max((p.stat().st_size for p in found if p.is_file()), default=0)))
    return sizes


def discard(selection: Selection, root: Path | None = None) -> None:
    """Remove all parts of these files, and the folders that are empty then. Finished files stay.

    Raises DownloadError if one of them is being downloaded.
    """
    root = root or paths.models_dir()
    for file in selection.files:
        place = targets.target(root, selection.repo, file.path)
        if not place.parent.is_dir():
            continue
        with disk_errors(place.parent):
            try:
                with locked(place):
                    remove(part_names.parts(place))
            except Timeout:
                raise DownloadError(f"{place.name} is being downloaded.", "Stop that download first.") from None
            _remove_empty(place.parent, root)


def _is_part_of(file: RemoteFile, part: Path) -> bool:
    return not file.sha256 or f".{file.sha256[:12]}.part" in part.name


def _remove_empty(folder: Path, root: Path) -> None:
    while folder != root and folder.is_relative_to(root) and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
