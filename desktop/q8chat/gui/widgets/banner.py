"""A message across the top of the window, with what to do about it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from q8chat.gui import place_text, theme
from q8chat.gui.widgets.icon_button import IconButton


class Banner(QFrame):
    """One message with an optional button; the cross closes it. tone: accent, warning or danger."""

    shown_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.text, self.hint = QLabel(wordWrap=True), QLabel(wordWrap=True)
        for label in (self.text, self.hint):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.setProperty("role", "heading")
        self.action = QPushButton()
        self.action.clicked.connect(self._act)
        self.close_button = IconButton("close", "Close this message")
        self.close_button.clicked.connect(self.dismiss)
        self._on_action: Callable[[], None] | None = None
        u = theme.unit()
        texts = QVBoxLayout()
        texts.setSpacing(u // 2)
        texts.addWidget(self.text)
        texts.addWidget(self.hint)
        texts.addWidget(self.action, 0, Qt.AlignmentFlag.AlignLeft)
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * u, u, u, u)
        row.setSpacing(u)
        row.addLayout(texts, 1)
        row.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def show_message(
        self, text: str, hint: str, tone: str, action: str = "", on_action: Callable[[], None] | None = None
    ) -> None:
        """Replace what is shown. With `action`, a button of that name calls `on_action` and closes."""
        text, hint = place_text.in_words(text), place_text.in_words(hint)
        self.text.setText(text)
        self.hint.setText(hint)
        self.hint.setVisible(bool(hint))
        self.action.setText(action)
        self.action.setVisible(bool(action))
        self._on_action = on_action
        self.setProperty("tone", tone)
        self.style().polish(self)
        self.show()
        self.shown_changed.emit(True)
        self.setAccessibleName(f"{text} {hint}")
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))

    def dismiss(self) -> None:
        """Close it."""
        self.hide()
        self.shown_changed.emit(False)

    def _act(self) -> None:
        self.dismiss()
        if self._on_action is not None:
            self._on_action()
