"""The conversations as rows of a list view, under headings by date."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from q8chat.chat.types import Conversation

Row = str | Conversation  # a heading or a conversation
Index = QModelIndex | QPersistentModelIndex
IdRole = Qt.ItemDataRole.UserRole  # conversation id, None for a heading


def heading_of(updated: float, today: date) -> str:
    """The heading under which a conversation last used at Unix time `updated` belongs."""
    day = date.fromtimestamp(updated)
    if day >= today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    return "Previous 7 days" if day >= today - timedelta(days=7) else "Older"


def grouped(conversations: Iterable[Conversation], today: date) -> list[Row]:
    """Rows, the last used first, each group after its heading."""
    rows: list[Row] = []
    current = ""
    for conversation in sorted(conversations, key=lambda c: -c.updated):
        heading = heading_of(conversation.updated, today)
        if heading != current:
            rows.append(heading)
            current = heading
        rows.append(conversation)
    return rows


class ConversationModel(QAbstractListModel):
    """Rows of `grouped`; editing a title asks for a rename, the new title comes back with the next list."""

    rename_requested = Signal(int, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []

    def set_conversations(self, conversations: Iterable[Conversation], today: date | None = None) -> None:
        """Show these. Selection and scroll position survive when only titles changed."""
        rows = grouped(conversations, today or date.today())
        if [_key(r) for r in rows] == [_key(r) for r in self._rows]:
            self._rows = rows
            self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
            return
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def row_of(self, conversation_id: int | None) -> int:
        """Its row, or -1."""
        return next((i for i, r in enumerate(self._rows) if _key(r) == conversation_id), -1)

    def conversation(self, index: Index) -> Conversation | None:
        """The conversation at `index`, None for a heading or an invalid index."""
        row = self._rows[index.row()] if index.isValid() else ""
        return row if isinstance(row, Conversation) else None

    def rowCount(self, parent: Index | None = None) -> int:
        """Headings count as rows."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Titles for display, editing, tooltips and screen readers."""
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        is_heading = isinstance(row, str)
        title = row if isinstance(row, str) else row.title
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return title
        if role in (Qt.ItemDataRole.EditRole, Qt.ItemDataRole.ToolTipRole):
            return None if is_heading else title
        return None if is_heading or role != IdRole else _key(row)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Headings can't be selected."""
        if self.conversation(index) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Ask for a rename; an empty or unchanged title is no rename."""
        conversation = self.conversation(index)
        title = " ".join(str(value).split())
        if conversation is None or role != Qt.ItemDataRole.EditRole or not title or title == conversation.title:
            return False
        self.rename_requested.emit(conversation.id, title)
        return True


def _key(row: Row) -> int | str:
    return row if isinstance(row, str) else row.id
