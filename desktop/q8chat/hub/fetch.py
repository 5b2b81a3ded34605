"""Fetching one file into its part: connect, read, and connect again for as long as that gets anywhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from q8chat.core import units
from q8chat.core.errors import DownloadError, HubError, HubUnreachableError
from q8chat.core.progress import Cancel
from q8chat.hub.part_file import PartFile
from q8chat.hub.targets import disk_errors
from q8chat.hub.transfer import ExpiredError, RangeRefusedError, Remote

AGAIN = (408, 425, 429, 500, 502, 503, 504)  # statuses that may be another one later
MAX_WAIT = 600.0  # seconds; a hub that wants more is asked by the user, later
STALL = 10.0  # seconds

Tell = Callable[[int, str], None]  # bytes of the file that are there, what is going on


def _stall() -> float:
    text = os.environ.get("HF_HUB_DOWNLOAD_TIMEOUT", "")
    return float(text) if text.isdecimal() and int(text) else STALL


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try. `attempts` in a row without a byte, `first` to `longest` seconds between them,
    `stall` seconds without a byte until a connection counts as dead."""

    attempts: int = 10
    first: float = 0.5
    longest: float = 30.0
    stall: float = field(default_factory=_stall)

    def wait(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row."""
        return float(min(self.longest, self.first * 2 ** max(0, failures - 1)))


class Fetcher:
    """Fetches the files of one download, one after the other."""

    def __init__(self, patience: Patience, cancel: Cancel) -> None:
        self._patience, self._cancel = patience, cancel
        self._reached = False  # a hub that never answered is not waited for

    def fetch(self, remote: Remote, part: PartFile, tell: Tell) -> None:
        """Returns when all bytes are there; whether they are right is not known then. `tell` hears of everything.

        Raises HubError where waiting is of no use, DownloadError when it was of none, DiskFullError and
        CancelledError.
        """
        failures, ranges = 0, True
        while part.received < part.wanted.size:
            before, error = part.received, None
            try:
                self._receive(remote, part, tell, ranges)
            except RangeRefusedError:
                if not ranges:
                    raise
                ranges = False
                continue
            except HubError as e:
                self._raise_if_final(e)
                error = e
            failures = 0 if part.received > before else failures + 1
            if error or failures:
                self._wait(part, tell, error, failures)

    def _receive(self, remote: Remote, part: PartFile, tell: Tell, ranges: bool) -> None:
        size = part.wanted.size
        with remote.read(part.received, part.wanted, ranges=ranges, cancel=self._cancel) as reader:
            for place, data in reader:
                self._reached = True
                news = data[max(0, part.received - place) :][: size - part.received]
                if news:
                    with disk_errors(part.path.parent):
                        part.append(news)
                    tell(part.received, "")
                else:
                    passed = f"{100 * (place + len(data)) // part.received} % passed"
                    tell(part.received, f"The server can't go on and sends everything again: {passed}")
                if part.received >= size:
                    return

    def _raise_if_final(self, error: HubError) -> None:
        """Raises `error` if another attempt is of no use."""
        if isinstance(error, ExpiredError) or status_of(error) in AGAIN:
            self._reached = True
        elif not (isinstance(error, HubUnreachableError) and self._reached):
            raise error

    def _wait(self, part: PartFile, tell: Tell, error: HubError | None, failures: int) -> None:
        """Before the next attempt. Raises DownloadError if there should be none."""
        reason = error.message if error else "The connection was closed too early."
        if failures >= self._patience.attempts:
            raise DownloadError(
                f"Nothing more of {part.target.name} came in {failures} attempts, and"
                f" {units.size(part.received)} of {units.size(part.wanted.size)} are kept. {reason}",
                "Look at the connection, then start this download again: it goes on where it was.",
            ) from error
        seconds = max(self._patience.wait(failures), _asked_to_wait(error))
        if seconds > MAX_WAIT:
            raise DownloadError(
                f"The hub wants no further requests for {units.seconds(seconds)}.",
                "Go on with this download later; what was fetched is kept.",
            ) from error
        with disk_errors(part.path.parent):
            part.checkpoint()
        tell(part.received, f"{reason} Trying again in {units.seconds(seconds)}")
        self._cancel.wait(seconds)


def status_of(error: HubError) -> int:
    """The HTTP status behind an error, 0 if there was no answer."""
    return int(getattr(getattr(error.__cause__, "response", None), "status_code", 0))


def _asked_to_wait(error: HubError | None) -> float:
    response = getattr(error and error.__cause__, "response", None)
    text = response.headers.get("Retry-After", "").strip() if response is not None else ""
    return float(text) if text.isdecimal() else 0.0
