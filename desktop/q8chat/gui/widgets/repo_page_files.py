"""What a repository offers: the recommendation, the context it is about, the table, and the chosen row."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QComboBox, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from q8chat.gui import quant_text, theme
from q8chat.gui.offers import USUAL_CTX, Offer, contexts
from q8chat.gui.widgets.quant_table import QuantTable

NARROW = 74  # units of the grid: in less width the context is below the advice


class RepoFiles(QWidget):
    """`acted`: the user wants what `Offer.action` says."""

    acted = Signal(Offer)
    context_chosen = Signal(int)  # tokens

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.advice, self.note, self.chosen = (QLabel(wordWrap=True) for _ in range(3))
        for label in (self.advice, self.note, self.chosen):
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setProperty("role", "muted")
        self.chosen.setProperty("role", "muted")
        self.chosen.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.context = QComboBox()
        self.context.setAccessibleName("Context length for the memory")
        self.context.setToolTip("Memory is told for conversations of this length, in tokens")
        self.context.activated.connect(lambda _: self.context_chosen.emit(self.context.currentData()))
        self.table = QuantTable()
        self.button = QPushButton()
        self.button.setProperty("kind", "primary")
        self.table.offer_chosen.connect(self._on_chosen)
        self.table.acted.connect(self._act)
        self.button.clicked.connect(lambda: self._act(self.table.offer()))
        self._lay_out()
        self._on_chosen(None)

    def _lay_out(self) -> None:
        u = theme.unit()
        at = QLabel("Memory at a context of")
        at.setProperty("role", "muted")
        at.setBuddy(self.context)
        top = self._top = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        top.setContentsMargins(2 * u, u, 2 * u, u)
        top.setSpacing(u)
        texts = QVBoxLayout()
        texts.setSpacing(u // 2)
        texts.addWidget(self.advice)
        texts.addWidget(self.note)
        top.addLayout(texts, 1)
        context = QHBoxLayout()
        context.setSpacing(u)
        context.addWidget(at)
        context.addWidget(self.context)
        context.addStretch(1)
        top.addLayout(context)
        foot = QFrame()
        foot.setObjectName("libraryFoot")
        row = QHBoxLayout(foot)
        row.setContentsMargins(2 * u, u, 2 * u, u)
        row.setSpacing(2 * u)
        row.addWidget(self.chosen, 1)
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignVCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(self.table, 1)
        column.addWidget(foot)

    def set_contexts(self, trained: int, chosen: int) -> None:
        """What can be chosen; `trained`: the longest in tokens, 0 if it is not known."""
        self.context.clear()
        for text, tokens in contexts(trained):
            self.context.addItem(text, tokens)
        number = self.context.findData(chosen)
        usual = self.context.findData(USUAL_CTX)
        self.context.setCurrentIndex(number if number >= 0 else usual if usual >= 0 else self.context.count() - 1)

    def show_offers(self, offers: tuple[Offer, ...], advice: str, note: str) -> None:
        """What is known now."""
        self.advice.setText(advice)
        self.note.setText(note)
        self.note.setVisible(bool(note))
        self.table.rows.set_offers(offers)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The context stands beside the advice, or below it."""
        super().resizeEvent(event)
        narrow = event.size().width() < NARROW * theme.unit()
        directions = QBoxLayout.Direction
        self._top.setDirection(directions.TopToBottom if narrow else directions.LeftToRight)

    def sizeHint(self) -> QSize:
        """As large as there is room."""
        return QSize(60 * theme.unit(), 40 * theme.unit())

    def _act(self, offer: Offer | None) -> None:
        if offer is not None and offer.action:
            self.acted.emit(offer)

    def _on_chosen(self, offer: Offer | None) -> None:
        self.chosen.setText(quant_text.explained(offer) if offer else "")
        text = quant_text.action_label(offer) if offer else ""
        if not text and self.button.hasFocus():
            self.table.setFocus()
        self.button.setText(text)
        self.button.setVisible(bool(text))
