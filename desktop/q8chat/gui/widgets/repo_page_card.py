"""The card of a repository: its Markdown as text, without HTML and without anything from the network."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QFont, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QScrollArea, QWidget

from q8chat.gui import theme
from q8chat.gui.card_text import readable_card
from q8chat.gui.widgets.body import Body
from q8chat.gui.widgets.text_styles import Styles

SLICE_S = 0.008  # of work before the window gets its turn
WIDEST = 92  # units of the grid: longer lines are hard to read


class CardView(QScrollArea):
    """Read and laid out in slices, and only what is seen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("About this model")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._inside = QWidget()
        self.setWidget(self._inside)
        self._body: Body | None = None
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self._work)
        self.verticalScrollBar().valueChanged.connect(lambda _: self._timer.start())
        theme.notifier().changed.connect(self._restyle)

    def show_card(self, card: str, empty: str) -> None:
        """Another card; `empty` is said when there is none."""
        text = readable_card(card) or empty
        if self._body is not None:
            self._body.deleteLater()
        self._body = Body(self._styles(), self._inside)
        self._body.resized.connect(self._timer.start)
        self._body.set_text(text, final=True)
        self._body.show()
        self.setAccessibleDescription(text[:2000])
        self.verticalScrollBar().setValue(0)
        self._timer.start()

    def text(self) -> str:
        """What is shown."""
        return self._body.text if self._body is not None else ""

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lines follow the width."""
        super().resizeEvent(event)
        self._timer.start()

    def changeEvent(self, event: QEvent) -> None:
        """Letters follow the font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._restyle()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Home and End besides what every scroll area knows."""
        bar = self.verticalScrollBar()
        if event.key() in (Qt.Key.Key_Home, Qt.Key.Key_End):
            bar.setValue(0 if event.key() == Qt.Key.Key_Home else bar.maximum())
        else:
            super().keyPressEvent(event)

    def _styles(self) -> Styles:
        return Styles(QFont(self.font()), theme.colors())

    def _restyle(self) -> None:
        if self._body is not None:
            self._body.set_styles(self._styles())
            self._timer.start()

    def _work(self) -> None:
        body = self._body
        if body is None or not self.isVisible():
            return
        deadline = time.perf_counter() + SLICE_S
        u = theme.unit()
        width = min(WIDEST * u, self.viewport().width() - 4 * u)
        reading = body.read(deadline)
        body.move(2 * u, u)
        body.fit(width)
        top = self.verticalScrollBar().value()
        built = body.realize(top - self.viewport().height(), top + 2 * self.viewport().height(), width, deadline)
        height = body.fit(width)
        self._inside.resize(self.viewport().width(), height + 3 * u)
        if reading or built:
            self._timer.start()

    def showEvent(self, event: QShowEvent) -> None:
        """What was given while hidden is laid out now."""
        super().showEvent(event)
        self._timer.start()
