"""The line below the table of models: how many there are, whether they are being looked for, what went wrong."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from q8chat.gui import place_text, theme
from q8chat.gui.widgets.elided_label import ElidedLabel
from q8chat.library.types import Problem

LATE_MS = 300


class LibraryFoot(QFrame):
    """The bar moves while a scan is under way."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("libraryFoot")
        self.summary = QLabel()
        self.problems = ElidedLabel()
        self.bar = QProgressBar(maximum=0, textVisible=False)
        self.bar.setAccessibleName("Looking for models")
        policy = self.bar.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.bar.setSizePolicy(policy)
        u = theme.unit()
        row = QHBoxLayout()
        row.setContentsMargins(2 * u, u // 2, 2 * u, u // 2)
        row.setSpacing(2 * u)
        row.addWidget(self.summary)
        row.addWidget(self.problems, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addLayout(row)
        self._late = QTimer(self, singleShot=True, interval=LATE_MS)
        self._late.timeout.connect(self.bar.show)
        self.set_scanning(False)
        self.show_problems(())

    def set_scanning(self, scanning: bool) -> None:
        """Whether models are being looked for; a quick look is not worth a flicker."""
        if not scanning:
            self._late.stop()
            self.bar.hide()
        elif not self._late.isActive():
            self._late.start()

    def show_problems(self, problems: Sequence[Problem]) -> None:
        """What could not be read: the first of them, all in the tooltip."""
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        self.problems.setText(place_text.in_words(f"⚠ {problems[0].message}{more}") if problems else "")
        texts = place_text.in_words("\n".join(f"{p.message} {p.hint}".strip() for p in problems))
        self.problems.setAccessibleName(texts)
        self.setToolTip(texts)
