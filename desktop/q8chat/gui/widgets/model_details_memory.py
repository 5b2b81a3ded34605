"""Memory of a model at a context length: what is predicted by part, and what was measured."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from q8chat.core import units
from q8chat.gui import theme
from q8chat.gui.fit_text import MemoryView
from q8chat.gui.widgets.model_details_facts import clear, heading, wrapping_label


class MemorySection(QWidget):
    """The list of context lengths asks for another prediction."""

    context_chosen = Signal(int)  # tokens

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.context = QComboBox()
        self.context.setAccessibleName("Context length for the memory estimate")
        self.context.activated.connect(lambda _: self.context_chosen.emit(self.context.currentData()))
        self.verdict, self.note = wrapping_label(), wrapping_label(role="muted")
        u = theme.unit()
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(u)
        self._grid.setVerticalSpacing(u // 2)
        self._grid.setColumnStretch(0, 1)
        at = QLabel("at a context of")
        at.setProperty("role", "muted")
        top = QHBoxLayout()
        top.addWidget(heading("Memory"))
        top.addStretch(1)
        top.addWidget(at)
        top.addWidget(self.context)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(u)
        column.addLayout(top)
        column.addWidget(self.verdict)
        column.addLayout(self._grid)
        column.addWidget(self.note)
        self.hide()

    def set_contexts(self, lengths: tuple[int, ...], chosen: int) -> None:
        """What can be chosen, in tokens."""
        self.context.clear()
        for tokens in lengths:
            self.context.addItem(units.count(tokens), tokens)
        self.context.setCurrentIndex(max(0, self.context.findData(chosen)))
        self.setVisible(bool(lengths))

    def show_memory(self, view: MemoryView | None) -> None:
        """The figures; None while they are being computed."""
        clear(self._grid)
        fit = view.fit if view else None
        self.verdict.setText(f"{fit.mark}: {fit.reason}" if fit else "Working it out…")
        self.verdict.setProperty("role", fit.tone if fit else "muted")
        self.verdict.style().polish(self.verdict)
        self.note.setText(view.note if view else "")
        self.note.setVisible(bool(view and view.note))
        if view is not None:
            self._fill(view)

    def show_failure(self, why: str) -> None:
        """The figures could not be computed."""
        self.show_memory(None)
        self.verdict.setText(why)

    def _fill(self, view: MemoryView) -> None:
        measured = any(row.measured for row in view.rows)
        if measured:
            self._put(0, ("", "predicted", "measured"), "muted")
        for number, row in enumerate(view.rows, start=1):
            texts = (row.label, row.predicted, row.measured) if measured else (row.label, row.predicted)
            self._put(number, texts, "heading" if row.total else "")

    def _put(self, row: int, texts: tuple[str, ...], role: str) -> None:
        for column, text in enumerate(texts):
            cell = QLabel(text)
            cell.setProperty("role", role or ("muted" if column == 0 else ""))
            if column:
                cell.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self._grid.addWidget(cell, row, column)
