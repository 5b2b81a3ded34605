"""The rows and columns of the table of quantizations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication

from q8chat.gui import quant_text, theme
from q8chat.gui.offers import Offer, State
from q8chat.gui.quant_text import COLUMNS

Index = QModelIndex | QPersistentModelIndex
OfferRole = Qt.ItemDataRole.UserRole
FITS = next(n for n, column in enumerate(COLUMNS) if column.heading == "Fits here")
CPU = next(n for n, column in enumerate(COLUMNS) if column.text is quant_text.cpu)
STATE = len(COLUMNS) - 1
_ALIGN = {False: Qt.AlignmentFlag.AlignLeft, True: Qt.AlignmentFlag.AlignRight}


class QuantRows(QAbstractTableModel):
    """One row per quantization. What changes in a row is told as a change, so that the choice stays."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.offers: tuple[Offer, ...] = ()
        self._roles: dict[int, Callable[[Offer, int], Any]] = {
            Qt.ItemDataRole.DisplayRole: lambda o, c: "" if c == STATE else COLUMNS[c].text(o),
            Qt.ItemDataRole.ToolTipRole: lambda o, _: quant_text.explained(o),
            Qt.ItemDataRole.AccessibleTextRole: lambda o, c: quant_text.spoken(o, COLUMNS[c]),
            Qt.ItemDataRole.TextAlignmentRole: lambda _, c: (
                _ALIGN[COLUMNS[c].numeric] | Qt.AlignmentFlag.AlignVCenter
            ),
            Qt.ItemDataRole.ForegroundRole: _color,
            Qt.ItemDataRole.FontRole: _font,
            OfferRole: lambda o, _: o,
        }

    def rowCount(self, parent: Index | None = None) -> int:
        """Quantizations."""
        return 0 if parent is not None and parent.isValid() else len(self.offers)

    def columnCount(self, parent: Index | None = None) -> int:
        """As in `COLUMNS`."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell shows and says."""
        give = self._roles.get(role)
        return give(self.offers[index.row()], index.column()) if give and index.isValid() else None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Headings, placed as their cells."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _ALIGN[COLUMNS[section].numeric] | Qt.AlignmentFlag.AlignVCenter
        return COLUMNS[section].heading if role == Qt.ItemDataRole.DisplayRole else None

    def set_offers(self, offers: tuple[Offer, ...]) -> None:
        """Of the same page: changes only the rows that differ. Of another page: all anew."""
        if [o.name for o in offers] != [o.name for o in self.offers]:
            self.beginResetModel()
            self.offers = offers
            self.endResetModel()
            return
        before, self.offers = self.offers, offers
        for row, (old, new) in enumerate(zip(before, offers, strict=True)):
            if old != new:
                self.dataChanged.emit(self.index(row, 0), self.index(row, STATE))


def _color(offer: Offer, column: int) -> QColor | None:
    c = theme.colors()
    if offer.state == State.UNUSABLE:
        return QColor(c.danger if column == CPU else c.muted)
    if column == FITS and offer.fit:
        return QColor(getattr(c, offer.fit.tone))
    return None


def _font(offer: Offer, column: int) -> QFont | None:
    if column != 0 or not offer.recommended:
        return None
    font = QGuiApplication.font()
    font.setWeight(QFont.Weight.DemiBold)
    return font
