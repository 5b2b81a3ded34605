"""The log of a job in a dialog."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from q8chat.gui import theme
from q8chat.jobs.types import JobRecord

SHOWN = 64 << 10  # bytes at the end: reading them takes no time one could notice


class JobLog(QDialog):
    """What the job's process has written last; the file has all of it."""

    def __init__(self, record: JobRecord, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Log: {record.title}")
        self._path = Path(record.log)
        self.text = QPlainTextEdit(readOnly=True)
        self.text.setAccessibleName(f"Log of {record.title}")
        self.text.setFont(theme.mono_font())
        self.text.setTabChangesFocus(True)
        title = QLabel(record.title, wordWrap=True)
        title.setProperty("role", "title")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        for word, action in (("Refresh", self.read), ("Open the file", self._open)):
            buttons.addButton(word, QDialogButtonBox.ButtonRole.ActionRole).clicked.connect(action)
        u = theme.unit()
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * u, 2 * u, 2 * u, 2 * u)
        column.setSpacing(u)
        column.addWidget(title)
        column.addWidget(self.text, 1)
        column.addWidget(buttons)
        self.resize(QSize(84 * u, 52 * u).boundedTo(parent.size()))
        self.read()

    def read(self) -> None:
        """Show what is there now, at its end."""
        try:
            with self._path.open("rb") as f:
                f.seek(max(0, f.seek(0, 2) - SHOWN))
                text = f.read().decode("utf-8", "replace")
        except OSError as e:
            text = f"{self._path} can't be read: {e.strerror}."
        self.text.setPlainText(text or "Nothing has been written yet.")
        self.text.verticalScrollBar().setValue(self.text.verticalScrollBar().maximum())

    def _open(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._path)))
