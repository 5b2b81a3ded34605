"""One file after the other of a download: look what is there, lock, fetch, check, name, sign."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from q8chat.core.errors import DownloadError
from q8chat.core.progress import Cancel, Progress, Report
from q8chat.gguf_files import provenance
from q8chat.hub import part_names, targets
from q8chat.hub.checksums import Wanted
from q8chat.hub.fetch import Fetcher
from q8chat.hub.part_file import PartFile
from q8chat.hub.targets import disk_errors
from q8chat.hub.transfer import Remote
from q8chat.hub.types import RemoteFile, Selection

LOCK_POLL = 0.2  # seconds
GIT_SHA1_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Work:
    """A download that goes on. `done`: bytes of each file that are there."""

    selection: Selection
    root: Path
    report: Report
    cancel: Cancel
    fetcher: Fetcher
    stall: float
    done: list[int]

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
            remove(part_names.parts(place))
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
            remove(others)
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
        revision = self.selection.revision
        if known.sha256 == sha256 and known.repo == self.selection.repo and known.revision == revision:
            return
        signed = provenance.Provenance(
            repo=self.selection.repo,
            revision=revision,
            file=file.path,
            sha256=sha256,
            date=(known.sha256 == sha256 and known.date) or datetime.now(UTC).isoformat(timespec="seconds"),
            licence=self.selection.licence,
        )
        provenance.write(place, signed)

    @contextmanager
    def _lock(self, index: int, place: Path) -> Iterator[None]:
        """Wait until nobody else fetches this file."""
        while True:
            try:
                with locked(place):
                    yield
                return
            except Timeout:
                self.tell(index, self.done[index], f"Another download of {place.name} is running; waiting for it")
                self.cancel.wait(LOCK_POLL)


@contextmanager
def locked(place: Path) -> Iterator[None]:
    """The lock of a target. Raises filelock.Timeout at once if somebody else has it."""
    lock = part_names.lock_path(place)
    with FileLock(lock, timeout=0):
        try:
            yield
        finally:
            with suppress(PermissionError):  # Windows, while somebody else waits
                lock.unlink(missing_ok=True)  # those who wait notice that theirs has no name any more


def remove(files: list[Path]) -> None:
    """Remove these, as far as they are there."""
    for file in files:
        file.unlink(missing_ok=True)
