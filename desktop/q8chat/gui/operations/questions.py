"""Questions to the worker of which only the latest of each kind counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject

from q8chat.core.errors import Q8Error
from q8chat.gui.operations.worker import OperationHandle, WorkerOperations


class Questions(QObject):
    """A new question takes the place of an old one of the same method, whose answer then never arrives."""

    def __init__(self, worker: WorkerOperations, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._under_way: dict[str, OperationHandle] = {}

    def ask(
        self,
        method: str,
        params: dict[str, Any],
        on_result: Callable[[Any], None],
        on_error: Callable[[Q8Error], None],
    ) -> None:
        """See `jobs.methods` for the methods."""
        self.drop(method)

        def over(then: Callable[[Any], None]) -> Callable[[Any], None]:
            def run(value: Any) -> None:
                self._under_way.pop(method, None)
                then(value)

            return run

        self._under_way[method] = self._worker.call(method, params, over(on_result), over(on_error), owner=self)

    def drop(self, *methods: str) -> None:
        """Nobody wants their answers any more; without names: no answer at all."""
        for method in methods or tuple(self._under_way):
            handle = self._under_way.pop(method, None)
            if handle is not None:
                handle.cancel()
