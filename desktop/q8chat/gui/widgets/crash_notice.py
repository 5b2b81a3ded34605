"""Says why the model stopped and loads it again."""

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

    def set_engine(self, state: EngineState) -> None:
        """Show or hide."""
        self.label.setText(f"{state.problem or 'The model stopped.'} {state.hint}".strip())
        self.button.setVisible(bool(state.path))
        self.setVisible(state.status == EngineStatus.DEAD)
