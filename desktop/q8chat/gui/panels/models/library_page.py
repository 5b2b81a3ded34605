"""On this machine: every model in one table, with its details beside it."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import QMenu, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from q8chat.chat.events import EngineState
from q8chat.gui import library_text, theme
from q8chat.gui.context import AppContext
from q8chat.gui.library_text import Entry
from q8chat.gui.panels.models.library_actions import LibraryActions
from q8chat.gui.panels.models.library_memory import LibraryMemory
from q8chat.gui.panels.models.library_work import LibraryWork
from q8chat.gui.widgets.folder_dialog import FolderDialog
from q8chat.gui.widgets.library_empty import LibraryEmpty
from q8chat.gui.widgets.library_foot import LibraryFoot
from q8chat.gui.widgets.library_head import LibraryHead
from q8chat.gui.widgets.library_table import LibraryTable
from q8chat.gui.widgets.model_details import ModelDetailsPane
from q8chat.gui.widgets.tab_order import order_tabs
from q8chat.library.types import ModelDetails, ScanResult

BESIDE = 76  # units of the grid: in less width the details are below the table


class LibraryPage(QWidget):
    """Shows `context.library`; what is done with a model is in LibraryActions, its memory in LibraryMemory."""

    page_requested = Signal(str)

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self._context, self._library = context, context.library
        self._wanted = ""  # path to choose when it turns up, after a renaming
        self.head, self.foot = LibraryHead(), LibraryFoot()
        self.table, self.empty = LibraryTable(), LibraryEmpty()
        self.details = ModelDetailsPane()
        self.work = LibraryWork(context.worker, self)
        self.acting = LibraryActions(context, self.work, self.details, self)
        self.memory = LibraryMemory(context, self.work, self.table.rows, self.details)
        self._stack = QStackedWidget()
        self._ordering = QTimer(self, singleShot=True, interval=0)  # when what is new has got its place
        self._ordering.timeout.connect(lambda: order_tabs(self.table, self.details))
        self.splitter = QSplitter(Qt.Orientation.Horizontal, childrenCollapsible=False)
        self._lay_out()
        self._connect()
        self.foot.set_scanning(self._library.is_scanning)
        self._on_engine(self._library.engine)
        if self._library.result is not None:
            self._on_models(self._library.result)
        self._refresh()

    def _lay_out(self) -> None:
        self._stack.addWidget(self.table)
        self._stack.addWidget(self.empty)
        self._stack.setMinimumWidth(24 * theme.unit())
        self.splitter.addWidget(self._stack)
        self.splitter.addWidget(self.details)
        self.splitter.setStretchFactor(0, 2)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setSizes([80 * theme.unit(), 38 * theme.unit()])
        self.splitter.setHandleWidth(5)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.head)
        column.addWidget(self.splitter, 1)
        column.addWidget(self.foot)

    def _connect(self) -> None:
        self._library.changed.connect(self._on_models)
        self._library.scanning.connect(self._on_scanning)
        self._library.failed.connect(self._context.errors.show)
        self._context.operations.engine_state.connect(self._on_engine)
        self.head.filter.textChanged.connect(self._on_filter)
        self.head.filter.left_down.connect(self.table.setFocus)
        self.head.sort_menu.aboutToShow.connect(lambda: self.table.fill_sort_menu(self.head.sort_menu))
        self.head.folders_requested.connect(self.show_folders)
        self.head.scan_requested.connect(self._library.scan)
        self.empty.folders_requested.connect(self.show_folders)
        self.empty.discover_requested.connect(lambda: self.page_requested.emit("Discover"))
        self.empty.clear_requested.connect(self.head.filter.clear)
        self.table.entry_chosen.connect(self._on_chosen)
        self.table.opened.connect(lambda _: self.details.action_row.ask("chat"))
        self.table.delete_requested.connect(lambda: self.details.action_row.ask("delete"))
        self.table.menu_requested.connect(self._show_menu)
        self.work.details.connect(self._on_details)
        self.work.renamed.connect(self._on_renamed)
        self.work.deleted.connect(lambda _: self._library.scan())
        self.work.failed.connect(self._context.errors.show)
        refresh = QShortcut(QKeySequence("F5"), self)
        refresh.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        refresh.activated.connect(self._library.scan)

    # ---- what the panel and the window ask for -----------------------------------------------------------------

    def focus_search(self) -> None:
        """Ready to type a filter."""
        self.head.filter.focus()

    def take_focus(self) -> None:
        """To the table; where there is none, to what leads on."""
        if self._stack.currentWidget() is self.table:
            self.table.setFocus()
        else:
            (self.head.filter if self.empty.discover.isHidden() else self.empty.discover).setFocus()

    def show_model(self, path: str) -> None:
        """Choose this model, as soon as it is there."""
        self.head.filter.clear()
        self._wanted = "" if self.table.choose(path) else path
        self._library.scan()

    def rename(self) -> None:
        """Rename the chosen model."""
        self.details.action_row.ask("rename")

    def show_folders(self) -> FolderDialog:
        """The dialog of the folders that are looked into."""
        chosen = self._context.settings.settings.model_folders
        dialog = FolderDialog(self._context.library.own_folder, chosen, self.window())
        dialog.changed.connect(self._library.set_folders)
        self.work.known_folders(chosen, dialog.show_known, dialog.show_failure)
        if self._library.result is not None:
            dialog.show_scan(self._library.result)
        self._library.changed.connect(dialog.show_scan)
        dialog.destroyed.connect(self.work.forget_folders)
        dialog.open()
        return dialog

    def showEvent(self, event: QShowEvent) -> None:
        """Look again, for folders that can't be watched; the first row is chosen."""
        super().showEvent(event)
        self._library.scan()
        self.memory.refresh()
        self.table.setFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is little width the details are below the table."""
        super().resizeEvent(event)
        wide = self.width() >= BESIDE * theme.unit()
        self.splitter.setOrientation(Qt.Orientation.Horizontal if wide else Qt.Orientation.Vertical)

    def closeEvent(self, event: QCloseEvent) -> None:
        """The window is closing."""
        self.work.close()
        super().closeEvent(event)

    # ---- what is told ------------------------------------------------------------------------------------------

    def _on_models(self, result: ScanResult) -> None:
        self.table.rows.set_models(result.models)
        self.foot.show_problems(result.problems)
        self.memory.rate(result.models)
        if self._wanted and self.table.choose(self._wanted):
            self._wanted = ""
        self.table.choose_first()
        self._refresh()

    def _on_scanning(self, scanning: bool) -> None:
        self.foot.set_scanning(scanning)
        self._refresh()

    def _on_engine(self, state: EngineState) -> None:
        self.table.rows.set_loaded(state.path if state.loaded is not None else "")

    def _on_filter(self, text: str) -> None:
        self.table.filtered.set_filter(text)
        self.table.choose_first()
        self._refresh()

    def _on_chosen(self, entry: Entry | None) -> None:
        before = self.details.entry
        self.details.show_entry(entry)
        self._ordering.start()
        if entry is not None and (before is None or before.model != entry.model):
            self.work.read_details(entry.model)
            self.memory.show(entry.model)

    def _on_details(self, details: ModelDetails) -> None:
        self.details.show_details(details)
        self._ordering.start()

    def _on_renamed(self, _old: str, new: str) -> None:
        self._wanted = new
        self._library.scan()

    def _show_menu(self, point: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)
        self.details.action_row.fill_menu(menu)
        menu.popup(point)

    def _refresh(self) -> None:
        """Table or empty page, and the line below."""
        shown, text = self.table.filtered.rowCount(), self.head.filter.text().strip()
        if shown == 0 and self._library.result is None:
            self.empty.show_looking()
        elif shown == 0 and self.table.rows.entries:
            self.empty.show_no_match(text)
        elif shown == 0:
            self.empty.show_none()
        self._stack.setCurrentWidget(self.table if shown else self.empty)
        self.foot.summary.setText(library_text.summary(self.table.rows.entries, shown))
