"""What the library's page asks the worker about single models. Answers to old questions never arrive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal

from q8chat.chat.events import Problem
from q8chat.core.errors import Q8Error
from q8chat.core.progress import Progress
from q8chat.gui.operations import OperationHandle, WorkerOperations
from q8chat.jobs.memory_calls import MemoryReport, Needs, Wanted
from q8chat.library.types import KnownFolder, LibraryModel, ModelDetails, Verification


def about(model: LibraryModel) -> dict[str, Any]:
    """How a call names a model: it needs no scan to find its other files and where it is from."""
    return {"path": model.path, "models": [model]}


class LibraryWork(QObject):
    """One question of each kind at a time: a new one takes the place of the old one."""

    details = Signal(ModelDetails)
    memory = Signal(MemoryReport)
    memory_failed = Signal(str, str)  # path, why
    needs = Signal(Needs)
    checking = Signal(str, Progress)
    checked = Signal(Verification)
    check_failed = Signal(str, str)  # path, why
    renamed = Signal(str, str)  # old path, new path
    rename_failed = Signal(str)
    deleted = Signal(str)
    failed = Signal(Problem)

    def __init__(self, worker: WorkerOperations, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._under_way: dict[str, OperationHandle] = {}

    def read_details(self, model: LibraryModel) -> None:
        """Everything about one model."""
        self._ask("library.details", about(model), self.details.emit)

    def estimate(self, wanted: Wanted) -> None:
        """Memory of one model by part."""
        path = wanted.path
        self._ask(
            "library.memory",
            {"wanted": wanted},
            self.memory.emit,
            lambda e: self.memory_failed.emit(path, str(e)),
        )

    def add_up(self, wanted: tuple[Wanted, ...]) -> None:
        """Memory of several models in all; without any the answer still says what is available."""
        self._ask("library.needs", {"wanted": wanted}, self.needs.emit)

    def verify(self, model: LibraryModel) -> None:
        """Read all of it and compare."""
        path = model.path
        self.checking.emit(path, Progress(0))
        self._ask(
            "library.verify",
            about(model),
            self.checked.emit,
            lambda e: self.check_failed.emit(path, str(e)),
            lambda progress: self.checking.emit(path, progress),
        )

    def stop_verifying(self) -> None:
        """Nobody wants the result."""
        self._drop("library.verify")

    def rename(self, model: LibraryModel, name: str) -> None:
        """Give all its files another name."""
        self._ask(
            "library.rename",
            {"path": model.path, "new_name": name},
            lambda path: self.renamed.emit(model.path, path),
            lambda e: self.rename_failed.emit(str(e)),
        )

    def delete(self, model: LibraryModel) -> None:
        """Move all its files to the bin."""
        self._ask("library.delete", {"path": model.path}, lambda _: self.deleted.emit(model.path))

    def known_folders(
        self,
        chosen: tuple[str, ...],
        show: Callable[[tuple[KnownFolder, ...]], None],
        fail: Callable[[str], None],
    ) -> None:
        """Model folders of other applications that exist here."""
        self._ask("library.known_folders", {"chosen": list(chosen)}, show, lambda e: fail(str(e)))

    def forget_folders(self) -> None:
        """Nobody wants them any more."""
        self._drop("library.known_folders")

    def close(self) -> None:
        """Nobody wants any answer."""
        for method in list(self._under_way):
            self._drop(method)

    def _ask(
        self,
        method: str,
        params: dict[str, Any],
        on_result: Callable[[Any], None],
        on_error: Callable[[Q8Error], None] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self._drop(method)

        def over(then: Callable[[Any], None]) -> Callable[[Any], None]:
            def run(value: Any) -> None:
                self._under_way.pop(method, None)
                then(value)

            return run

        self._under_way[method] = self._worker.call(
            method, params, over(on_result), over(on_error or self._fail), progress=on_progress, owner=self
        )

    def _drop(self, method: str) -> None:
        handle = self._under_way.pop(method, None)
        if handle is not None:
            handle.cancel()

    def _fail(self, error: Q8Error) -> None:
        self.failed.emit(Problem(error.code, error.message, error.hint))
