"""One download or other job: what it is, how far, and what can be done about it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QProgressBar, QPushButton, QVBoxLayout, QWidget

from q8chat.gguf_files import naming
from q8chat.gui import job_text, place_text, theme
from q8chat.gui.widgets.elided_label import ElidedLabel
from q8chat.gui.widgets.icon_button import IconButton
from q8chat.gui.widgets.job_log import JobLog
from q8chat.jobs.types import JobRecord, JobState

STEPS = 1000  # of the bar
# State: icon, word and signal of the first button; the second one cancels, or clears what is finished.
_FIRST: dict[JobState, tuple[str, str, str]] = {
    JobState.QUEUED: ("pause", "Pause", "pause"),
    JobState.RUNNING: ("pause", "Pause", "pause"),
    JobState.PAUSED: ("play", "Resume", "resume"),
    JobState.FAILED: ("refresh", "Try again", "retry"),
    JobState.CANCELLED: ("refresh", "Start again", "retry"),
}


class JobRow(QFrame):
    """`acted` says what the user wants: pause, resume, retry, cancel or clear. Arrow keys lead to other rows."""

    acted = Signal(object, str)  # JobRecord, action
    opened = Signal(str)  # path of the model it has made or fetched
    located = Signal(str)  # the same, to be shown in the library
    left = Signal(int)  # -1: to the row above, 1: below

    def __init__(self, record: JobRecord, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("jobRow")
        self.record = record
        self.title: QLabel = ElidedLabel(record.title)
        self.title.setProperty("role", "heading")
        self.bar = QProgressBar(maximum=STEPS, textVisible=False)
        self.status, self.error = QLabel(wordWrap=True), QLabel(wordWrap=True)
        for label in (self.title, self.status, self.error):
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.error.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.open = QPushButton("Chat")
        self.open.setToolTip("Load this model and chat with it")
        self.open.clicked.connect(lambda: self.opened.emit(_model(self.record)))
        self.locate = IconButton("library", "Show in the library")
        self.locate.clicked.connect(lambda: self.located.emit(_model(self.record)))
        self.first = IconButton("pause", "Pause")
        self.first.clicked.connect(lambda: self.acted.emit(self.record, _FIRST[self.record.state][2]))
        self.second = IconButton("close", "Cancel")
        self.second.clicked.connect(self._on_second)
        self.more = IconButton("more", "More")
        self.more.clicked.connect(self._show_menu)
        self._lay_out()
        self._show(None)

    def set_record(self, record: JobRecord) -> None:
        """Show what is known now."""
        before, self.record = self.record, record
        if record != before:
            self._show(before.state)

    def main_button(self) -> QPushButton | IconButton:
        """What one most likely wants to press now."""
        return next(b for b in (self.open, self.first, self.second) if not b.isHidden())

    def _lay_out(self) -> None:
        u = theme.unit()
        head = QHBoxLayout()
        head.setSpacing(u // 2)
        head.addWidget(self.title, 1)
        for button in (self.open, self.locate, self.first, self.second, self.more):
            head.addWidget(button)
            button.installEventFilter(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * u, u, u, u + u // 2)
        column.setSpacing(u // 2)
        column.addLayout(head)
        below = QVBoxLayout()
        below.setContentsMargins(0, 0, u, 0)
        below.setSpacing(u)
        for widget in (self.bar, self.status, self.error):
            below.addWidget(widget)
        column.addLayout(below)

    def _show(self, before: JobState | None) -> None:
        record = self.record
        text = job_text.status(record)
        self.status.setText(text)
        self.bar.setValue(round(record.progress.fraction * STEPS))
        if record.state == before and self.error.text() == _words(record):
            return
        self.error.setText(_words(record))
        self.error.setVisible(record.error is not None)
        self.bar.setVisible(record.state not in (JobState.DONE, JobState.CANCELLED))
        self._show_buttons()
        tone = job_text.tone(record)
        self.setProperty("tone", tone)
        self.status.setProperty("role", "muted" if tone in ("", "waiting") else tone)
        for widget in (self, self.bar, self.status):
            widget.style().polish(widget)
        self.setAccessibleName(f"{record.title}: {text}")
        self.setAccessibleDescription(_words(record))
        self.bar.setAccessibleName(f"Progress of {record.title}")
        if before is not None:
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))

    def _show_buttons(self) -> None:
        state, title = self.record.state, self.record.title
        had_focus = self.first.hasFocus()
        self.open.setVisible(bool(_model(self.record)))
        self.open.setAccessibleName(f"Chat with {title}")
        self.locate.setVisible(bool(_model(self.record)))
        self.locate.setAccessibleName(f"Show in the library: {title}")
        self.first.setVisible(state in _FIRST)
        if had_focus and state not in _FIRST:
            (self.open if _model(self.record) else self.second).setFocus()
        if state in _FIRST:
            icon, word, _ = _FIRST[state]
            _relabel(self.first, icon, word, title)
        if self.record.is_finished:
            _relabel(self.second, "close", "Remove from the list", title)
        else:
            _relabel(self.second, "close", "Cancel", title)
        self.second.setEnabled(state != JobState.CANCELLING)
        self.more.setVisible(bool(self.record.log))
        self.more.setAccessibleName(f"More about {title}")

    def _on_second(self) -> None:
        self.acted.emit(self.record, "clear" if self.record.is_finished else "cancel")

    def _show_menu(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Show the log", self.show_log)
        menu.popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))

    def show_log(self) -> JobLog:
        """What the job's process has written."""
        dialog = JobLog(self.record, self.window())
        dialog.open()
        return dialog

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """In a button, Up and Down go to the other rows, Del cancels or clears."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            moves = {Qt.Key.Key_Up.value: -1, Qt.Key.Key_Down.value: 1}
            if event.key() in moves:
                self.left.emit(moves[event.key()])
                return True
            if event.key() == Qt.Key.Key_Delete and self.second.isEnabled():
                self._on_second()
                return True
        return super().eventFilter(watched, event)


def _relabel(button: IconButton, icon: str, word: str, title: str) -> None:
    button.set_icon(icon)
    button.setToolTip(word)
    button.setAccessibleName(f"{word}: {title}")


def _model(record: JobRecord) -> str:
    """The first of the files it names in its result, or the only one, if that is a model to load."""
    files = record.result.get("files") or [record.result.get("path", "")]
    loadable = str(files[0]).endswith(".gguf") and not naming.is_imatrix(str(files[0]))
    return str(files[0]) if record.state == JobState.DONE and loadable else ""


def _words(record: JobRecord) -> str:
    return place_text.in_words(f"{record.error.message} {record.error.hint}".strip()) if record.error else ""
