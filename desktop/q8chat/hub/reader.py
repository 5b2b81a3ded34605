"""Reading that can be given up at any moment: a thread reads, whoever wants the data waits in short steps."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from q8chat.core.errors import Q8Error
from q8chat.core.progress import Cancel

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")
POLL = 0.1  # seconds
AHEAD = 8  # items read before they are asked for


class Reader(Generic[T]):
    """Runs the generator that `source` makes in a thread, and hands on what it yields and how it ends.

    `source` gets this reader and should call `watch` with each streamed response, so that leaving the context
    breaks a read that hangs.
    """

    def __init__(self, source: Callable[[Reader[T]], Generator[T, None, None]], cancel: Cancel) -> None:
        self._source, self._cancel = source, cancel
        self._items: queue.Queue[T | None] = queue.Queue(AHEAD)  # None: the end
        self._error: Exception | None = None
        self._left = threading.Event()
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="q8chat-hub-reader", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        if self._socket:
            with suppress(OSError):
                # Not the method of an SSL socket, which would pull the rug from under the thread that is reading.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        self._thread.join(POLL / 2)  # only a connection that is being made takes longer; it ends by itself

    def __iter__(self) -> Iterator[T]:
        """What was read, in order. Raises what the reading raised, and CancelledError."""
        while True:
            self._cancel.check()
            with suppress(queue.Empty):
                if (item := self._items.get(timeout=POLL)) is None:
                    break
                yield item
        if self._error:
            raise self._error

    def watch(self, response: httpx2.Response) -> None:
        """From now on reading means reading from this response."""
        self._socket = response.extensions["network_stream"].get_extra_info("socket")

    def _run(self) -> None:
        try:
            with closing(self._source(self)) as items:
                for item in items:
                    if not self._put(item):
                        return
        except (Q8Error, OSError) as e:
            self._error = e
        finally:
            self._put(None)

    def _put(self, item: T | None) -> bool:
        """False once nobody wants it any more."""
        while not self._left.is_set():
            with suppress(queue.Full):
                self._items.put(item, timeout=POLL)
                return True
        return False
