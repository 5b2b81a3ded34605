"""Where messages are written: text field, long pastes as a chip, and one button that sends or stops."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolTip, QVBoxLayout, QWidget

from q8chat.core import units
from q8chat.gui import theme
from q8chat.gui.widgets.elided_label import ElidedLabel
from q8chat.gui.widgets.icon_button import IconButton
from q8chat.gui.widgets.message_edit import LONG_PASTE, MessageEdit


@dataclass(frozen=True, slots=True)
class Draft:
    """What was written but not sent. `pasted` is a long paste, kept apart because showing it would be slow."""

    text: str = ""
    pasted: str = ""

    @classmethod
    def of(cls, text: str) -> Draft:
        """A draft that holds any text, long ones apart."""
        return cls(text="", pasted=text) if len(text) > LONG_PASTE else cls(text=text)

    def message(self) -> str:
        """The message to send."""
        return "\n\n".join(part for part in (self.text.strip(), self.pasted) if part.strip())


class Composer(QFrame):
    """Emits `submitted` (nothing is cleared: `take` does that) and `stop_requested`."""

    submitted = Signal()
    stop_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("composer")
        self.edit = MessageEdit()
        self.button = IconButton("send", "Send", shortcut="Enter", color="on_accent")
        self.button.setObjectName("sendButton")
        self._pasted = ""
        self._busy = False
        self._chip = QFrame()
        self._chip.setObjectName("chip")
        self._chip_label = ElidedLabel()
        self._remove = IconButton("close", "Remove the pasted text")
        self._lay_out()
        self.edit.submitted.connect(self._submit)
        self.edit.textChanged.connect(self._refresh)
        self.edit.long_pasted.connect(self._add_paste)
        self.edit.focus_changed.connect(self._on_focus)
        self.button.clicked.connect(self._on_button)
        self._remove.clicked.connect(lambda: self._set_paste(""))
        self._set_paste("")

    def _lay_out(self) -> None:
        u = theme.unit()
        chip = QHBoxLayout(self._chip)
        chip.setContentsMargins(u, u // 2, u // 2, u // 2)
        chip.addWidget(self._chip_label)
        chip.addWidget(self._remove)
        row = QHBoxLayout()
        row.setSpacing(u)
        row.addWidget(self.edit, 1, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignBottom)
        column = QVBoxLayout(self)
        column.setContentsMargins(round(1.5 * u), u, u, u)
        column.setSpacing(u)
        column.addWidget(self._chip, 0, Qt.AlignmentFlag.AlignLeft)
        column.addLayout(row)
        self.setFocusProxy(self.edit)

    def draft(self) -> Draft:
        """What is written."""
        return Draft(self.edit.toPlainText(), self._pasted)

    def set_draft(self, draft: Draft) -> None:
        """Write this instead."""
        self.edit.setPlainText(draft.text)
        self.edit.moveCursor(self.edit.textCursor().MoveOperation.End)
        self._set_paste(draft.pasted)

    def give_back(self, text: str) -> None:
        """Put text that could not be sent before whatever has been written since."""
        back, begun = Draft.of(text), self.draft()
        merged = (tuple(p for p in pair if p) for pair in ((back.text, begun.text), (back.pasted, begun.pasted)))
        self.set_draft(Draft(*("\n".join(parts) for parts in merged)))

    def take(self) -> Draft:
        """Empty the composer and return what was in it."""
        draft = self.draft()
        self.set_draft(Draft())
        return draft

    def set_busy(self, busy: bool) -> None:
        """While an answer is written the button stops it; typing goes on."""
        self._busy = busy
        self._refresh()

    def _refresh(self) -> None:
        icon, label = ("stop", "Stop the answer (Esc)") if self._busy else ("send", "Send (Enter)")
        enabled = self._busy or bool(self._pasted or self.edit.document().characterCount() > 1)
        self.button.setEnabled(enabled)
        self.button.set_icon(icon, "on_accent" if enabled else "muted")
        self.button.setToolTip(label)
        self.button.setAccessibleName(label.split(" (", maxsplit=1)[0])

    def _submit(self) -> None:
        if not self.draft().message():
            return
        if self._busy:
            QToolTip.showText(self.mapToGlobal(QPoint(0, 0)), "An answer is being written. Esc stops it.", self)
        else:
            self.submitted.emit()

    def _on_button(self) -> None:
        if self._busy:
            self.stop_requested.emit()
        else:
            self._submit()

    def _add_paste(self, text: str) -> None:
        self._set_paste(f"{self._pasted}\n{text}" if self._pasted else text)

    def _set_paste(self, text: str) -> None:
        self._pasted = text
        self._chip_label.setText(f"Pasted text, {units.count(len(text))} characters")
        self._chip.setVisible(bool(text))
        self._refresh()

    def _on_focus(self, focused: bool) -> None:
        self.setProperty("focused", focused)
        self.style().polish(self)
