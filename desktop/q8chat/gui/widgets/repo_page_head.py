"""The head of a repository's page: the way back, its name, and what is known about it."""

from __future__ import annotations

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from q8chat.gui import discover_text, theme
from q8chat.gui.widgets.discover_row import SEPARATOR
from q8chat.gui.widgets.elided_label import ElidedLabel
from q8chat.gui.widgets.icon_button import IconButton
from q8chat.gui.widgets.markdown_leaves import may_open
from q8chat.hub.types import RepoPage


class RepoHead(QWidget):
    """A licence with a text of its own can be opened in the browser."""

    back_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.back = IconButton("chevron-left", "Back to the results", shortcut="Esc")
        self.back.clicked.connect(self.back_requested)
        self.title = ElidedLabel()
        self.title.setProperty("role", "title")
        self.publisher = ElidedLabel()
        self.facts = QLabel(wordWrap=True)
        for label in (self.title, self.publisher, self.facts):
            label.setTextFormat(Qt.TextFormat.PlainText)
        for label in (self.publisher, self.facts):
            label.setProperty("role", "muted")
        self.licence = IconButton("model", "Read the licence in the browser")
        self.licence.clicked.connect(self._open_licence)
        self._link = ""
        u = theme.unit()
        names = QHBoxLayout()
        names.setSpacing(u)
        names.addWidget(self.title, 0)
        names.addWidget(self.publisher, 1)
        texts = QVBoxLayout()
        texts.setSpacing(u // 2)
        texts.addLayout(names)
        texts.addWidget(self.facts)
        row = QHBoxLayout(self)
        row.setContentsMargins(u, u, 2 * u, u)
        row.setSpacing(u)
        row.addWidget(self.back, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(texts, 1)
        row.addWidget(self.licence, 0, Qt.AlignmentFlag.AlignTop)

    def show_name(self, repo: str) -> None:
        """While the page is on its way."""
        self.title.setText(discover_text.name_of(repo))
        publisher = repo.rpartition("/")[0]
        self.publisher.setText(f"by {publisher}" if publisher else "")
        self.facts.setText("")
        self.licence.hide()

    def show_page(self, page: RepoPage) -> None:
        """All of it."""
        self.show_name(page.repo)
        self.facts.setText(SEPARATOR.join(discover_text.page_facts(page)))
        self._link = page.licence_link if may_open(page.licence_link) else ""
        self.licence.setVisible(bool(self._link))

    def _open_licence(self) -> None:
        QDesktopServices.openUrl(QUrl(self._link))
