"""The rows and columns of the table of levels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication

from q8chat.gui import convert_text, theme
from q8chat.gui.convert_text import COLUMNS, Level

Index = QModelIndex | QPersistentModelIndex
LevelRole = Qt.ItemDataRole.UserRole
FITS = next(n for n, column in enumerate(COLUMNS) if column.heading == "Fits here")
_ALIGN = {False: Qt.AlignmentFlag.AlignLeft, True: Qt.AlignmentFlag.AlignRight}


class LevelRows(QAbstractTableModel):
    """One row per level, in the order given."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.levels: tuple[Level, ...] = ()
        self._roles: dict[int, Callable[[Level, int], Any]] = {
            Qt.ItemDataRole.DisplayRole: lambda v, c: COLUMNS[c].text(v),
            Qt.ItemDataRole.ToolTipRole: lambda v, _: convert_text.explained(v),
            Qt.ItemDataRole.AccessibleTextRole: lambda v, c: convert_text.spoken(v, COLUMNS[c]),
            Qt.ItemDataRole.TextAlignmentRole: lambda _, c: (
                _ALIGN[COLUMNS[c].numeric] | Qt.AlignmentFlag.AlignVCenter
            ),
            Qt.ItemDataRole.ForegroundRole: _color,
            Qt.ItemDataRole.FontRole: _font,
            LevelRole: lambda v, _: v,
        }

    def rowCount(self, parent: Index | None = None) -> int:
        """Levels."""
        return 0 if parent is not None and parent.isValid() else len(self.levels)

    def columnCount(self, parent: Index | None = None) -> int:
        """As in `COLUMNS`."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell shows and says."""
        give = self._roles.get(role)
        return give(self.levels[index.row()], index.column()) if give and index.isValid() else None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Headings, placed as their cells."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _ALIGN[COLUMNS[section].numeric] | Qt.AlignmentFlag.AlignVCenter
        return COLUMNS[section].heading if role == Qt.ItemDataRole.DisplayRole else None

    def set_levels(self, levels: tuple[Level, ...]) -> None:
        """The same levels with other figures keep the choice; others are shown anew."""
        if [v.row.level for v in levels] != [v.row.level for v in self.levels]:
            self.beginResetModel()
            self.levels = levels
            self.endResetModel()
        elif levels != self.levels:
            self.levels = levels
            self.dataChanged.emit(self.index(0, 0), self.index(len(levels) - 1, len(COLUMNS) - 1))


def _color(level: Level, column: int) -> QColor | None:
    c = theme.colors()
    if level.row.problem:
        return QColor(c.muted)
    if column == FITS and level.fit:
        return QColor(getattr(c, level.fit.tone))
    return None


def _font(level: Level, column: int) -> QFont | None:
    if column != 0 or not level.recommended:
        return None
    font = QGuiApplication.font()
    font.setWeight(QFont.Weight.DemiBold)
    return font
