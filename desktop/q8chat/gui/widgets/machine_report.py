"""The report on this machine as cards: facts, advice, instruction sets."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QVBoxLayout, QWidget

from q8chat.gui import machine_text, theme
from q8chat.gui.widgets.feature_table import FeatureTable


class MachineReport(QWidget):
    """Shows what `q8chat cpu --json` printed."""

    def __init__(self, report: dict[str, Any], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = FeatureTable(report["features"])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2 * theme.unit())
        column.addWidget(_facts_card(machine_text.facts(report)))
        if report["advice"]:
            column.addWidget(_advice_card(report["advice"]))
        table_card, inside = _card("What llama.cpp can use")
        note = QLabel("Hold the mouse over a mark to read the reason.")
        note.setProperty("role", "muted")
        inside.addWidget(note)
        inside.addWidget(self.table)
        column.addWidget(table_card)


def _card(title: str) -> tuple[QFrame, QVBoxLayout]:
    card = QFrame()
    card.setObjectName("card")
    u = theme.unit()
    column = QVBoxLayout(card)
    column.setContentsMargins(2 * u, 2 * u, 2 * u, 2 * u)
    column.setSpacing(u)
    heading = QLabel(title)
    heading.setProperty("role", "heading")
    column.addWidget(heading)
    return card, column


def _facts_card(facts: list[tuple[str, str]]) -> QFrame:
    card, column = _card("Hardware")
    grid = QGridLayout()
    grid.setHorizontalSpacing(3 * theme.unit())
    grid.setVerticalSpacing(theme.unit())
    grid.setColumnStretch(1, 1)
    for row, (label, value) in enumerate(facts):
        name = QLabel(label)
        name.setProperty("role", "muted")
        text = QLabel(value, wordWrap=True)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        grid.addWidget(name, row, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(text, row, 1)
    column.addLayout(grid)
    return card


def _advice_card(advice: list[str]) -> QFrame:
    card, column = _card("Advice")
    for text in advice:
        column.addWidget(QLabel(text, wordWrap=True))
    return card
