"""Asks for a chat template when the model brings none that works."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QWidget

from q8chat.chat.events import EngineState
from q8chat.gui import engine_text
from q8chat.gui.widgets.notice_row import NoticeRow


def fill_template_menu(menu: QMenu, current: str, choose: Callable[[str], None]) -> None:
    """One checkable entry per built-in template, after the model's own."""
    from q8chat.runtime.fallback_templates import FALLBACKS  # not needed before the menu opens

    menu.clear()
    for name in ("", *FALLBACKS):
        action = menu.addAction(name or "The model's own")
        action.setCheckable(True)
        action.setChecked(name == current)
        action.triggered.connect(lambda _checked=False, name=name: choose(name))


class TemplateHint(NoticeRow):
    """Visible while the loaded model has no usable template."""

    template_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Choose a template", parent)
        self._current = ""
        self.menu = QMenu(self.button)
        self.menu.aboutToShow.connect(self._fill)
        self.button.setMenu(self.menu)

    def set_engine(self, state: EngineState) -> None:
        """Show or hide."""
        self._current = state.template
        why = f" {state.loaded.template_error}" if state.loaded and state.loaded.template_error else ""
        self.label.setText(f"This model has no usable chat template: choose one.{why}")
        self.setVisible(engine_text.needs_template(state))

    def _fill(self) -> None:
        fill_template_menu(self.menu, self._current, self.template_chosen.emit)
