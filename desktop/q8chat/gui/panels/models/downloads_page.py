"""Downloads: what is being fetched or made, and what was."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from q8chat.gui.context import AppContext
from q8chat.gui.widgets.job_list import JobList

EMPTY = "Nothing is being downloaded. Find a model under Discover."


class DownloadsPage(QWidget):
    """The list of jobs; a model that is there can be chatted with."""

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self.list = JobList(context.jobs, EMPTY)
        self.list.opened.connect(lambda path: context.models.chat_with(path, loaded=False))
        self.list.located.connect(context.models.show_in_library)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.list)

    def take_focus(self) -> None:
        """To the row at the top."""
        self.list.take_focus()
