"""Says that the model stopped, and why unless the answer it was writing says so; loads it again."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from q8chat.chat.events import EngineState, EngineStatus
from q8chat.gui.widgets.notice_row import NoticeRow


class CrashNotice(NoticeRow):
    """Visible while the engine is dead."""

    reload_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Load again", parent)
        self.button.setProperty("kind", "primary")
        self.button.clicked.connect(self.reload_requested)
        self._state = EngineState(EngineStatus.NONE)
        self._told = ""

    def set_told(self, reason: str) -> None:
        """What the last message in view says of its end."""
        self._told = reason
        self.set_engine(self._state)

    def set_engine(self, state: EngineState) -> None:
        """Show or hide."""
        self._state = state
        if self._told and self._told == state.problem:
            self.label.setText("The model is not running.")
        else:
            self.label.setText(f"{state.problem or 'The model stopped.'} {state.hint}".strip())
        self.button.setVisible(bool(state.path))
        self.setVisible(state.status == EngineStatus.DEAD)
