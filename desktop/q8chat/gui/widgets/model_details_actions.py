"""What can be done with the chosen model: one set of actions for the buttons and for the menu of the table."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QSizePolicy, QWidget

from q8chat.gui import theme
from q8chat.gui.library_text import Entry
from q8chat.gui.widgets.copy_button import SHOWN_MS
from q8chat.gui.widgets.icon_button import IconButton


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """`needs`: "usable" (can be loaded), "ours" (lies in our own folder), or "" (always)."""

    key: str
    label: str
    icon: str
    needs: str = ""
    shortcut: str = ""


ACTIONS = (
    ActionSpec("chat", "Chat with it", "chat", "usable", "Enter"),
    ActionSpec("convert", "Convert…", "convert", "usable"),
    ActionSpec("verify", "Verify again", "verify"),
    ActionSpec("reveal", "Show in the file manager", "folder"),
    ActionSpec("copy", "Copy the path", "copy"),
    ActionSpec("rename", "Rename…", "edit", "ours", "F2"),
    ActionSpec("delete", "Move to the bin…", "trash", "ours", "Del"),
)
_WHY_NOT = {
    "usable": "This file can't be loaded.",
    "ours": "This model is in a folder Q8 Chat only reads.",
}


class ModelActions(QWidget):
    """Emits `asked` with the key of an action and the model's row."""

    asked = Signal(str, object)  # key, Entry

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entry: Entry | None = None
        self.chat = QPushButton(ACTIONS[0].label)
        self.chat.setProperty("kind", "primary")
        # As high as the row, so that the Tab key, which goes from top to bottom, comes here first.
        self.chat.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.chat.clicked.connect(lambda: self.ask("chat"))
        self.buttons = {spec.key: IconButton(spec.icon, spec.label, shortcut=spec.shortcut) for spec in ACTIONS[1:]}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.unit() // 2)
        row.addWidget(self.chat)
        row.addStretch(1)
        for key, button in self.buttons.items():
            button.clicked.connect(lambda _checked=False, key=key: self.ask(key))
            row.addWidget(button)
        self._rest = QTimer(self, singleShot=True, interval=SHOWN_MS)
        self._rest.timeout.connect(self._on_rest)
        self.set_entry(None)

    def set_entry(self, entry: Entry | None) -> None:
        """Act on this row from now on."""
        self._entry = entry
        for spec in ACTIONS:
            reason = self._why_not(spec)
            button = self.chat if spec.key == "chat" else self.buttons[spec.key]
            name = f"{spec.label.rstrip('…')} ({spec.shortcut})" if spec.shortcut else spec.label
            button.setEnabled(not reason)
            button.setToolTip(reason or name)
            button.setAccessibleDescription(reason)

    def show_copied(self) -> None:
        """The path is on the clipboard: a check mark for a moment."""
        button = self.buttons["copy"]
        button.set_icon("check", "good")
        button.setAccessibleName("Copied")
        self._rest.start()

    def _on_rest(self) -> None:
        button, spec = self.buttons["copy"], next(s for s in ACTIONS if s.key == "copy")
        button.set_icon(spec.icon)
        button.setAccessibleName(spec.label)

    def ask(self, key: str) -> None:
        """As if the button was pressed; nothing happens where it could not be."""
        spec = next(s for s in ACTIONS if s.key == key)
        if self._entry is not None and not self._why_not(spec):
            self.asked.emit(key, self._entry)

    def fill_menu(self, menu: QMenu) -> None:
        """The same actions as words."""
        for spec in ACTIONS:
            action = QAction(theme.icon(spec.icon), f"{spec.label}\t{spec.shortcut}".strip(), menu)
            action.setEnabled(not self._why_not(spec))
            action.setToolTip(self._why_not(spec))
            action.triggered.connect(lambda _checked=False, key=spec.key: self.ask(key))
            menu.addAction(action)

    def _why_not(self, spec: ActionSpec) -> str:
        if self._entry is None:
            return "Choose a model first."
        model = self._entry.model
        allowed = {"": True, "usable": model.usable, "ours": model.writable}[spec.needs]
        return "" if allowed else _WHY_NOT[spec.needs]
