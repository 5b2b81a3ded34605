"""What the library shows where the table would be empty."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from q8chat.gui import theme

NONE = ("No models yet", "Get one from the hub, open a GGUF file, or read the folders of other applications.")


class LibraryEmpty(QWidget):
    """Says why there is nothing, and offers what helps."""

    discover_requested = Signal()
    folders_requested = Signal()
    clear_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        center = Qt.AlignmentFlag.AlignHCenter
        self.title = QLabel(wordWrap=True, alignment=center)
        self.title.setProperty("role", "title")
        self.text = QLabel(wordWrap=True, alignment=center)
        self.text.setProperty("role", "muted")
        self.discover = QPushButton("Find a model")
        self.discover.setProperty("kind", "primary")
        self.folders = QPushButton("Model folders…")
        self.clear = QPushButton("Clear the filter")
        self.discover.clicked.connect(self.discover_requested)
        self.folders.clicked.connect(self.folders_requested)
        self.clear.clicked.connect(self.clear_requested)
        u = theme.unit()
        row = QHBoxLayout()
        row.addStretch(1)
        for button in (self.discover, self.folders, self.clear):
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * u, 2 * u, 2 * u, 2 * u)
        column.setSpacing(u)
        column.addStretch(2)
        column.addWidget(self.title)
        column.addWidget(self.text)
        column.addSpacing(u)
        column.addLayout(row)
        column.addStretch(3)

    def show_looking(self) -> None:
        """The first scan is under way."""
        self._show("Looking for models…", "", offers=False, filtered=False)

    def show_none(self) -> None:
        """There are no models."""
        self._show(*NONE, offers=True, filtered=False)

    def show_no_match(self, text: str) -> None:
        """The filter leaves nothing."""
        self._show(f"No model matches ‘{text}’", "", offers=False, filtered=True)

    def _show(self, title: str, text: str, *, offers: bool, filtered: bool) -> None:
        self.title.setText(title)
        self.text.setText(text)
        self.discover.setVisible(offers)
        self.folders.setVisible(offers)
        self.clear.setVisible(filtered)
