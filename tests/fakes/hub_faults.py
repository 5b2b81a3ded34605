"""What can go wrong at the fake hub, and how it sends a body while it does."""

from __future__ import annotations

import socket
import struct
import time
from dataclasses import dataclass
from threading import Event, Lock
from typing import Literal

CHUNK = 1 << 16
Ranges = Literal["yes", "none", "wrong"]


@dataclass
class Fault:
    """One thing that goes wrong for the next `times` responses (None: for ever). Offsets are in bytes.

    reset_after: TCP reset after so many bytes of a response's body. stall_after: nothing more comes after so many.
    truncate_after: the connection is closed in the normal way after so many. wrong_at: the byte at this place of
    the file is another one. rate: bytes per second. status: this HTTP status instead of the answer, with
    `retry_after` seconds if not None. body: this text instead of the answer. ranges: "none" answers 200 with
    everything, "wrong" answers 206 from byte 0. delay: seconds before the answer.
    """

    reset_after: int | None = None
    stall_after: int | None = None
    truncate_after: int | None = None
    wrong_at: int | None = None
    rate: float | None = None
    status: int = 0
    retry_after: int | None = None
    body: str | None = None
    ranges: Ranges = "yes"
    delay: float = 0.0
    times: int | None = None


class Faults:
    """The faults by target: "org/name/file" for a file's bytes, or the beginning of a path of the hub ("/api/")."""

    def __init__(self) -> None:
        self._by_target: dict[str, list[Fault]] = {}
        self._lock = Lock()

    def add(self, target: str, fault: Fault) -> None:
        """From now on; several faults of one target are used up one after the other."""
        with self._lock:
            self._by_target.setdefault(target, []).append(fault)

    def clear(self, target: str | None = None) -> None:
        """Everything is fine again (with one target, or all)."""
        with self._lock:
            if target is None:
                self._by_target.clear()
            else:
                self._by_target.pop(target, None)

    def take(self, target: str) -> Fault:
        """The fault for the next answer; one without any effect if there is none."""
        with self._lock:
            for key, faults in self._by_target.items():
                if target != key and not (key.startswith("/") and target.startswith(key)):
                    continue
                for fault in faults:
                    if fault.times is None:
                        return fault
                    if fault.times > 0:
                        fault.times -= 1
                        return fault
        return Fault()


def reset(connection: socket.socket) -> None:
    """Close with a TCP reset once the other side's kernel has what was sent."""
    for _ in range(200):
        if not _unsent(connection):
            break
        time.sleep(0.005)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    socket.close(connection.detach())  # type: ignore[attr-defined]


def _unsent(connection: socket.socket) -> int:
    try:
        import fcntl
        import termios
    except ImportError:  # Windows
        return 0
    answer = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
    return int(struct.unpack("i", answer)[0])


@dataclass
class Pace:
    """Holds the sending back to a rate, and stops it when the server stops."""

    rate: float | None
    stopping: Event

    @property
    def chunk(self) -> int:
        """Bytes to send at once."""
        return CHUNK if self.rate is None else max(1, min(CHUNK, int(self.rate / 20)))

    def wait(self, sent: int) -> bool:
        """After `sent` bytes; False when the server stops."""
        if self.rate is None:
            return not self.stopping.is_set()
        return not self.stopping.wait(sent / self.rate)
