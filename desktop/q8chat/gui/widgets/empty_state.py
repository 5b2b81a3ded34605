"""What a conversation shows before its first message."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from q8chat.chat.events import EngineState, EngineStatus
from q8chat.gui import engine_text, theme

EXAMPLES = (
    "How does a rainbow form?",
    "Write a thank-you note to a neighbour.",
    "Five dinner ideas with potatoes, please.",
)


class EmptyState(QWidget):
    """A greeting, which model is ready, and three prompts to try."""

    example_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        center = Qt.AlignmentFlag.AlignHCenter
        self.greeting = QLabel("What would you like to talk about?", wordWrap=True, alignment=center)
        self.greeting.setProperty("role", "title")
        self.model = QLabel(wordWrap=True, alignment=center)
        self.model.setProperty("role", "muted")
        self.examples: list[QPushButton] = []
        u = theme.unit()
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * u, 2 * u, 2 * u, 2 * u)
        column.setSpacing(u)
        column.addStretch(2)
        column.addWidget(self.greeting)
        column.addWidget(self.model)
        column.addSpacing(2 * u)
        for text in EXAMPLES:
            button = QPushButton(text)
            button.setObjectName("example")
            button.setToolTip("Send this")
            button.setCursor(Qt.CursorShape.PointingHandCursor)
            button.setMaximumWidth(44 * u)
            button.clicked.connect(lambda _checked=False, text=text: self.example_chosen.emit(text))
            row = QHBoxLayout()
            row.addStretch(1)
            row.addWidget(button, 100)
            row.addStretch(1)
            column.addLayout(row)
            self.examples.append(button)
        column.addStretch(3)
        self.set_engine(EngineState(EngineStatus.NONE))

    def set_engine(self, state: EngineState) -> None:
        """Say which model is ready; without one the examples can't be sent."""
        usable = state.status not in (EngineStatus.NONE, EngineStatus.DEAD)
        name = engine_text.model_name(state)
        if state.status == EngineStatus.LOADING:
            text = f"{name} is being loaded. Nothing you write leaves this machine."
        elif usable:
            text = f"{name} is ready. Nothing you write leaves this machine."
        else:
            text = "Choose a model at the top to begin. Nothing you write leaves this machine."
        self.model.setText(text)
        for button in self.examples:
            button.setEnabled(usable)
