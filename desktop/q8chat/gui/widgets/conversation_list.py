"""The list of conversations: open, rename in place, delete."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent
from PySide6.QtWidgets import QAbstractItemDelegate, QAbstractItemView, QListView, QMenu, QWidget

from q8chat.chat.types import Conversation
from q8chat.gui.widgets.conversation_model import ConversationModel
from q8chat.gui.widgets.row_delegate import ConversationDelegate

_MOVES = {Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown}
_OPENS = {Qt.Key.Key_Return, Qt.Key.Key_Enter}


class ConversationList(QListView):
    """Click, Enter or the arrow keys open; F2 renames; Del deletes; the menu offers both."""

    opened = Signal(int)
    delete_requested = Signal(int)
    rename_requested = Signal(int, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.conversations = ConversationModel(self)
        self.conversations.rename_requested.connect(self.rename_requested)
        self._selected: int | None = None
        self._late: tuple[Conversation, ...] | None = None  # a list that came while a title was edited
        delegate = ConversationDelegate(self)
        delegate.menu_requested.connect(self._show_menu)
        self.setModel(self.conversations)
        self.setItemDelegate(delegate)
        self.setAccessibleName("Conversations")
        self.setMouseTracking(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.clicked.connect(self._open)
        self._browsing = QTimer(self, singleShot=True, interval=80)
        self._browsing.timeout.connect(lambda: self._open(self.currentIndex()))

    def set_conversations(self, conversations: Iterable[Conversation]) -> None:
        """Show these; waits until the user has finished editing a title."""
        if self.state() == QAbstractItemView.State.EditingState:
            self._late = tuple(conversations)
            return
        position = self.verticalScrollBar().value()
        self.conversations.set_conversations(conversations)
        self.select(self._selected)
        self.verticalScrollBar().setValue(position)

    def select(self, conversation_id: int | None) -> None:
        """Mark the conversation that is shown; does not open it."""
        self._selected = conversation_id
        row = self.conversations.row_of(conversation_id)
        if row < 0:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())
        elif row != self.currentIndex().row() or not self.selectedIndexes():
            self.setCurrentIndex(self.conversations.index(row))

    def rename_current(self) -> None:
        """Start editing the title of the current conversation."""
        editing = self.state() == QAbstractItemView.State.EditingState
        if not editing and self.conversations.conversation(self.currentIndex()):
            self.setFocus()
            self.edit(self.currentIndex())

    def delete_current(self) -> None:
        """Ask for the current conversation to be deleted."""
        conversation = self.conversations.conversation(self.currentIndex())
        if conversation is not None:
            self.delete_requested.emit(conversation.id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys open what they reach; while a key is held down, only where it ends."""
        if event.key() == Qt.Key.Key_Delete:
            self.delete_current()
            return
        if event.key() not in _OPENS:
            super().keyPressEvent(event)
        if event.key() in _OPENS:
            self._open(self.currentIndex())
        elif event.key() in _MOVES:
            self._browsing.start()

    def moveCursor(self, action: QAbstractItemView.CursorAction, keys: Qt.KeyboardModifier) -> QModelIndex:
        """Home goes to the first conversation; the heading above it can't be current."""
        if action == QAbstractItemView.CursorAction.MoveHome:
            return self.conversations.index(min(1, self.conversations.rowCount() - 1))
        return super().moveCursor(action, keys)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Rename or delete the row under the mouse, or the current one when asked by key."""
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        self._show_menu(index, self.visualRect(index).center() if by_key else event.pos())

    def closeEditor(self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint) -> None:
        """Show the list that came while editing."""
        super().closeEditor(editor, hint)
        late, self._late = self._late, None
        if late is not None:
            self.set_conversations(late)

    def _open(self, index: QModelIndex) -> None:
        conversation = self.conversations.conversation(index)
        if conversation is not None:
            self.opened.emit(conversation.id)

    def _show_menu(self, index: QModelIndex, point: QPoint) -> None:
        conversation = self.conversations.conversation(index)
        if conversation is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Rename\tF2", lambda: self._edit_row_of(conversation.id))
        menu.addAction("Delete\tDel", lambda: self.delete_requested.emit(conversation.id))
        menu.popup(self.viewport().mapToGlobal(point))

    def _edit_row_of(self, conversation_id: int) -> None:
        row = self.conversations.row_of(conversation_id)
        if row >= 0:
            self.edit(self.conversations.index(row))
