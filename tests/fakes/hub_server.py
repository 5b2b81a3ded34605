"""A hub of our own: speaks the Hub's HTTP API on localhost, and breaks when told to.

    with HubServer() as hub:
        hub.add_repo("org/name", {"a.gguf": path, "big.gguf": RandomContent(200 << 20)}, gated="auto")
        hub.fault("org/name/a.gguf", reset_after=1_000_000, times=2)  # the bytes of a file
        hub.fault("/api/models", status=503, times=1)  # the beginning of a path of the hub itself
        ...  # HF_ENDPOINT or endpoint= is hub.endpoint
        assert hub.sent("org/name/a.gguf") < 2_000_000

Files that are not Markdown, JSON or text are in "large file storage": another origin, which must
never see the token.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Self

from tests.fakes.hub_contents import BytesContent, Content, FileContent, RandomContent
from tests.fakes.hub_faults import Fault, Faults
from tests.fakes.hub_handlers import HubHandler, StorageHandler, _Handler
from tests.fakes.hub_repo import Repo, Source

__all__ = ["BytesContent", "Content", "Fault", "FileContent", "HubServer", "RandomContent", "Repo", "Request"]
SEND_BUFFER = 1 << 17  # bytes; with the kernel's own choice megabytes count as sent that nobody read


@dataclass(frozen=True)
class Request:
    """`origin`: "hub" or "storage"; `path` with the query."""

    origin: str
    method: str
    path: str
    headers: dict[str, str]

    @property
    def range(self) -> str:
        """The Range header, or ""."""
        return next((v for k, v in self.headers.items() if k.lower() == "range"), "")

    @property
    def authorization(self) -> str:
        """The Authorization header, or ""."""
        return next((v for k, v in self.headers.items() if k.lower() == "authorization"), "")


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # joined at the end, after their connections were shut down
    request_queue_size = 64

    def __init__(self, handler: type[_Handler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.connections: set[socket.socket] = set()
        self.failures: list[BaseException] = []
        self.thread = Thread(target=self.serve_forever, args=(0.02,))
        self.thread.start()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):  # a client that went away is no failure
            self.failures.append(error)

    def stop(self) -> None:
        self.shutdown()
        self.thread.join()
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


class HubServer:
    """The fake hub; see the module. `token` is accepted everywhere, `other_token` is valid but in no gated list."""

    token = "hf_accepted"
    other_token = "hf_stranger"

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.requests: list[Request] = []
        self.leaks: list[str] = []  # paths of the storage that were asked for with a token
        self.faults = Faults()
        self.page_size = 1000  # of a search
        self.url_lifetime: float | None = None  # seconds until the storage refuses an address
        self.stopping = Event()
        self._sent: dict[str, list[tuple[int, int]]] = {}
        self._lock = Lock()

    def __enter__(self) -> Self:
        self._hub = _Server(type("Hub", (HubHandler,), {"hub": self, "origin": "hub"}))
        self._storage = _Server(type("Storage", (StorageHandler,), {"hub": self, "origin": "storage"}))
        self.endpoint = f"http://127.0.0.1:{self._hub.server_port}"
        self.storage = f"http://localhost:{self._storage.server_port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self._hub.stop()
        self._storage.stop()
        failures = self._hub.failures + self._storage.failures
        if failures and error is None:
            raise failures[0]

    def add_repo(self, name: str, files: Mapping[str, Source], **about: Any) -> Repo:
        """A repository with one commit on `main`. `about`: see Repo."""
        repo = Repo(name, **about)
        repo.commit(files)
        self.repos[name] = repo
        return repo

    def fault(self, target: str, **what: Any) -> Fault:
        """Something goes wrong from now on. `target`: see Faults, `what`: see Fault."""
        fault = Fault(**what)
        self.faults.add(target, fault)
        return fault

    def sent(self, target: str) -> int:
        """Bytes of the file "org/name/path" handed to the kernel so far."""
        with self._lock:
            return sum(n for _, n in self._sent.get(target, []))

    def pieces(self, target: str) -> list[tuple[int, int]]:
        """(offset, length) of everything sent of a file, in order."""
        with self._lock:
            return list(self._sent.get(target, []))

    def find(self, text: str, filters: list[str], with_private: bool) -> list[Repo]:
        """What a search finds: all words in the name, and all tags."""
        words = text.lower().split()
        return [
            repo
            for repo in self.repos.values()
            if all(w in repo.name.lower() for w in words)
            and set(filters) <= {*repo.all_tags(), repo.library}
            and (with_private or not repo.private)
        ]

    def log(self, origin: str, method: str, path: str, headers: dict[str, str]) -> None:
        """Keep a request."""
        with self._lock:
            self.requests.append(Request(origin, method, path, headers))

    def count(self, target: str, offset: int, n: int) -> None:
        """Keep what was sent."""
        with self._lock:
            self._sent.setdefault(target, []).append((offset, n))
