"""Downloads that can be stopped in any way and go on where they were; a file appears when it is whole and right.

Beside each file grow a hidden part and its ledger (part_file); a lock beside them keeps other processes out.
Pausing is cancelling: `download` of the same files goes on. `discard` forgets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from q8chat.core import paths
from q8chat.core.errors import DownloadError
from q8chat.core.progress import Cancel, Progress, Report, no_report
from q8chat.gguf_files import provenance
from q8chat.hub import part_names, targets
from q8chat.hub.fetch import Fetcher, Patience
from q8chat.hub.part_file import PartFile, Wanted
from q8chat.hub.targets import disk_errors
from q8chat.hub.transfer import Remote
from q8chat.hub.types import RemoteFile, Selection

LOCK_POLL = 0.2  # seconds
GIT_SHA1_LENGTH = 40


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
    work = _Work(selection, root, progress, cancel, fetcher, patience.stall, done)
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
                with _locked(place, timeout=0):
                    _remove(part_names.parts(place))
            except Timeout:
                raise DownloadError(f"{place.name} is being downloaded.", "Stop that download first.") from None
            _remove_empty(place.parent, root)


@dataclass(frozen=True, slots=True)
class _Work:
    selection: Selection
    root: Path
    report: Report
    cancel: Cancel
    fetcher: Fetcher
    stall: float
    done: list[int]  # bytes per file

    def file(self, index: int, place: Path) -> None:
        """Make the file be there."""
        file = self.selection.files[index]
        remote = Remote(self.selection.repo, self.selection.revision, file.path, self.stall)
        targets.make_folder(place, self.root)
        with disk_errors(place.parent), self._lock(index, place):
            wanted = Wanted(size=file.size, sha256=file.sha256) if file.sha256 else self._small(remote, file, place)
            sha256 = self._present(index, place, wanted)
            if not sha256:
                sha256 = self._fetch(index, place, wanted, remote)
            _remove(part_names.parts(place))
            self._sign(place, file, sha256)
        self.tell(index, file.size, "")

    def tell(self, index: int, done: int, note: str) -> None:
        """Report that `done` bytes of a file are there."""
        self.done[index] = done
        note = note or Path(self.selection.files[index].path).name
        self.report(Progress(sum(self.done), sum(f.size for f in self.selection.files), "bytes", note))
        self.cancel.check()

    def _present(self, index: int, place: Path, wanted: Wanted) -> str:
        return targets.is_there(
            place, wanted, self._checking(index, f"Checking {place.name}, which is there already")
        )

    def _checking(self, index: int, what: str) -> Callable[[int], None]:
        """For work that is no download: the bytes stand still, so that nobody takes it for speed."""
        there = self.done[index] or 1
        return lambda n: self.tell(index, self.done[index], f"{what}: {min(100, 10 * (10 * n // there))} %")

    def _fetch(self, index: int, place: Path, wanted: Wanted, remote: Remote) -> str:
        others = [p for p in part_names.parts(place) if f".{wanted.key}.part" not in p.name]
        if others:
            _remove(others)
            self.tell(index, 0, f"{place.name} is another version than what was fetched before; starting it over")
        with PartFile(place, wanted) as part:
            part.recheck(self._checking(index, f"Checking what is there of {place.name}"))
            self.tell(index, part.length, "")
            targets.check_space(place.parent, wanted.size - part.length)
            self.fetcher.fetch(remote, part, lambda n, note: self.tell(index, n, note))
            try:
                return part.publish()
            except FileExistsError as e:
                raise DownloadError(
                    f"A file with the name {place} appeared during the download.",
                    "Rename or delete it, then try again; what was fetched is kept.",
                ) from e

    def _small(self, remote: Remote, file: RemoteFile, place: Path) -> Wanted:
        """A file that is not in large file storage: the hub tells git's checksum when asked for the file itself."""
        if sha256 := targets.signed_as(place, remote.repo, remote.revision, file):
            return Wanted(size=file.size, sha256=sha256)
        known = remote.metadata(self.cancel)
        if len(known.etag or "") != GIT_SHA1_LENGTH:
            raise DownloadError(
                f"The hub gives no checksum of {file.path}, so it could not be checked.",
                "Use another hub address (HF_ENDPOINT).",
            )
        return Wanted(size=known.size if known.size is not None else file.size, git_sha1=known.etag or "")

    def _sign(self, place: Path, file: RemoteFile, sha256: str) -> None:
        known = provenance.read(place)
        if known.sha256 == sha256 and known.repo == self.selection.repo:
            return
        provenance.write(
            place,
            provenance.Provenance(
                repo=self.selection.repo,
                revision=self.selection.revision,
                file=file.path,
                sha256=sha256,
                date=datetime.now(UTC).isoformat(timespec="seconds"),
                licence=self.selection.licence,
            ),
        )

    @contextmanager
    def _lock(self, index: int, place: Path) -> Iterator[None]:
        """Wait until nobody else fetches this file."""
        while True:
            try:
                with _locked(place, timeout=0):
                    yield
                return
            except Timeout:
                self.tell(index, self.done[index], f"Another download of {place.name} is running; waiting for it")
                self.cancel.wait(LOCK_POLL)


@contextmanager
def _locked(place: Path, timeout: float) -> Iterator[None]:
    """The lock of a target. Raises filelock.Timeout."""
    lock = part_names.lock_path(place)
    with FileLock(lock, timeout=timeout):
        try:
            yield
        finally:
            with suppress(PermissionError):  # Windows, while somebody else waits
                lock.unlink(missing_ok=True)  # those who wait notice that theirs has no name any more


def _is_part_of(file: RemoteFile, part: Path) -> bool:
    return not file.sha256 or f".{file.sha256[:12]}.part" in part.name


def _remove(files: list[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _remove_empty(folder: Path, root: Path) -> None:
    while folder != root and folder.is_relative_to(root) and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
