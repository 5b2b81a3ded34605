"""A button that copies a text and shows a check mark for a moment."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from q8chat.gui.widgets.icon_button import IconButton

SHOWN_MS = 1500


def copy_text(text: str) -> None:
    """Put text on the clipboard; half characters, which no other program could read, become U+FFFD."""
    QGuiApplication.clipboard().setText(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


class CopyButton(IconButton):
    """Copies what `source` returns when it is pressed."""

    def __init__(self, source: Callable[[], str], label: str, parent: QWidget | None = None) -> None:
        super().__init__("copy", label, color="muted", parent=parent)
        self._source, self._label = source, label
        self._back = QTimer(self)
        self._back.setSingleShot(True)
        self._back.setInterval(SHOWN_MS)
        self._back.timeout.connect(self._rest)
        self.clicked.connect(self._press)

    def _press(self) -> None:
        copy_text(self._source())
        self.set_icon("check", "good")
        self.setAccessibleName("Copied")
        self._back.start()

    def _rest(self) -> None:
        self.set_icon("copy", "muted")
        self.setAccessibleName(self._label)
