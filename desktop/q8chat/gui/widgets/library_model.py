"""The rows and columns of the table of models, and the filter above them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
)
from PySide6.QtGui import QColor, QFont, QGuiApplication

from q8chat.gui import library_text, theme
from q8chat.gui.fit_text import FitView
from q8chat.gui.library_text import COLUMNS, Entry
from q8chat.library.types import LibraryModel

Index = QModelIndex | QPersistentModelIndex
OrderRole = Qt.ItemDataRole.UserRole
EntryRole = Qt.ItemDataRole.UserRole + 1
FIT = next(n for n, column in enumerate(COLUMNS) if column.heading == "Fits")
_ALIGN = {False: Qt.AlignmentFlag.AlignLeft, True: Qt.AlignmentFlag.AlignRight}


class LibraryRows(QAbstractTableModel):
    """One row per model. Rows that are still there after a scan keep their place, so that the choice stays."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.entries: list[Entry] = []
        self._loaded = ""
        self._fits: dict[str, FitView] = {}
        self._roles: dict[int, Callable[[Entry, int], Any]] = {
            Qt.ItemDataRole.DisplayRole: _shown,
            Qt.ItemDataRole.ToolTipRole: lambda e, _: library_text.tooltip(e),
            Qt.ItemDataRole.AccessibleTextRole: lambda e, c: library_text.spoken(e, COLUMNS[c]),
            Qt.ItemDataRole.TextAlignmentRole: lambda _, c: (
                _ALIGN[COLUMNS[c].numeric] | Qt.AlignmentFlag.AlignVCenter
            ),
            Qt.ItemDataRole.ForegroundRole: _color,
            Qt.ItemDataRole.FontRole: _font,
            OrderRole: lambda e, c: COLUMNS[c].order(e),
            EntryRole: lambda e, _: e,
        }

    def rowCount(self, parent: Index | None = None) -> int:
        """Models."""
        return 0 if parent is not None and parent.isValid() else len(self.entries)

    def columnCount(self, parent: Index | None = None) -> int:
        """As in `COLUMNS`."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell shows, says and is sorted by."""
        give = self._roles.get(role)
        return give(self.entries[index.row()], index.column()) if give and index.isValid() else None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Headings, placed as their cells."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _ALIGN[COLUMNS[section].numeric] | Qt.AlignmentFlag.AlignVCenter
        return COLUMNS[section].heading if role == Qt.ItemDataRole.DisplayRole else None

    def set_models(self, models: Iterable[LibraryModel]) -> None:
        """What a scan found: changes only the rows that differ."""
        found = {m.path: m for m in models}
        for row in range(len(self.entries) - 1, -1, -1):
            if self.entries[row].model.path not in found:
                self.beginRemoveRows(QModelIndex(), row, row)
                del self.entries[row]
                self.endRemoveRows()
        self._put([self._entry(found.pop(entry.model.path)) for entry in self.entries])
        if found:
            first = len(self.entries)
            self.beginInsertRows(QModelIndex(), first, first + len(found) - 1)
            self.entries += [self._entry(model) for model in found.values()]
            self.endInsertRows()

    def set_loaded(self, path: str) -> None:
        """Mark the model that is loaded; "" for none."""
        self._loaded = path
        self._refresh()

    def set_fits(self, fits: Mapping[str, FitView]) -> None:
        """How the models of these paths fit into memory."""
        self._fits.update(fits)
        self._refresh()

    def _refresh(self) -> None:
        self._put([self._entry(entry.model) for entry in self.entries])

    def _entry(self, model: LibraryModel) -> Entry:
        return Entry(model, loaded=self._loaded in (model.path, *model.files), fit=self._fits.get(model.path))

    def _put(self, entries: list[Entry]) -> None:
        """The same rows with newer facts; told once, for the views sort anew each time."""
        changed = [row for row, (old, new) in enumerate(zip(self.entries, entries, strict=True)) if old != new]
        self.entries = entries
        if changed:
            self.dataChanged.emit(self.index(changed[0], 0), self.index(changed[-1], len(COLUMNS) - 1))


class LibraryFilterModel(QSortFilterProxyModel):
    """Sorts by `Column.order`; shows the rows that contain every word of the filter."""

    def __init__(self, rows: LibraryRows, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows = rows
        self._words: list[str] = []
        self.setSourceModel(rows)
        self.setSortRole(OrderRole)
        self.setDynamicSortFilter(True)

    def set_filter(self, text: str) -> None:
        """Words in any order; "" shows all."""
        self.beginFilterChange()
        self._words = text.casefold().split()
        self.endFilterChange()

    def filterAcceptsRow(self, row: int, _parent: Index) -> bool:
        """Whether every word is somewhere in the row."""
        if not self._words:
            return True
        text = library_text.haystack(self._rows.entries[row])
        return all(word in text for word in self._words)


def _shown(entry: Entry, column: int) -> str:
    text = COLUMNS[column].text(entry)
    return f"● {text}" if column == 0 and entry.loaded else text


def _color(entry: Entry, column: int) -> QColor | None:
    c = theme.colors()
    if entry.model.problem:
        return QColor(c.danger if column == FIT else c.muted)
    if column == FIT:
        return QColor(getattr(c, entry.fit.tone if entry.fit else "muted"))
    return None


def _font(entry: Entry, column: int) -> QFont | None:
    if column != 0 or not entry.loaded:
        return None
    font = QGuiApplication.font()
    font.setWeight(QFont.Weight.DemiBold)
    return font
