"""A verification: how far it is, then what was found."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from q8chat.core.progress import Progress
from q8chat.gui import theme
from q8chat.gui.widgets.model_details_facts import clear, heading, wrapping_label
from q8chat.library.types import Verification

_MARKS = {True: ("✓", "good"), False: ("✕", "danger"), None: ("?", "muted")}


class CheckSection(QWidget):
    """Hidden until something is verified."""

    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.status = wrapping_label()
        self.bar = QProgressBar(maximum=1000, textVisible=False)
        self.bar.setAccessibleName("Progress of the verification")
        self.cancel = QPushButton("Cancel")
        self.cancel.setAccessibleName("Cancel the verification")
        self.cancel.clicked.connect(self.cancelled)
        u = theme.unit()
        row = QHBoxLayout()
        row.addWidget(self.status, 1)
        row.addWidget(self.cancel)
        self._results = QVBoxLayout()
        self._results.setSpacing(u // 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(u)
        column.addWidget(heading("Verification"))
        column.addLayout(row)
        column.addWidget(self.bar)
        column.addLayout(self._results)
        self.hide()

    def clear(self) -> None:
        """Another model, or it was cancelled."""
        self._empty()
        self.hide()

    def show_progress(self, progress: Progress) -> None:
        """It is under way."""
        self._empty()
        note = progress.note or "Reading the file"
        self._running(f"{note}… {progress.fraction:.0%}" if progress.total else f"{note}…")
        self.bar.setMaximum(1000 if progress.total else 0)
        self.bar.setValue(round(1000 * progress.fraction))

    def show_result(self, result: Verification) -> None:
        """What was found, each with a sign."""
        self._done("Nothing is wrong with it." if result.passed else "Something is wrong with it.")
        self.status.setProperty("role", "good" if result.passed else "danger")
        self.status.style().polish(self.status)
        for check in result.checks:
            sign, tone = _MARKS[check.passed]
            mark = QLabel(sign, alignment=Qt.AlignmentFlag.AlignTop)
            mark.setProperty("role", tone)
            mark.setMinimumWidth(2 * theme.unit())
            row = QHBoxLayout()
            row.addWidget(mark)
            row.addWidget(wrapping_label(check.text), 1)
            holder = QWidget()
            holder.setAccessibleName(check.text)
            row.setContentsMargins(0, 0, 0, 0)
            holder.setLayout(row)
            self._results.addWidget(holder)

    def show_failure(self, text: str) -> None:
        """It could not be verified."""
        self._done(text)
        self.status.setProperty("role", "danger")
        self.status.style().polish(self.status)

    def _running(self, text: str) -> None:
        self.status.setProperty("role", "")
        self.status.style().polish(self.status)
        self.status.setText(text)
        for widget in (self.bar, self.cancel, self):
            widget.show()

    def _done(self, text: str) -> None:
        self._empty()
        self.status.setText(text)
        self.bar.hide()
        self.cancel.hide()
        self.show()

    def _empty(self) -> None:
        clear(self._results)
