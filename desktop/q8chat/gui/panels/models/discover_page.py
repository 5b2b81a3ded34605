"""Discover: search the hub, look at a repository, choose a quantization, fetch it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from q8chat.core.errors import Q8Error
from q8chat.core.settings import Settings
from q8chat.gui import discover_text
from q8chat.gui.context import AppContext
from q8chat.gui.discover_text import Message
from q8chat.gui.panels.models.discover_repo import DiscoverRepo
from q8chat.gui.panels.models.discover_work import DiscoverWork
from q8chat.gui.widgets.discover_head import DiscoverHead
from q8chat.gui.widgets.discover_message import DiscoverMessage
from q8chat.gui.widgets.discover_results import DiscoverResults
from q8chat.gui.widgets.repo_page import RepoView
from q8chat.hub.client import is_offline_by_environment
from q8chat.hub.types import RepoHit, SearchPage


class DiscoverPage(QWidget):
    """Nothing is asked before the user types, presses a button or opens a repository."""

    page_requested = Signal(str)

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self._context = context
        self._asked: str | None = None  # text of the last search, "" for popular models, None for none
        self._cursor = ""
        self._offline = self._waits = False
        self._left = ("", "")  # repository and row that were open when offline mode began
        self.head, self.message, self.results = DiscoverHead(), DiscoverMessage(), DiscoverResults()
        self.repo = RepoView()
        self.work = DiscoverWork(context.worker, self)
        self.acting = DiscoverRepo(context, self.work, self.repo, self)
        self._search_view = QWidget()
        self._below, self._stack = QStackedWidget(), QStackedWidget()
        self._lay_out()
        self._connect()
        self._on_settings(context.settings.settings)

    def _lay_out(self) -> None:
        self._below.addWidget(self.message)
        self._below.addWidget(self.results)
        column = QVBoxLayout(self._search_view)
        column.addWidget(self._below)
        column.setContentsMargins(0, 0, 0, 0)
        self._stack.addWidget(self._search_view)
        self._stack.addWidget(self.repo)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.head)
        whole.addWidget(self._stack, 1)

    def _connect(self) -> None:
        self.head.field.searched.connect(self._on_typed)
        self.head.field.entered.connect(self._on_entered)
        self.head.field.left_down.connect(self._go_down)
        self.head.chosen.connect(self._again)
        self.message.acted.connect(self._on_message)
        self.results.list.opened.connect(self._on_opened)
        self.results.more_requested.connect(self._ask_more)
        self.repo.head.back_requested.connect(self.back)
        self.acting.page_requested.connect(self.page_requested)
        self.work.found.connect(self._on_found)
        self.work.found_more.connect(self._on_more)
        self.work.search_failed.connect(self._on_failed)
        self.work.busy.connect(self.head.set_busy)
        self._context.settings.changed.connect(self._on_settings)
        self._context.settings.saved.connect(self._on_saved)
        back = QShortcut(QKeySequence("Alt+Left"), self)
        back.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        back.activated.connect(self.back)

    # ---- what the panel asks for -------------------------------------------------------------------------------

    def focus_search(self) -> None:
        """Ready to type."""
        self.head.field.focus()

    def take_focus(self) -> None:
        """To the rows of the open repository, or ready to type."""
        if self._stack.currentWidget() is self.repo:
            self.repo.focus_table()
        else:
            self.focus_search()

    def back(self) -> None:
        """From a repository to where it was opened."""
        if self._stack.currentWidget() is self.repo:
            self.acting.leave()
            self._stack.setCurrentWidget(self._search_view)
            (self.results.list if self._below.currentWidget() is self.results else self.head.field).setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc leads back from a repository, where nothing else had a use for it."""
        if event.key() == Qt.Key.Key_Escape and self._stack.currentWidget() is self.repo:
            self.back()
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """The window is closing."""
        self.work.stop()
        super().closeEvent(event)

    # ---- asking ------------------------------------------------------------------------------------------------

    def _on_typed(self, text: str) -> None:
        """Typing has paused: addresses are opened, all else is searched for."""
        if not text:
            self._asked = None
            self.work.stop()
            self._show_search()
            self._say(discover_text.START)
        elif not (discover_text.is_complete(text) and self._open_named(text)):
            self._search(text)

    def _on_entered(self) -> None:
        text = self.head.field.text().strip()
        if text and not self._open_named(text):
            self._search(text)

    def _open_named(self, text: str) -> bool:
        named = discover_text.reference(text)
        if named is not None:
            self.open(named.repo, named.what)
        return named is not None

    def open(self, repo: str, what: str = "") -> None:
        """The page of a repository; `what`: the quantization or file to choose there."""
        self._left = (repo, what) if self._offline else ("", "")
        if self._offline:
            self._show_search()
            self._say_offline()
            return
        self._stack.setCurrentWidget(self.repo)
        self.acting.open(repo, what)

    def _search(self, text: str) -> None:
        self._asked, self._left = text, ("", "")
        self._show_search()
        if self._offline:
            self._say_offline()
        else:
            self.work.search(text, self.head.kind, self.head.sort)

    def _again(self) -> None:
        if self._asked is not None:
            self._search(self._asked)

    def _ask_more(self) -> None:
        if self._asked is not None and self._cursor and not self._offline:
            self.work.search(self._asked, self.head.kind, self.head.sort, self._cursor)

    def _on_opened(self, hit: RepoHit) -> None:
        self.open(hit.repo)

    def _go_down(self) -> None:
        if self._stack.currentWidget() is self.repo:
            self.repo.focus_table()
        else:
            results = self._below.currentWidget() is self.results
            (self.results.list if results else self.message.button).setFocus()

    # ---- what came ---------------------------------------------------------------------------------------------

    def _on_found(self, page: SearchPage) -> None:
        self._cursor = page.cursor
        self.results.show_hits(page.hits, more=bool(page.cursor))
        if page.hits:
            self._below.setCurrentWidget(self.results)
        else:
            self._say(discover_text.nothing_found(self._asked or "", self.head.kind))

    def _on_more(self, page: SearchPage) -> None:
        self._cursor = page.cursor
        self.results.add_hits(page.hits, more=bool(page.cursor))

    def _on_failed(self, error: Q8Error) -> None:
        self._say(discover_text.failed(error))

    def _on_message(self) -> None:
        """Its button: go online, try again, or show popular models."""
        if self._offline:
            self._context.settings.update(offline=False)
        else:
            self._search(self._asked or "")

    def _on_settings(self, settings: Settings) -> None:
        offline = settings.offline or is_offline_by_environment()
        if offline == self._offline:
            return
        self._offline = offline
        self.work.stop()
        if offline:
            self._left = (self.acting.repo, self.acting.chosen())
            self._show_search()
            self._say_offline()
        else:
            self._waits = True  # for the setting to be on disk: the worker looks there before it asks
            self._say(discover_text.START)

    def _on_saved(self, settings: Settings) -> None:
        """Go on with what was open, or typed, while offline."""
        if not self._waits or settings.offline:
            return
        self._waits = False
        if self._left[0]:
            self.open(*self._left)
        elif self._asked is not None:
            self._search(self._asked)

    def _say(self, message: Message) -> None:
        self.message.show_message(message)
        self._below.setCurrentWidget(self.message)

    def _say_offline(self) -> None:
        self._say(discover_text.OFFLINE_BY_ENVIRONMENT if is_offline_by_environment() else discover_text.OFFLINE)

    def _show_search(self) -> None:
        self.acting.leave()
        self._stack.setCurrentWidget(self._search_view)
