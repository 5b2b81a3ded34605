"""The quiet row of buttons under a message."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from q8chat.gui.widgets.copy_button import CopyButton
from q8chat.gui.widgets.icon_button import IconButton


class _Quiet:
    """A button that is only drawn while its row is revealed, but always there for keys and screen readers."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Nothing while nobody is near."""
        row = self.parent()  # type: ignore[attr-defined]
        if not isinstance(row, MessageActions) or row.revealed():
            super().paintEvent(event)  # type: ignore[misc]

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the whole row."""
        super().focusInEvent(event)  # type: ignore[misc]
        self.parent().update()  # type: ignore[attr-defined]

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide the row again."""
        super().focusOutEvent(event)  # type: ignore[misc]
        self.parent().update()  # type: ignore[attr-defined]


class QuietButton(_Quiet, IconButton):
    """An icon button of the row."""


class QuietCopyButton(_Quiet, CopyButton):
    """The copy button of the row."""


class BranchSwitch(QWidget):
    """ "< index / count >"; made only for messages that have several versions."""

    previous = Signal()
    next = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._back = IconButton("chevron-left", "Previous version", color="muted", parent=self)
        self._back.clicked.connect(self.previous)
        self._place = QLabel(self)
        self._place.setProperty("role", "muted")
        self._forth = IconButton("chevron-right", "Next version", color="muted", parent=self)
        self._forth.clicked.connect(self.next)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for part in (self._back, self._place, self._forth):
            row.addWidget(part)

    def show_place(self, index: int, count: int, *, back: bool, forth: bool) -> None:
        """Which of how many, and whether there is one before and one after."""
        self._place.setText(f"{index} / {count}")
        self._place.setAccessibleName(f"Version {index} of {count}")
        self._back.setEnabled(back)
        self._forth.setEnabled(forth)


class MessageActions(QWidget):
    """Copy, edit or regenerate, and the switch between branches (which is always drawn)."""

    edit = Signal()
    regenerate = Signal()
    previous = Signal()
    next = Signal()

    def __init__(self, source: Callable[[], str], *, mine: bool, parent: QWidget) -> None:
        super().__init__(parent)
        self._near = False
        self.copy = QuietCopyButton(source, "Copy message", self)
        name, label = ("edit", "Edit message") if mine else ("refresh", "Regenerate answer")
        self.change = QuietButton(name, label, color="muted", parent=self)
        self.change.clicked.connect(self.edit if mine else self.regenerate)
        self._branch: BranchSwitch | None = None
        self._row = row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        self._mine = mine
        if mine:
            row.addStretch(1)
        row.addWidget(self.copy)
        row.addWidget(self.change)
        if not mine:
            row.addStretch(1)

    def show_branch(self, index: int, count: int, *, back: bool, forth: bool) -> None:
        """ "< index / count >", hidden when there is only one version."""
        if count > 1 and self._branch is None:
            self._branch = BranchSwitch(self)
            self._branch.previous.connect(self.previous)
            self._branch.next.connect(self.next)
            self._row.insertWidget(self._row.count() if self._mine else 0, self._branch)
        if self._branch is not None:
            self._branch.setVisible(count > 1)
            self._branch.show_place(index, count, back=back, forth=forth)

    def set_near(self, near: bool) -> None:
        """The mouse is over the message."""
        if near != self._near:
            self._near = near
            self.update()

    def revealed(self) -> bool:
        """Whether the buttons are drawn now."""
        return self._near or self.copy.hasFocus() or self.change.hasFocus()

    def allow_change(self, allowed: bool) -> None:
        """Whether editing or regenerating is possible now."""
        self.change.setEnabled(allowed)
        shape = Qt.CursorShape.PointingHandCursor if allowed else Qt.CursorShape.ArrowCursor
        self.change.setCursor(shape)
