"""Models: what is on this machine, what the hub has, and what is being fetched or made; one page each."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QKeyEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from q8chat.gui import theme
from q8chat.gui.context import AppContext
from q8chat.gui.panels.models.library_page import LibraryPage
from q8chat.gui.panels.models.pages import (
    DOWNLOADS,
    LIBRARY,
    PAGES,
    PageFocus,
    PageLinks,
    PageRenaming,
    PageSearch,
)
from q8chat.gui.widgets.discover_offline import OfflineSwitch
from q8chat.hub.client import is_offline_by_environment
from q8chat.jobs.types import JobRecord, JobState

WIDE = 92  # units of the grid: in less width the switch for offline mode is short


class ModelsPanel(QWidget):
    """Tabs at the top choose the page; a page is made when first shown."""

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self._context = context
        self._pages: dict[int, QWidget] = {}
        self._stack = QStackedWidget()
        self.tabs = QTabBar()
        self.tabs.setObjectName("pageTabs")
        self.tabs.setAccessibleName("Pages of the models")
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setUsesScrollButtons(False)
        self.tabs.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for page in PAGES:
            self.tabs.addTab(page.title)
        self.offline = OfflineSwitch()
        self._lay_out()
        self.tabs.currentChanged.connect(self._on_tab)
        for signal in (context.jobs.changed, context.jobs.removed):
            signal.connect(self._count_jobs)
        self._count_jobs()
        context.jobs.changed.connect(self._on_job)
        self.offline.wanted.connect(lambda offline: context.settings.update(offline=offline))
        context.settings.changed.connect(self._show_offline)
        self._show_offline()
        for keys, step in (("Ctrl+PgDown", 1), ("Ctrl+PgUp", -1)):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(lambda step=step: self._turn(step))
        self._on_tab(0)

    def _lay_out(self) -> None:
        u = theme.unit()
        bar = QFrame()
        bar.setObjectName("pageBar")
        row = QHBoxLayout(bar)
        row.setContentsMargins(2 * u, u, 2 * u, u)
        row.addWidget(self.tabs)
        row.addStretch(1)
        row.addWidget(self.offline)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(bar)
        column.addWidget(self._stack, 1)

    def show_page(self, title: str) -> QWidget:
        """Bring the page of this title to the front. Raises StopIteration when there is none."""
        number = next(n for n, page in enumerate(PAGES) if page.title == title)
        self.tabs.setCurrentIndex(number)
        return self.page(number)

    def show_model(self, path: str) -> None:
        """Choose a model in the library."""
        page = self.show_page(LIBRARY)
        if isinstance(page, LibraryPage):
            page.show_model(path)

    def page(self, number: int) -> QWidget:
        """The page of that number; made when first asked for."""
        if number not in self._pages:
            page = self._pages[number] = PAGES[number].create(self._context)
            self._stack.addWidget(page)
            if isinstance(page, PageLinks):
                page.page_requested.connect(self.show_page)
        return self._pages[number]

    def focus_search(self) -> None:
        """To the search field of the page in view, if it has one."""
        page = self._stack.currentWidget()
        if isinstance(page, PageSearch):
            page.focus_search()

    def rename(self) -> None:
        """Rename what is chosen in the page in view, if it can be."""
        page = self._stack.currentWidget()
        if isinstance(page, PageRenaming):
            page.rename()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """/ leads to the search field, where no field took it as text."""
        if event.text() == "/":
            self.focus_search()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The switch for offline mode has a long text where there is room."""
        super().resizeEvent(event)
        self.offline.set_short(event.size().width() < WIDE * theme.unit())

    def closeEvent(self, event: QCloseEvent) -> None:
        """Tell the pages that the window is closing."""
        for page in self._pages.values():
            page.close()
        super().closeEvent(event)

    def _turn(self, step: int) -> None:
        """To the page before or after this one, ready for the next key."""
        self.tabs.setCurrentIndex((self.tabs.currentIndex() + step) % self.tabs.count())
        page = self._stack.currentWidget()
        if isinstance(page, PageFocus):
            page.take_focus()

    def _count_jobs(self) -> None:
        """How much is under way stands beside the name of the downloads."""
        n = sum(not record.is_finished for record in self._context.jobs.records())
        number = next(n for n, page in enumerate(PAGES) if page.title == DOWNLOADS)
        self.tabs.setTabText(number, f"{DOWNLOADS} ({n})" if n else DOWNLOADS)

    def _on_job(self, record: JobRecord) -> None:
        """What was fetched or made is looked for at once."""
        if record.state == JobState.DONE:
            self._context.library.scan()

    def _show_offline(self) -> None:
        self.offline.show_offline(self._context.settings.settings.offline, forced=is_offline_by_environment())

    def _on_tab(self, number: int) -> None:
        self._stack.setCurrentWidget(self.page(number))
