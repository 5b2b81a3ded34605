"""Convert: a checkpoint or a model, at which level, where to; and the work under way."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from q8chat.core.errors import Q8Error
from q8chat.gui import theme
from q8chat.gui.context import AppContext
from q8chat.gui.convert_draft import KINDS
from q8chat.gui.operations.questions import Questions
from q8chat.gui.panels.convert.desk import ConvertDesk, Sections
from q8chat.gui.widgets.convert_destination import DestinationSection
from q8chat.gui.widgets.convert_levels import LevelSection
from q8chat.gui.widgets.convert_options import OptionsForm
from q8chat.gui.widgets.convert_source import SourceSection
from q8chat.gui.widgets.job_list import JobList
from q8chat.gui.widgets.job_row import JobRow
from q8chat.gui.widgets.model_details_facts import heading
from q8chat.gui.widgets.model_details_fold import Fold
from q8chat.gui.widgets.tab_order import order_tabs

WIDEST = 132  # units of the grid: lines longer than that are hard to read
ARRIVAL_MS = 30  # until the row of a new job has got its place
NO_JOBS = "Nothing is being converted."


class ConvertPanel(QScrollArea):
    """One column, as wide as is good to read. What is dropped on it becomes the source."""

    def __init__(self, context: AppContext) -> None:
        super().__init__(widgetResizable=True)
        self.setAcceptDrops(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._context = context
        self._questions = Questions(context.worker, self)
        self.source, self.levels = SourceSection(), LevelSection()
        self.form, self.destination = OptionsForm(), DestinationSection()
        self.options = Fold("Options", self.form)
        self.jobs = JobList(context.jobs, NO_JOBS, kinds=KINDS, inline=True)
        sections = Sections(self.source, self.levels, self.form, self.destination)
        self.desk = ConvertDesk(context, sections, self)
        self._checkpoints: list[str] = []
        self._ordering = QTimer(self, singleShot=True, interval=0)  # when what is new has got its place
        self._ordering.timeout.connect(self._order)
        self._new_job = ""
        self._arriving = QTimer(self, singleShot=True, interval=ARRIVAL_MS)
        self._arriving.timeout.connect(self._show_new_job)
        self._following = QTimer(self, singleShot=True, interval=0)  # after Qt has made its own idea of it visible
        self._following.timeout.connect(self._follow)
        self._lay_out()
        self._connect()
        self._on_source(False)

    def _lay_out(self) -> None:
        u = theme.unit()
        title = QLabel("Convert")
        title.setProperty("role", "title")
        self._work = QWidget()
        work = QVBoxLayout(self._work)
        work.setContentsMargins(0, 0, 0, 0)
        work.setSpacing(u)
        work.addWidget(heading("Work"))
        work.addWidget(self.jobs)
        page = QWidget()
        self._column = QVBoxLayout(page)
        self._column.setContentsMargins(3 * u, 2 * u, 3 * u, 3 * u)
        self._column.setSpacing(3 * u)
        for widget in (title, self.source, self.levels, self.options, self.destination, self._work):
            self._column.addWidget(widget)
        self._column.addStretch(1)
        self.setWidget(page)

    def _connect(self) -> None:
        context = self._context
        self.desk.source_changed.connect(self._on_source)
        self.desk.submitted.connect(self._on_submitted)
        self.levels.table.row_moved.connect(self._follow_row)
        self.options.head.toggled.connect(lambda _: self._ordering.start())
        self.form.changed.connect(self._ordering.start)
        self.levels.chosen.connect(lambda _: self._ordering.start())  # the table is there now
        self.jobs.opened.connect(lambda path: context.models.chat_with(path, loaded=False))
        self.jobs.located.connect(context.models.show_in_library)
        for signal in (context.jobs.changed, context.jobs.removed):
            signal.connect(self._show_work)
        context.library.changed.connect(self._offer)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._follow_focus)

    def show_model(self, path: str) -> None:
        """Take this model as the source."""
        self.desk.choose(path)

    def focus_search(self) -> None:
        """To the field of the source."""
        self.source.field.setFocus()
        self.source.line.selectAll()

    # ---- events ------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """What can be chosen may have changed."""
        super().showEvent(event)
        self._context.library.scan_first()
        self._questions.ask("convert.checkpoints", {}, self._on_checkpoints, self._on_no_checkpoints)
        self._offer()
        self.desk.look_again()
        if self.desk.source is None:
            self.source.field.setFocus()

    def closeEvent(self, event: QCloseEvent) -> None:
        """The window is closing."""
        self.desk.close()
        self._questions.drop()
        super().closeEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wide windows get margins, not longer lines."""
        super().resizeEvent(event)
        u = theme.unit()
        side = max(3 * u, (self.viewport().width() - WIDEST * u) // 2)
        self._column.setContentsMargins(side, 2 * u, side, 3 * u)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take folders and files."""
        if _dropped(event):
            self.source.set_dragged(True)
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """It went elsewhere."""
        self.source.set_dragged(False)
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """The source."""
        self.source.set_dragged(False)
        path = _dropped(event)
        if path:
            event.acceptProposedAction()
            self.desk.choose(path)

    # ---- what is told ------------------------------------------------------------------------------------------

    def _on_source(self, there: bool) -> None:
        for widget in (self.levels, self.options, self.destination):
            widget.setVisible(there)
        self._show_work()
        self._ordering.start()

    def _order(self) -> None:
        page = self.widget()
        if page is not None:
            order_tabs(self.source.field, page)

    def _show_work(self) -> None:
        self._work.setVisible(bool(self.jobs.rows))
        self._ordering.start()
        if self._new_job:
            self._arriving.start()

    def _on_submitted(self, job: str) -> None:
        """Its row is there a moment later."""
        self._new_job = job

    def _show_new_job(self) -> None:
        row = self.jobs.rows.get(self._new_job)
        if row is not None and row.isVisible():
            self._new_job = ""
            (row.first if row.first.isVisible() else row.second).setFocus()

    def _on_checkpoints(self, folders: list[str]) -> None:
        self._checkpoints = folders
        self._offer()

    def _on_no_checkpoints(self, _error: Q8Error) -> None:
        """The list then has the models only."""

    def _offer(self) -> None:
        here = [(f"{_name(path)} (checkpoint)", path) for path in self._checkpoints]
        models = sorted(self._context.library.models, key=lambda m: m.name.casefold())
        self.source.set_offers([*here, *((m.name, m.path) for m in models if m.usable)])

    def _follow_focus(self, _before: QWidget | None, now: QWidget | None) -> None:
        """Keep in view what has the focus; the table is too high for that and tells its rows."""
        page = self.widget()
        if now is not None and page is not None and page.isAncestorOf(now) and now is not self.levels.table:
            self._following.start()

    def _follow(self) -> None:
        """All of it: Qt's own way shows the cursor's line of a text only."""
        now, page = QApplication.focusWidget(), self.widget()
        if now is not None and page is not None and page.isAncestorOf(now):
            row = now.parentWidget()
            shown = row if isinstance(row, JobRow) else now
            top = shown.mapTo(page, QPoint(0, 0)).y()
            for y in (top + shown.height(), top):
                self.ensureVisible(0, y, 0, 2 * theme.unit())

    def _follow_row(self, row: QRect) -> None:
        page = self.widget()
        if page is not None:
            center = self.levels.table.viewport().mapTo(page, row.center())
            self.ensureVisible(0, center.y(), 0, 4 * theme.unit())


def _name(path: str) -> str:
    """The last two parts: publisher/name in our folder of models."""
    return "/".join(path.replace("\\", "/").split("/")[-2:])


def _dropped(event: QDropEvent) -> str:
    files = [url.toLocalFile() for url in event.mimeData().urls()]
    return next((f for f in files if f), "")
