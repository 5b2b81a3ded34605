"""The row above the results: what to look for, among what, in which order."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QComboBox, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from q8chat.gui import theme
from q8chat.gui.discover_text import KINDS, SORTS
from q8chat.gui.widgets.discover_field import DiscoverField
from q8chat.hub.types import Kind, Sort

NARROW = 74  # units of the grid: in less width the choices are below the field


class DiscoverHead(QWidget):
    """`chosen`: another kind or order. The bar below moves while the hub is asked."""

    chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = DiscoverField()
        self.kinds = _choice("What to look for", [text for text, _ in KINDS])
        self.sorts = _choice("Order of the results", [text for text, _ in SORTS])
        for box in (self.kinds, self.sorts):
            box.currentIndexChanged.connect(lambda _: self.chosen.emit())
        self.bar = QProgressBar(maximum=0, textVisible=False)
        self.bar.setAccessibleName("Asking the hub")
        policy = self.bar.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.bar.setSizePolicy(policy)
        u = theme.unit()
        choices = QHBoxLayout()
        choices.setSpacing(u)
        choices.addWidget(self.kinds)
        choices.addWidget(self.sorts)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._row.setContentsMargins(2 * u, u, 2 * u, u)
        self._row.setSpacing(u)
        self._row.addWidget(self.field, 1)
        self._row.addLayout(choices)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._row)
        column.addWidget(self.bar)
        self.set_busy(False)

    @property
    def kind(self) -> Kind:
        """What is looked for."""
        return KINDS[self.kinds.currentIndex()][1]

    @property
    def sort(self) -> Sort:
        """What comes first."""
        return SORTS[self.sorts.currentIndex()][1]

    def set_busy(self, busy: bool) -> None:
        """Whether the hub is being asked."""
        self.bar.setVisible(busy)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """One row or two."""
        super().resizeEvent(event)
        narrow = event.size().width() < NARROW * theme.unit()
        directions = QBoxLayout.Direction
        self._row.setDirection(directions.TopToBottom if narrow else directions.LeftToRight)


def _choice(name: str, texts: list[str]) -> QComboBox:
    box = QComboBox()
    box.addItems(texts)
    box.setAccessibleName(name)
    box.setToolTip(name)
    return box
