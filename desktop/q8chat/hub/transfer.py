"""One connection: what the hub says about a file, and its bytes from some place on."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from q8chat.core import units
from q8chat.core.errors import DownloadError
from q8chat.core.progress import Cancel
from q8chat.hub.checksums import Wanted
from q8chat.hub.client import ANSWER_S
from q8chat.hub.connection import Hub, talking_to_hub
from q8chat.hub.reader import Reader

if TYPE_CHECKING:
    import httpx2
    from huggingface_hub.file_download import HfFileMetadata

SEGMENT = 32 << 30  # bytes asked for at once; storages refuse to send files above 50 GB in one answer
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)$")


class RangeRefusedError(DownloadError):
    """The server does not send the range that was asked for."""


class ExpiredError(DownloadError):
    """The storage refuses an address the hub gave; a new one may help."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A file of a repository at one commit. `stall`: seconds without a byte until a connection counts as dead."""

    repo: str
    revision: str
    path: str
    stall: float

    def metadata(self, cancel: Cancel) -> HfFileMetadata:
        """Checksum, size and address. Raises HubError and CancelledError."""

        def ask(_: Reader[HfFileMetadata]) -> Generator[HfFileMetadata, None, None]:
            with talking_to_hub(self.repo, self.revision, self.path) as hub:
                known = self._metadata(hub)
            yield known

        with Reader(ask, cancel) as reader:
            return next(iter(reader))

    def read(self, offset: int, wanted: Wanted, *, ranges: bool, cancel: Cancel) -> Reader[tuple[int, bytes]]:
        """A reader of (place in the file, bytes), from `offset` on or, if the server wants it so, from 0 on.

        It asks for the metadata first: addresses of the storage expire, and a file may have changed.
        Raises DownloadError (it changed), RangeRefusedError, ExpiredError, HubError and CancelledError.
        """

        def pieces(reader: Reader[tuple[int, bytes]]) -> Generator[tuple[int, bytes], None, None]:
            with talking_to_hub(self.repo, self.revision, self.path) as hub:
                known = self._metadata(hub)
                self._compare(known, wanted)
                headers = {**hub.headers(), "Accept-Encoding": "identity"}  # ranges of compressed bytes are useless
                if ranges and (offset or wanted.size > SEGMENT):
                    headers["Range"] = f"bytes={offset}-{min(wanted.size, offset + SEGMENT) - 1}"
                with self._answer(hub, known.location, headers) as response:
                    reader.watch(response)
                    place = _start(response, offset, wanted.size)
                    for data in response.iter_bytes():
                        yield place, data
                        place += len(data)

        return Reader(pieces, cancel)

    @contextmanager
    def _answer(self, hub: Hub, location: str, headers: dict[str, str]) -> Iterator[httpx2.Response]:
        from huggingface_hub import get_session
        from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]

        elsewhere = _origin(location) != _origin(hub.endpoint)
        if elsewhere:
            headers = {k: v for k, v in headers.items() if k.lower() != "authorization"}  # it is for the hub alone
        with get_session().stream("GET", location, headers=headers, timeout=self.stall) as response:
            if response.status_code == 416:
                raise RangeRefusedError("The server does not have the part of the file that was asked for.")
            if elsewhere and response.status_code in (401, 403):
                raise ExpiredError(f"The storage of {self.repo} does not accept the address the hub gave.")
            hf_raise_for_status(response)
            yield response

    def _compare(self, known: HfFileMetadata, wanted: Wanted) -> None:
        """A mirror's own kind of tag says nothing; then the checksum at the end decides."""
        expected, tag = wanted.sha256 or wanted.git_sha1, known.etag or ""
        if tag != expected and len(tag) == len(expected):
            raise DownloadError(
                f"{self.path} of {self.repo} was changed on the hub after this download was chosen"
                f" (checksum {tag[:12]} instead of {expected[:12]}).",
                "Choose it again to get what is there now; it will be fetched from its beginning.",
            )

    def _metadata(self, hub: Hub) -> HfFileMetadata:
        from huggingface_hub import get_hf_file_metadata

        url = hub.file_url(self.repo, self.path, self.revision)
        return get_hf_file_metadata(url, token=hub.token or False, timeout=ANSWER_S, endpoint=hub.endpoint)


def _start(response: httpx2.Response, offset: int, size: int) -> int:
    """The place in the file of the answer's first byte. Raises DownloadError if it is of a file of another size."""
    plain = response.headers.get("Content-Encoding", "identity") == "identity"
    if response.status_code == 206:
        match = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
        if not plain or not match or int(match[1]) != offset:
            raise RangeRefusedError("The server sends another part of the file than the one that was asked for.")
        start, total = offset, match[3]
    else:
        start, total = 0, response.headers.get("Content-Length", "") if plain else ""
    if total.isdecimal() and int(total) != size:
        raise DownloadError(
            f"The hub lists this file with {units.count(size)} bytes and sends {units.count(int(total))}.",
            "Choose it again; if it stays so, the repository is broken.",
        )
    return start


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)
