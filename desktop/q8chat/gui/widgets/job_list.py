"""All downloads and other jobs: what is under way at the top, what is finished below."""

from __future__ import annotations

from collections.abc import Container

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMessageBox, QPushButton, QScrollArea, QVBoxLayout, QWidget

from q8chat.gui import job_text, theme
from q8chat.gui.operations import JobOperations
from q8chat.gui.widgets.job_row import JobRow
from q8chat.gui.widgets.tab_order import order_tabs
from q8chat.jobs.types import JobRecord


class JobList(QWidget):
    """Shows the jobs and passes on what the user wants done with them. `empty` is said while there are none.

    kinds: only jobs of these. inline: as high as its rows, inside of a page that scrolls.
    """

    opened = Signal(str)  # path of a model that was fetched or made, to chat with
    located = Signal(str)  # the same, to be shown in the library

    def __init__(
        self,
        jobs: JobOperations,
        empty: str,
        parent: QWidget | None = None,
        *,
        kinds: Container[str] | None = None,
        inline: bool = False,
    ) -> None:
        super().__init__(parent)
        self._jobs, self._kinds, self._inline = jobs, kinds, inline
        self.rows: dict[str, JobRow] = {}
        self.summary = QLabel()
        self.summary.setProperty("role", "muted")
        self.clear_button = QPushButton("Clear finished")
        self.clear_button.setToolTip("Remove everything that is done or cancelled from this list; files stay")
        self.clear_button.clicked.connect(self._clear_finished)
        self.empty = QLabel(empty, wordWrap=True, alignment=Qt.AlignmentFlag.AlignCenter)
        self.empty.setProperty("role", "muted")
        self._question: QMessageBox | None = None
        self._sorting = QTimer(self, singleShot=True, interval=0)
        self._sorting.timeout.connect(self._sort)
        self._lay_out()
        jobs.changed.connect(self._on_changed)
        jobs.removed.connect(self._on_removed)
        jobs.start()
        for record in jobs.records():
            self._on_changed(record)
        self._sort()

    def _lay_out(self) -> None:
        u = theme.unit()
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, u, 0)
        head.addWidget(self.summary, 1)
        head.addWidget(self.clear_button)
        inside = self._inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, u, 0)
        self._column.setSpacing(u)
        self._column.addStretch(1)
        self._area = QScrollArea()
        self._area.setWidget(inside)
        self._area.setWidgetResizable(True)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setAccessibleName("Downloads and other work")
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * u, u, u, 2 * u)
        if self._inline:
            inside.installEventFilter(self)
            self._area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            self._column.setContentsMargins(0, 0, 0, 0)
            column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(u)
        column.addLayout(head)
        column.addWidget(self.empty, 1)
        column.addWidget(self._area, 1)

    def take_focus(self) -> None:
        """To the row at the top, if there is one."""
        rows = self._in_order()
        if rows:
            rows[0].main_button().setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Inline, the area is as high as what is in it."""
        if watched is self._inside and event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize):
            height = self._column.totalHeightForWidth(self._inside.width())
            self._area.setFixedHeight(max(height, self._column.totalMinimumSize().height()))
        return super().eventFilter(watched, event)

    def _on_changed(self, record: JobRecord) -> None:
        if self._kinds is not None and record.kind not in self._kinds:
            return
        row = self.rows.get(record.id)
        if row is None:
            row = self.rows[record.id] = JobRow(record)
            row.acted.connect(self._act)
            row.opened.connect(self.opened)
            row.located.connect(self.located)
            row.left.connect(lambda step, row=row: self._move(row, step))
            self._sorting.start()
        elif row.record.state != record.state:
            self._sorting.start()
        row.set_record(record)

    def _on_removed(self, job: str) -> None:
        row = self.rows.get(job)
        if row is None:
            return
        if row.isAncestorOf(self.focusWidget()):
            self._move(row, 1)
        del self.rows[job]
        self._column.removeWidget(row)
        row.deleteLater()
        self._sorting.start()

    def _sort(self) -> None:
        rows = self._in_order()
        for number, row in enumerate(rows):
            if self._column.indexOf(row) != number:
                self._column.insertWidget(number, row)
            row.show()
        self.summary.setText(job_text.summary(row.record for row in rows))
        self.clear_button.setEnabled(any(row.record.is_finished and not row.record.error for row in rows))
        self.clear_button.setVisible(bool(rows))
        self.empty.setVisible(not rows)
        self._area.setVisible(bool(rows))
        order_tabs(self.clear_button, self._area)

    def _in_order(self) -> list[JobRow]:
        """Unfinished ones as they come, then finished ones, the latest first."""

        def place(row: JobRow) -> tuple[bool, float, str]:
            record = row.record
            return (record.is_finished, -(record.finished or 0.0) if record.is_finished else 0.0, record.id)

        return sorted(self.rows.values(), key=place)

    def _move(self, row: JobRow, step: int) -> None:
        """To the same button of the row above or below; where there is none, stay, or leave a row that goes."""
        rows = self._in_order()
        number = rows.index(row) + step
        if not 0 <= number < len(rows):
            number = rows.index(row) - step
        if not 0 <= number < len(rows):
            self.clear_button.setFocus()
            return
        target = rows[number]
        button = target.second if row.second.hasFocus() else target.main_button()
        button.setFocus()
        self._area.ensureWidgetVisible(target)

    # ---- acting ------------------------------------------------------------------------------------------------

    def _clear_finished(self) -> None:
        if self._kinds is None:
            self._jobs.clear_finished()
            return
        for row in self._in_order():
            if row.record.is_finished and row.record.error is None:
                self._jobs.clear(row.record.id)

    def _act(self, record: JobRecord, action: str) -> None:
        loses = action == "cancel" or (action == "clear" and record.error is not None)
        if loses and record.progress.done:
            self._ask(record, action)
        else:
            getattr(self._jobs, action)(record.id)

    def _ask(self, record: JobRecord, action: str) -> None:
        """Cancelling removes what was done so far: not by a slip of the finger."""
        if self._question is not None:
            return
        box = self._question = QMessageBox(self.window())
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("Cancel")
        box.setText(f"Cancel ‘{record.title}’?")
        box.setInformativeText(f"What was done so far is removed: {job_text.amount(record.progress)}.")
        yes = box.addButton("Cancel and remove", QMessageBox.ButtonRole.DestructiveRole)
        keep = box.addButton("Keep", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(keep)
        box.setEscapeButton(keep)
        box.finished.connect(lambda _: self._answered(box.clickedButton() is yes, record, action))
        box.open()

    def _answered(self, yes: bool, record: JobRecord, action: str) -> None:
        self._question = None
        if yes:
            getattr(self._jobs, action)(record.id)
