"""The models on this machine for the whole window: what the last scan found, kept up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from q8chat.chat.events import EngineState, EngineStatus, Problem
from q8chat.core import paths
from q8chat.core.errors import Q8Error
from q8chat.gui.folder_watch import FolderWatch
from q8chat.gui.operations import SettingsKeeper, WorkerOperations

if TYPE_CHECKING:  # imported by whoever shows them, after the window is there
    from q8chat.library.types import LibraryModel, ScanResult


class Library(QObject):
    """Scans in the worker when asked to and when a folder changes."""

    changed = Signal(object)  # ScanResult
    scanning = Signal(bool)
    failed = Signal(Problem)

    def __init__(self, worker: WorkerOperations, settings: SettingsKeeper, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker, self._settings = worker, settings
        self.result: ScanResult | None = None
        self.is_scanning = False
        self._again = self._closed = False
        self.engine = EngineState(EngineStatus.NONE)
        self._watch = FolderWatch(self)
        self._watch.changed.connect(self.scan)

    @property
    def own_folder(self) -> str:
        """Where models are kept that are downloaded or made here."""
        return str(paths.models_dir())

    @property
    def models(self) -> tuple[LibraryModel, ...]:
        """What was found last."""
        return self.result.models if self.result else ()

    def scan_first(self) -> None:
        """Look, unless somebody has looked already."""
        if self.result is None and not self.is_scanning:
            self.scan()

    def scan(self) -> None:
        """Look again. A scan under way is finished first, and followed by another."""
        if self._closed:
            return
        if self.is_scanning:
            self._again = True
            return
        self._set_scanning(True)
        folders = list(self._settings.settings.model_folders)
        self._worker.call("library.scan", {"chosen": folders}, self._on_result, self._on_error)

    def set_folders(self, folders: tuple[str, ...]) -> None:
        """Look into these folders of others too, now and from now on."""
        self._settings.update(model_folders=folders)
        self.scan()

    def on_engine(self, state: EngineState) -> None:
        """A model that has been loaded was used now."""
        if state.loaded is not None and state.loaded != self.engine.loaded and not self._closed:
            self._worker.call("library.note_used", {"path": state.path}, _nothing, _nothing)
        self.engine = state

    def close(self) -> None:
        """The window is closing."""
        self._closed = True
        self._watch.close()

    def _on_result(self, result: ScanResult) -> None:
        self._watch.watch(result.watched)
        self._set_scanning(False)
        if result != self.result:
            self.result = result
            self.changed.emit(result)
        self._scan_again()

    def _on_error(self, error: Q8Error) -> None:
        self._set_scanning(False)
        self.failed.emit(Problem(error.code, error.message, error.hint))
        self._again = False

    def _scan_again(self) -> None:
        if self._again:
            self._again = False
            self.scan()

    def _set_scanning(self, scanning: bool) -> None:
        self.is_scanning = scanning
        self.scanning.emit(scanning)


def _nothing(_outcome: object) -> None:
    """That it could not be noted is not worth a message."""
