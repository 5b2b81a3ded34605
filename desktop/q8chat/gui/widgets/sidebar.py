"""The left column of the chat: new conversation, search, the list, and undo."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QLabel, QStackedWidget, QVBoxLayout, QWidget

from q8chat.chat import events
from q8chat.chat.types import SearchHit
from q8chat.gui import theme
from q8chat.gui.widgets.conversation_list import ConversationList
from q8chat.gui.widgets.icon_button import IconButton
from q8chat.gui.widgets.search_field import SearchField
from q8chat.gui.widgets.search_results import SearchResults
from q8chat.gui.widgets.undo_bar import UndoBar


class Sidebar(QFrame):
    """Emits what the user asks for; shows what the service answers."""

    new_requested = Signal()
    search_requested = Signal(str)
    hit_opened = Signal(SearchHit)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sidebar")
        self.new_button = IconButton("plus", "New conversation", shortcut="Ctrl+N")
        self.new_button.setObjectName("newChat")
        self.new_button.setText("New conversation")
        self.new_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.field = SearchField()
        self.list = ConversationList()
        self.results = SearchResults()
        self.message = QLabel(wordWrap=True, alignment=Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self.message.setProperty("role", "muted")
        self.undo_bar = UndoBar()
        self._stack = QStackedWidget()
        for page in (self.list, self.results, self.message):
            self._stack.addWidget(page)
        self._count = 0
        self._open_when_found = False
        self._shown_search = ""
        self._lay_out()
        self._connect()
        self._show_list()

    def _lay_out(self) -> None:
        u = theme.unit()
        self.message.setContentsMargins(2 * u, 3 * u, 2 * u, 0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, u, 0, u)
        column.setSpacing(u)
        for widget in (self.new_button, self.field, self._stack, self.undo_bar):
            if widget is self._stack:
                column.addWidget(widget, 1)
                continue
            box = QVBoxLayout()
            box.setContentsMargins(u, 0, u, 0)
            box.addWidget(widget)
            column.addLayout(box)
        policy = self.field.sizePolicy()
        self.new_button.setSizePolicy(policy.horizontalPolicy(), policy.verticalPolicy())

    def _connect(self) -> None:
        self.new_button.clicked.connect(self.new_requested)
        self.field.searched.connect(self._on_searched)
        self.field.entered.connect(self._on_entered)
        self.field.left_down.connect(self._focus_page)
        self.results.opened.connect(self.hit_opened)
        undo = QShortcut(QKeySequence(QKeySequence.StandardKey.Undo), self)
        undo.setContext(Qt.ShortcutContext.WindowShortcut)
        undo.activated.connect(self.undo_bar.undo)

    def minimumSizeHint(self) -> QSize:
        """Narrow enough for a window of 800 pixels."""
        return QSize(22 * theme.unit(), 0)

    def sizeHint(self) -> QSize:
        """Room for a usual title."""
        return QSize(32 * theme.unit(), 60 * theme.unit())

    def show_conversations(self, event: events.ConversationList) -> None:
        """A new list."""
        self._count = len(event.conversations)
        self.list.set_conversations(event.conversations)
        if not self.field.text().strip():
            self._show_list()

    def show_results(self, event: events.SearchResults) -> None:
        """Results of a search, unless the user has typed on."""
        if event.text.strip() != self.field.text().strip() or not event.text.strip():
            return
        self.results.show_hits(event.hits)
        self._shown_search = event.text.strip()
        if not event.hits:
            self._show_message(f"No message contains ‘{event.text}’.")
            return
        self._stack.setCurrentWidget(self.results)
        if self._open_when_found:
            self._open_when_found = False
            self.results.open_current()

    def focus_search(self) -> None:
        """Ready to type a search."""
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()

    def _focus_page(self) -> None:
        (self.results if self._stack.currentWidget() is self.results else self.list).setFocus()

    def _on_searched(self, text: str) -> None:
        self._open_when_found = False
        self._shown_search = ""
        if text:
            self.search_requested.emit(text)
        else:
            self._show_list()

    def _on_entered(self) -> None:
        text = self.field.text().strip()
        if text and text == self._shown_search:
            self.results.open_current()
        else:
            self._open_when_found = bool(text)

    def _show_list(self) -> None:
        if self._count:
            self._stack.setCurrentWidget(self.list)
        else:
            self._show_message("Your conversations will be listed here.")

    def _show_message(self, text: str) -> None:
        self.message.setText(text)
        self._stack.setCurrentWidget(self.message)
