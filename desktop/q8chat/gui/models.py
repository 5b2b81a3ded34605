"""Which model is loaded: the starter model, recently used ones, and files the user opens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from q8chat.chat.service import ChatService
from q8chat.core import paths
from q8chat.gui.operations import SettingsKeeper

if TYPE_CHECKING:
    from q8chat.library.types import LibraryModel


def starter_model(folder: Path | None = None) -> Path | None:
    """The model that came with the application, None if it is missing."""
    return min((folder or paths.bundled_models_dir()).rglob("*.gguf"), default=None)


class ModelChoice(QObject):
    """Loads models and remembers them; `changed` tells that the menu has other entries now."""

    changed = Signal()
    chat_wanted = Signal()
    library_wanted = Signal()
    location_wanted = Signal(str)  # path of a model, to be chosen in the library
    conversion_wanted = Signal(str)  # path of a model, to be converted

    def __init__(self, service: ChatService, settings: SettingsKeeper, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._service, self._settings = service, settings
        found = starter_model()
        self.starter = str(found) if found else ""
        self._library: tuple[LibraryModel, ...] = ()

    def recent(self) -> tuple[str, ...]:
        """Paths of recently used models, the last one first."""
        return self._settings.settings.recent_models

    def set_library(self, models: tuple[LibraryModel, ...]) -> None:
        """The models on this machine, for the menu."""
        self._library = models
        self.changed.emit()

    def others(self) -> tuple[tuple[str, str], ...]:
        """Path and name of models that are neither recent nor the starter, the last used first."""
        known = {*self.recent(), self.starter}
        models = [m for m in self._library if m.usable and known.isdisjoint((m.path, *m.files))]
        models.sort(key=lambda m: m.last_used, reverse=True)
        return tuple((m.path, m.name) for m in models)

    def moved(self, old: str, new: str) -> None:
        """A model's file has another path now."""
        now = self._settings.settings
        lengths = {new if p == old else p: n for p, n in now.context_lengths.items()}
        recent = tuple(new if p == old else p for p in now.recent_models)
        last = new if now.last_model == old else now.last_model
        self._settings.update(context_lengths=lengths, recent_models=recent, last_model=last)
        self.changed.emit()

    def forget(self, path: str) -> None:
        """A model is gone."""
        now = self._settings.settings
        recent = tuple(p for p in now.recent_models if p != path)
        self._settings.update(recent_models=recent, last_model="" if now.last_model == path else now.last_model)
        self.changed.emit()

    def chat_with(self, path: str, *, loaded: bool) -> None:
        """Load a model unless it is `loaded`, and go to the chat."""
        if not loaded:
            self.load(path)
        self.chat_wanted.emit()

    def show_in_library(self, path: str) -> None:
        """Go to the library, with this model chosen."""
        self.location_wanted.emit(path)

    def convert(self, path: str) -> None:
        """Go to the panel that converts, with this model as the source."""
        self.conversion_wanted.emit(path)

    def load_first(self) -> bool:
        """Load the model used last, else the starter model; False if there is neither."""
        last = self._settings.settings.last_model
        path = last if last and Path(last).is_file() else self.starter
        if path:
            self.reload(path)
        return bool(path)

    def load(self, path: str) -> None:
        """Load a model and remember it."""
        self._settings.store(self._settings.settings.with_model(path))
        self.reload(path)
        self.changed.emit()

    def reload(self, path: str) -> None:
        """Load it with the context length that was chosen for it."""
        self._service.load_model(path, self._settings.settings.context_lengths.get(path, 0))

    def context_lengths(self) -> Mapping[str, int]:
        """Chosen lengths in tokens by path; what is missing is automatic."""
        return self._settings.settings.context_lengths

    def choose_context_length(self, path: str, tokens: int) -> None:
        """Load it with another context length, 0 = automatic, now and from now on."""
        self._settings.store(self._settings.settings.with_context_length(path, tokens))
        self.reload(path)
        self.changed.emit()

    def ask(self, parent: QWidget) -> None:
        """Let the user open a file."""
        last = self._settings.settings.last_model
        folder = str(Path(last).parent) if last else str(Path.home())
        dialog = QFileDialog(parent, "Open a model", folder, "GGUF models (*.gguf);;All files (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.load)
        dialog.open()
