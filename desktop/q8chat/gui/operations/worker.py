"""Calls to the worker whose results arrive on the GUI thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal, Slot
from shiboken6 import isValid

from q8chat.core.errors import Q8Error
from q8chat.core.progress import Progress

if TYPE_CHECKING:  # imported with the first call, after the window is there
    from q8chat.jobs.worker import CallHandle, Worker

Deliver = Callable[[Any], None]


class OperationHandle:
    """One call under way."""

    def __init__(self, owner: QObject | None) -> None:
        self._owner = owner
        self._handle: CallHandle | None = None
        self._over = False

    def cancel(self) -> None:
        """Nothing arrives any more, not even what has left the worker already."""
        self._over = True
        if self._handle is not None:
            self._handle.cancel()

    def attach(self, handle: CallHandle) -> None:
        """Of the call in the worker."""
        self._handle = handle

    def deliver(self, receiver: Deliver, value: Any) -> None:
        """On the GUI thread: unless it was cancelled or the receiver is gone."""
        owner = self._owner or getattr(receiver, "__self__", None)
        if isinstance(owner, QObject) and not isValid(owner):
            self.cancel()
        if not self._over:
            receiver(value)


class WorkerOperations(QObject):
    """The one worker of this window. Its process starts with the first call; `jobs.methods` has what it knows."""

    _arrived = Signal(object, object, object)

    def __init__(self, worker: Worker | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._closed = False
        self._arrived.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def call(
        self,
        method: str,
        params: dict[str, Any],
        done: Deliver,
        failed: Callable[[Q8Error], None],
        progress: Callable[[Progress], None] | None = None,
        *,
        owner: QObject | None = None,
    ) -> OperationHandle:
        """Call a method of the worker; `done` or `failed` is called later on the GUI thread, once.

        Nothing is called after `close`, nor when the QObject they are methods of was destroyed (for plain
        functions: `owner`).
        """
        call = OperationHandle(owner)
        if self._closed:
            return call
        handle = self._running().call(
            method,
            params,
            lambda value: self._arrived.emit(call, done, value),
            lambda error: self._arrived.emit(call, failed, error),
            lambda value: self._arrived.emit(call, progress, value) if progress else None,
        )
        call.attach(handle)
        return call

    def close(self) -> None:
        """End the worker; nothing arrives any more."""
        self._closed = True
        if self._worker is not None:
            self._worker.close()

    def _running(self) -> Worker:
        from q8chat.jobs.worker import Worker

        self._worker = self._worker or Worker()
        return self._worker

    @Slot(object, object, object)
    def _deliver(self, call: OperationHandle, receiver: Deliver, value: Any) -> None:
        if not self._closed:
            call.deliver(receiver, value)
