"""What happens when the user does something with a model of the library."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from q8chat.core.progress import Progress
from q8chat.gui.context import AppContext
from q8chat.gui.library_text import Entry
from q8chat.gui.panels.models.library_work import LibraryWork
from q8chat.gui.widgets.copy_button import copy_text
from q8chat.gui.widgets.library_dialogs import RenameDialog, delete_question
from q8chat.gui.widgets.model_details import ModelDetailsPane
from q8chat.library.types import Verification


class LibraryActions(QObject):
    """One method per key of `ACTIONS`."""

    def __init__(self, context: AppContext, work: LibraryWork, details: ModelDetailsPane, page: QWidget) -> None:
        super().__init__(page)
        self._context, self._work, self._details, self._page = context, work, details, page
        self._does = {
            "chat": self.chat,
            "convert": lambda entry: context.models.convert(entry.model.path),
            "verify": self.verify,
            "reveal": self.reveal,
            "copy": self.copy,
            "rename": self.rename,
            "delete": self.delete,
        }
        details.action_row.asked.connect(lambda key, entry: self._does[key](entry))
        details.check.cancelled.connect(self._stop_verifying)
        work.checking.connect(self._on_checking)
        work.check_failed.connect(self._on_check_failed)
        work.checked.connect(self._on_checked)
        work.renamed.connect(self._on_renamed)
        work.deleted.connect(context.models.forget)

    def chat(self, entry: Entry) -> None:
        """Load it and go to the chat; the one that is loaded is not loaded again."""
        self._context.models.chat_with(entry.model.path, loaded=entry.loaded)

    def verify(self, entry: Entry) -> None:
        """Read all of it and compare."""
        self._work.verify(entry.model)

    def reveal(self, entry: Entry) -> None:
        """Show its folder."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(entry.model.path).parent)))

    def copy(self, entry: Entry) -> None:
        """The path to the clipboard."""
        copy_text(entry.model.path)
        self._details.action_row.show_copied()

    def rename(self, entry: Entry) -> RenameDialog:
        """Ask for the new name until it is taken."""
        dialog = RenameDialog(entry.model, self._page.window())
        dialog.wanted.connect(partial(self._work.rename, entry.model))
        self._work.rename_failed.connect(dialog.show_failure)
        self._work.renamed.connect(dialog.accept)
        dialog.open()
        return dialog

    def delete(self, entry: Entry) -> None:
        """Ask, then move it to the bin."""
        dialog = delete_question(entry.model, entry.loaded, self._page.window())
        dialog.accepted.connect(partial(self._work.delete, entry.model))
        dialog.open()

    def _stop_verifying(self) -> None:
        self._work.stop_verifying()
        self._details.check.clear()

    def _on_renamed(self, old: str, new: str) -> None:
        """The engine knows files by their names: what it has loaded is loaded again under the new one."""
        self._context.models.moved(old, new)
        if self._context.library.engine.path == old:
            self._context.models.reload(new)

    def _shown(self, path: str) -> bool:
        entry = self._details.entry
        return entry is not None and entry.model.path == path

    def _on_checking(self, path: str, progress: Progress) -> None:
        if self._shown(path):
            self._details.check.show_progress(progress)

    def _on_checked(self, result: Verification) -> None:
        if self._shown(result.path):
            self._details.check.show_result(result)

    def _on_check_failed(self, path: str, why: str) -> None:
        if self._shown(path):
            self._details.check.show_failure(why)
