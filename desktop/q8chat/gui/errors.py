"""Where problems become something the user sees: a banner, or a dialog when the program itself is at fault."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable
from types import TracebackType

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget

from q8chat.chat.events import Problem
from q8chat.gui.widgets.banner import Banner

log = logging.getLogger(__name__)


class ErrorPresenter(QObject):
    """Shows problems of the service in the window's banner."""

    def __init__(self, banner: Banner, set_aside_database: Callable[[], None]) -> None:
        super().__init__(banner)
        self._banner = banner
        self._set_aside_database = set_aside_database
        self._store_problem: Problem | None = None

    def show(self, problem: Problem) -> None:
        """Say what happened and what to do; a damaged database brings a button that puts it aside."""
        if problem.code in ("store", "store_damaged", "store_too_new"):
            # Without a store everything else fails too; the first reason is the one that helps.
            problem = self._store_problem = self._store_problem or problem
        if problem.code == "store_damaged":
            self._banner.show_message(
                problem.message,
                problem.hint or "The file is kept; you can also close Q8 Chat and restore a backup of it.",
                "danger",
                "Set the damaged file aside and start fresh",
                self._set_aside,
            )
        elif problem.code == "store_too_new":
            hint = problem.hint or "Update Q8 Chat to open it; the file was not changed."
            self._banner.show_message(problem.message, hint, "danger")
        else:
            tone = "danger" if problem.code in ("engine", "disk_full", "memory") else "warning"
            self._banner.show_message(problem.message, problem.hint, tone)

    def store_works(self) -> None:
        """The store answered, so the next problem with it is a new one."""
        self._store_problem = None

    def _set_aside(self) -> None:
        self._store_problem = None
        self._set_aside_database()


class _Reporter(QObject):
    """Carries a defect from whatever thread it happened on to the GUI thread."""

    happened = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._dialog: QMessageBox | None = None
        self.happened.connect(self._show, Qt.ConnectionType.QueuedConnection)

    def _show(self, details: str) -> None:
        if self._dialog is not None:  # one is enough: a defect in painting repeats with every frame
            return
        self._dialog = defect_dialog(details, QApplication.activeWindow())
        self._dialog.finished.connect(self._on_closed)
        self._dialog.open()

    def _on_closed(self) -> None:
        self._dialog = None


def defect_dialog(details: str, parent: QWidget | None) -> QMessageBox:
    """A dialog for a defect of the program, the traceback behind "Show Details"."""
    dialog = QMessageBox(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setIcon(QMessageBox.Icon.Warning)
    dialog.setWindowTitle("Q8 Chat")
    dialog.setText("Something went wrong inside Q8 Chat.")
    dialog.setInformativeText(
        "Your conversations are saved. You can go on; if something looks wrong, close and start it again. "
        "The details below help whoever fixes this."
    )
    dialog.setDetailedText(details)
    dialog.setStandardButtons(QMessageBox.StandardButton.Ok)
    return dialog


def install_hook() -> None:
    """From now on an uncaught exception is logged and shown as a dialog, never as a bare traceback."""
    reporter = _Reporter()
    reporter.setParent(QApplication.instance())

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        details = "".join(traceback.format_exception(kind, error, trace))
        log.error("defect: %s", details)
        reporter.happened.emit(details)

    sys.excepthook = hook
