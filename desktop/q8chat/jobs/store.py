"""The records of all jobs on disk, and what other windows ask the one that runs them to do."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from q8chat.core import files
from q8chat.jobs import wire
from q8chat.jobs.types import JobRecord

Action = Literal["pause", "resume", "cancel", "retry", "clear"]
Stamp = tuple[int, int]  # when a file was changed (ns) and its size
_ID = re.compile(r"[0-9a-z-]{1,64}")


class Request(msgspec.Struct, frozen=True):
    """What another window wants done with a job."""

    job: str
    action: Action


class JobStore:
    """`<id>.json` for every job, `requests/` from other windows, `set-aside/` for what can't be understood."""

    def __init__(self, folder: Path, kinds: Iterable[str]) -> None:
        self.folder = folder
        self._kinds = frozenset(kinds)
        self._requests, self._aside = folder / "requests", folder / "set-aside"

    def prepare(self) -> None:
        """Make the folders. Raises OSError."""
        self._requests.mkdir(parents=True, exist_ok=True)

    def stamps(self) -> dict[str, Stamp]:
        """Which records there are, oldest first, and when they were changed."""
        found = {}
        for path in sorted(self.folder.glob("*.json")):
            with suppress(OSError):  # gone meanwhile
                status = path.stat()
                found[path.stem] = (status.st_mtime_ns, status.st_size)
        return found

    def read(self, job: str) -> JobRecord | None:
        """One record; None if it is gone. A damaged one, or of a kind not known here, is set aside: None too."""
        path = self._path(job)
        try:
            record: JobRecord = wire.decode(path.read_bytes(), JobRecord)
        except OSError:
            return None
        except ValueError:
            self._set_aside(path)
            return None
        if record.kind not in self._kinds or record.id != job or not _ID.fullmatch(job):
            self._set_aside(path)
            return None
        return record

    def save(self, record: JobRecord) -> None:
        """Write a record. Raises DiskFullError or OSError."""
        files.publish(self._path(record.id), msgspec.json.format(wire.encode(record), indent=1))

    def delete(self, job: str) -> None:
        """Forget a job. Raises OSError."""
        self._path(job).unlink(missing_ok=True)
        self.lock_path(job).unlink(missing_ok=True)

    def lock_path(self, job: str) -> Path:
        """The lock that the job's process holds."""
        return self.folder / f"{job}.lock"

    def ask(self, request: Request) -> None:
        """Leave a request for the window that runs the jobs. Raises DiskFullError or OSError."""
        files.publish(self._requests / f"{time.time_ns()}-{request.job}.json", wire.encode(request))

    def take_requests(self) -> list[Request]:
        """What other windows asked for since the last time, in order."""
        taken: list[Request] = []
        for path in sorted(self._requests.glob("*.json")):
            with suppress(OSError, ValueError):  # nonsense is no request
                taken.append(wire.decode(path.read_bytes(), Request))
            with suppress(OSError):
                path.unlink()
        return taken

    def _path(self, job: str) -> Path:
        return self.folder / f"{job}.json"

    def _set_aside(self, path: Path) -> None:
        with suppress(OSError):
            self._aside.mkdir(exist_ok=True)
            path.rename(self._aside / f"{path.stem}.{time.time_ns()}.json")
