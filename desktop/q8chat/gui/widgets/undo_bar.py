"""Says what was deleted and takes it back."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from q8chat.chat.types import Conversation
from q8chat.gui import theme
from q8chat.gui.widgets.elided_label import ElidedLabel

SHOWN_MS = 10_000


class UndoBar(QFrame):
    """Visible for ten seconds after a deletion."""

    undone = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("undoBar")
        self._id: int | None = None
        self.label: QLabel = ElidedLabel()
        button = QPushButton("Undo")
        button.setProperty("kind", "flat")
        button.setToolTip("Bring it back (Ctrl+Z)")
        button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        button.clicked.connect(self.undo)
        u = theme.unit()
        row = QHBoxLayout(self)
        row.setContentsMargins(u, u // 2, u // 2, u // 2)
        row.addWidget(self.label, 1)
        row.addWidget(button)
        self._timer = QTimer(self, singleShot=True, interval=SHOWN_MS)
        self._timer.timeout.connect(self._forget)
        self.hide()

    def show_deleted(self, conversation: Conversation) -> None:
        """Offer to bring back this conversation."""
        self._id = conversation.id
        self.label.setText(f"Deleted ‘{conversation.title}’.")
        self._timer.start()
        self.show()

    def undo(self) -> None:
        """Bring back what was deleted last, if the offer still stands."""
        if self._id is not None:
            self.undone.emit(self._id)
            self._forget()

    def _forget(self) -> None:
        self._id = None
        self._timer.stop()
        self.hide()
