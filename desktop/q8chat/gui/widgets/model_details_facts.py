"""Labels and values below each other, under a heading."""

from __future__ import annotations

import re
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QLayout, QSizePolicy, QVBoxLayout, QWidget

from q8chat.gui import place_text, theme
from q8chat.gui.widgets.copy_button import CopyButton

LONG = 16  # characters of a word that may have to break
_SIGNS = re.compile(r"[/\\_.:-]+")
_RUN = re.compile(r"[^/\\_.:\s-]{21,}")


class Facts(QWidget):
    """The rows alone. What is long and of one piece (paths, checksums) can be copied with a button."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        u = theme.unit()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(2 * u)
        self._grid.setVerticalSpacing(u // 2)
        self._grid.setColumnStretch(1, 1)
        self._shown: tuple[tuple[str, str], ...] = ()

    def show_facts(self, facts: Sequence[tuple[str, str]]) -> None:
        """Label and value; empty values are left out."""
        shown = tuple((label, value) for label, value in facts if value)
        if shown != self._shown:
            self._shown = shown
            clear(self._grid)
            for row, (label, value) in enumerate(shown):
                self._add(row, label, value)

    def facts(self) -> tuple[tuple[str, str], ...]:
        """What is shown."""
        return self._shown

    def _add(self, row: int, label: str, value: str) -> None:
        top = Qt.AlignmentFlag.AlignTop
        name = QLabel(label)
        name.setProperty("role", "muted")
        self._grid.addWidget(name, row, 0, top)
        shown = place_text.place(value)
        if shown == value and not _is_long(value):
            self._grid.addWidget(wrapping_label(value), row, 1)
            return
        self._grid.addWidget(wrapping_label(shown), row, 1, top)
        copy = CopyButton(lambda: value, f"Copy: {label}")
        copy.setObjectName("factCopy")
        self._grid.addWidget(copy, row, 2, top)


class FactsSection(QWidget):
    """Facts under a heading. Hidden while there is nothing to tell."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(title)
        self._facts = Facts()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.unit())
        column.addWidget(heading(title))
        column.addWidget(self._facts)
        self.hide()

    def show_facts(self, facts: Sequence[tuple[str, str]]) -> None:
        """Label and value; empty values are left out."""
        self._facts.show_facts(facts)
        self.setVisible(bool(self._facts.facts()))

    def facts(self) -> tuple[tuple[str, str], ...]:
        """What is shown."""
        return self._facts.facts()


def clear(layout: QLayout) -> None:
    """Remove the widgets of a layout that has nothing else in it."""
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()


def heading(text: str) -> QLabel:
    """The title of a section."""
    label = QLabel(text)
    label.setProperty("role", "heading")
    return label


def wrapping_label(text: str = "", role: str = "") -> QLabel:
    """Plain text that never widens what it is in. It can be selected unless places to break were put into it."""
    label = QLabel(wordWrap=True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    if role:
        label.setProperty("role", role)
    set_text(label, text)
    return label


def set_text(label: QLabel, text: str) -> None:
    """Another text for a `wrapping_label`."""
    label.setText(_breakable(text))
    flags = Qt.TextInteractionFlag
    label.setTextInteractionFlags(flags.NoTextInteraction if _is_long(text) else flags.TextSelectableByMouse)
    label.setAccessibleName(text)


def _is_long(text: str) -> bool:
    return any(len(word) > LONG for word in text.split())


def _breakable(text: str) -> str:
    """With zero-width spaces where a long word may break: after signs, and in runs that no line would hold."""
    words = re.split(r"(\s+)", text)
    return "".join(re.sub(_SIGNS, "\\g<0>\u200b", re.sub(_RUN, _cut, w)) if len(w) > LONG else w for w in words)


def _cut(run: re.Match[str]) -> str:
    return "\u200b".join(run[0][i : i + 8] for i in range(0, len(run[0]), 8))
