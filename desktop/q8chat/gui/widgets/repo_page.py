"""The page of a repository: head, access, and two pages of its own: what it offers, and its card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QScrollArea, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from q8chat.gui import discover_text, quant_text, theme
from q8chat.gui.discover_text import Message
from q8chat.gui.offers import Offer
from q8chat.gui.widgets.discover_message import DiscoverMessage
from q8chat.gui.widgets.repo_page_access import AccessBox
from q8chat.gui.widgets.repo_page_card import CardView
from q8chat.gui.widgets.repo_page_files import RepoFiles
from q8chat.gui.widgets.repo_page_head import RepoHead
from q8chat.hub.types import RepoPage

if TYPE_CHECKING:
    from q8chat.jobs.repo_calls import RepoNeeds

TABS = ("Quantizations", "About this model")


class _Inside(QWidget):
    """Of a scroll area: as wide as that, and no higher than it must be at this width."""

    def minimumSizeHint(self) -> QSize:
        """By itself Qt takes the height that texts have when they are narrow."""
        area, layout = self.parentWidget(), self.layout()
        width = area.width() if area is not None else self.width()
        return QSize(0, layout.minimumHeightForWidth(width) if layout is not None else 0)


class RepoView(QWidget):
    """Shows what it is told; `retry_requested` when it could not be had."""

    retry_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.page: RepoPage | None = None
        self.head, self.access = RepoHead(), AccessBox()
        self.files, self.card, self.message = RepoFiles(), CardView(), DiscoverMessage()
        self.message.acted.connect(self.retry_requested)
        self.tabs = QTabBar()
        self.tabs.setObjectName("pageTabs")
        self.tabs.setAccessibleName("Parts of the page")
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for title in TABS:
            self.tabs.addTab(title)
        self._stack, self._area = QStackedWidget(), QScrollArea()  # it scrolls where letters are large
        for widget in (self.files, self.card, self.message):
            self._stack.addWidget(widget)
        self.tabs.currentChanged.connect(self._stack.setCurrentIndex)
        self._lay_out()

    def _lay_out(self) -> None:
        u = theme.unit()
        frame = QVBoxLayout()
        frame.setContentsMargins(2 * u, 0, 2 * u, u)
        frame.addWidget(self.access)
        tabs = QVBoxLayout()
        tabs.setContentsMargins(2 * u, 0, 2 * u, 0)
        tabs.addWidget(self.tabs)
        inside = _Inside()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.head)
        column.addLayout(frame)
        column.addLayout(tabs)
        column.addWidget(self._stack, 1)
        self._area.setWidget(inside)
        self._area.setWidgetResizable(True)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setAccessibleName("Page of the repository")
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._area)

    def show_loading(self, repo: str) -> None:
        """The page is on its way."""
        self.page = None
        self.head.show_name(repo)
        self.access.hide()
        self._show_message(Message(f"Opening {repo}…"))

    def show_failure(self, message: Message) -> None:
        """It could not be had."""
        self._show_message(message)

    def show_page(self, page: RepoPage, context: int) -> None:
        """Head and card; the offers come on their own."""
        self.page = page
        self.head.show_page(page)
        self.card.show_card(page.card, discover_text.without_card(page))
        self.files.set_contexts(page.context_length, context)
        count = len(page.quantizations)
        self.tabs.setTabText(0, f"Quantizations ({count})" if count else "Files")
        self.tabs.setCurrentIndex(0)
        self.tabs.show()
        self._stack.setCurrentWidget(self.files)

    def show_offers(self, offers: tuple[Offer, ...], needs: RepoNeeds | None) -> None:
        """The rows as they are now."""
        advice = quant_text.recommendation(needs, offers)
        if not offers:
            advice = "There is nothing here that Q8 Chat can load or convert."
        self.files.show_offers(offers, advice, needs.note if needs else "")

    def focus_table(self) -> None:
        """To the rows."""
        self.files.table.setFocus()
        self._area.ensureWidgetVisible(self.files.table, 0, 0)

    def _show_message(self, message: Message) -> None:
        self.tabs.hide()
        self.message.show_message(message)
        self._stack.setCurrentWidget(self.message)
