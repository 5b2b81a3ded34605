"""Which level: the recommendation, the context its memory is told for, the table, and the chosen row in words."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from q8chat.gui import convert_text, theme
from q8chat.gui.convert_text import Level
from q8chat.gui.offers import USUAL_CTX, contexts
from q8chat.gui.widgets.convert_levels_table import LevelTable
from q8chat.gui.widgets.model_details_facts import heading, set_text, wrapping_label
from q8chat.jobs.convert_types import Levels


class LevelSection(QWidget):
    """Hidden until there is a source."""

    chosen = Signal(object)  # Level or None
    context_chosen = Signal(int)  # tokens
    all_wanted = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.advice, self.explained = wrapping_label(), wrapping_label(role="muted")
        self.error = wrapping_label(role="danger")
        self.context = QComboBox()
        self.context.setAccessibleName("Context length for the memory")
        self.context.setToolTip("Memory is told for conversations of this length, in tokens")
        self.context.activated.connect(lambda _: self.context_chosen.emit(self.context.currentData()))
        self.all = QCheckBox("All types")
        self.all.setToolTip("Show the rarely used ones too")
        self.all.toggled.connect(self.all_wanted)
        self.table = LevelTable()
        self.table.level_chosen.connect(self._on_chosen)
        self._wanted = ""  # the level the user has chosen; "" leaves it to the recommendation
        self._filling = False
        self._lay_out()

    def _lay_out(self) -> None:
        u = theme.unit()
        at = QLabel("Memory at a context of")
        at.setProperty("role", "muted")
        at.setBuddy(self.context)
        top = QHBoxLayout()
        top.setSpacing(u)
        top.addWidget(at)
        top.addWidget(self.context)
        top.addStretch(1)
        head = QHBoxLayout()
        head.addWidget(heading("Level"), 1)
        head.addWidget(self.all)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(u)
        column.addLayout(head)
        column.addWidget(self.advice)
        column.addWidget(self.error)
        column.addLayout(top)
        column.addWidget(self.table)
        column.addWidget(self.explained)

    def begin(self, trained: int) -> None:
        """Another source, made for that many tokens; its levels are being worked out."""
        self._wanted = ""
        self.context.clear()
        for text, tokens in contexts(trained):
            self.context.addItem(text, tokens)
        number = self.context.findData(min(trained or USUAL_CTX, USUAL_CTX))
        self.context.setCurrentIndex(max(0, number))
        self._fill(())
        self.show_busy()

    def show_busy(self) -> None:
        """The figures are being worked out."""
        self.error.hide()
        set_text(self.advice, "Working out sizes and memory…")

    def show_levels(self, found: Levels) -> None:
        """All that is known; what the user chose stays chosen."""
        self.error.hide()
        set_text(self.advice, convert_text.recommendation(found))
        self._fill(convert_text.rows(found))
        if not (self._wanted and self._choose(self._wanted)):
            self._choose(found.recommended)

    def show_failure(self, message: str) -> None:
        """Nothing can be planned."""
        set_text(self.advice, "")
        set_text(self.error, message)
        self.error.show()
        self._fill(())

    def level(self) -> Level | None:
        """The chosen one, if it can be made."""
        level = self.table.level()
        return level if level is not None and not level.row.problem else None

    def _fill(self, levels: tuple[Level, ...]) -> None:
        self._filling = True
        self.table.rows.set_levels(levels)
        self._filling = False
        self.table.setVisible(bool(levels))
        self._on_chosen(self.table.level())

    def _choose(self, name: str) -> bool:
        self._filling = True
        found = self.table.choose(name)
        self._filling = False
        return found

    def _on_chosen(self, level: Level | None) -> None:
        if level is not None and not self._filling:
            self._wanted = level.row.level
        set_text(self.explained, convert_text.explained(level) if level else "")
        self.explained.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        self.chosen.emit(level)
