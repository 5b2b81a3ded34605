"""A file on a server, read from its beginning in ranges that grow; for the parser it is an open file."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import httpx2
    from _typeshed import WriteableBuffer

FIRST = 256 << 10  # bytes of the first range; each is twice the one before
LARGEST = 8 << 20
TRIES = 3  # of a range whose connection broke
_CONTENT_RANGE = re.compile(r"^bytes (\d+)-\d+/(?:\d+|\*)$")


class TooMuchError(Exception):
    """More would have to be fetched than was allowed."""


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


class RemoteBytes(io.RawIOBase):
    """Reads `url`, a file of `size` bytes, and fetches `limit` bytes at most. What was fetched last is kept.

    A server that knows no ranges is read as a stream, of which no more is taken than needed. Raises the errors of
    httpx2 and huggingface_hub, and TooMuchError.
    """

    def __init__(self, url: str, headers: dict[str, str], size: int, limit: int) -> None:
        super().__init__()
        self._url, self._headers, self._size, self._left = url, headers, size, limit
        self._at = 0
        self._start, self._kept = 0, bytearray()  # of the file from `_start` on
        self._step = FIRST
        self._stream: httpx2.Response | None = None
        self._pieces: Iterator[bytes] = iter(())

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is, cheaply forwards and within what is kept."""
        return True

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Fetches nothing."""
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence])
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        """At least one byte, except at the end of the file."""
        view = memoryview(buffer).cast("B")
        if self._at >= self._size or not len(view):
            return 0
        while not self._start <= self._at < self._start + len(self._kept):
            if not self._fetch():
                return 0
        begin = self._at - self._start
        data = self._kept[begin : begin + len(view)]
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        """Ends the connection if the file is still coming."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        super().close()

    def _fetch(self) -> bool:
        """Some bytes more; False if the server has none."""
        if self._stream is not None:
            return self._continue()
        import httpx2

        for _ in range(TRIES - 1):
            with suppress(httpx2.NetworkError, httpx2.RemoteProtocolError):
                return self._ask(True)
        return self._ask(True)

    def _ask(self, ranges: bool) -> bool:
        from huggingface_hub.utils._http import get_session, hf_raise_for_status

        end = min(self._size, self._at + self._step)
        headers = {**self._headers, "Range": f"bytes={self._at}-{end - 1}"} if ranges else self._headers
        client = get_session()
        response = client.send(client.build_request("GET", self._url, headers=headers), stream=True)
        try:
            hf_raise_for_status(response)
            if response.status_code == 206:
                match = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
                if match and int(match[1]) == self._at:
                    return self._keep(response, end)
        except BaseException:
            response.close()
            raise
        if response.status_code == 206:  # another part than was asked for
            response.close()
            return self._ask(False)
        self._stream, self._pieces = response, response.iter_bytes()
        self._start, self._kept = 0, bytearray()
        return True

    def _keep(self, response: httpx2.Response, end: int) -> bool:
        """A range; it goes on where the last one ended, or replaces what was kept."""
        if self._at != self._start + len(self._kept):
            self._start, self._kept = self._at, bytearray()
        for piece in response.iter_bytes():
            self._take(len(piece))
            self._kept += piece
            if self._start + len(self._kept) > end:  # more than was asked for
                break
        response.close()
        self._step = min(LARGEST, self._step * 2)
        return self._start + len(self._kept) > self._at

    def _continue(self) -> bool:
        """The next piece of a stream that began at 0."""
        piece = next(self._pieces, b"")
        self._take(len(piece))
        self._kept += piece
        return bool(piece)

    def _take(self, n: int) -> None:
        self._left -= n
        if self._left < 0:
            raise TooMuchError
