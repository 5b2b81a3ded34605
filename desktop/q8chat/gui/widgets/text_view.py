"""Read-only text of a fixed width whose height is that of its content: the basis of prose, tables and code."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QFocusEvent, QImage, QKeyEvent, QKeySequence, QTextOption, QWheelEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QTextBrowser, QWidget

from q8chat.gui.widgets.markdown_leaves import may_open


class TextView(QTextBrowser):
    """Text that can be selected; never loads anything; opens web and mail links, on a click only."""

    def __init__(self, parent: QWidget | None = None, *, wrap: bool = True) -> None:
        super().__init__(parent)
        self.setObjectName("messageText")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setOpenLinks(False)
        self.setUndoRedoEnabled(False)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setLineWrapMode(self.LineWrapMode.WidgetWidth if wrap else self.LineWrapMode.NoWrap)
        # Long words break, so that only tables and code ever need a scroll bar.
        mode = QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere if wrap else QTextOption.WrapMode.NoWrap
        self.setWordWrapMode(mode)
        self.document().setDocumentMargin(0)
        self.anchorClicked.connect(self._open)
        self._fitted = 0

    def fit(self, width: int) -> int:
        """Lay the text out for this width; returns the height it needs, in pixels."""
        if width != self._fitted:
            self._fitted = width
            self.resize(width, max(1, self.height()))
            # A hidden widget hears of its size only when it is shown, but the height is needed now.
            if self.lineWrapMode() == self.LineWrapMode.WidgetWidth and self.document().textWidth() != width:
                self.document().setTextWidth(width)
        size = self.document().size()
        bar = self.horizontalScrollBar()
        wide = (
            size.width() > width + 1 and self.horizontalScrollBarPolicy() != Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        )
        height = round(size.height() + 0.49) + (bar.sizeHint().height() if wide else 0)
        if height != self.height():
            self.resize(width, height)
        return height

    def loadResource(self, _kind: int, _name: QUrl | str) -> QImage:
        """Never read a file or ask the network for what a model's answer names."""
        return QImage(1, 1, QImage.Format.Format_ARGB32)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Sideways here, up and down in the transcript."""
        delta = event.angleDelta()
        sideways = abs(delta.x()) > abs(delta.y()) or bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if sideways and self.horizontalScrollBar().maximum() > 0:
            super().wheelEvent(event)
        else:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that move the page go to the transcript; copying, selecting and links stay here."""
        here = event.matches(QKeySequence.StandardKey.Copy) or event.matches(QKeySequence.StandardKey.SelectAll)
        if here or event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)
        else:
            event.ignore()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """A click elsewhere drops the selection, so that at most one is seen."""
        super().focusOutEvent(event)
        if event.reason() == Qt.FocusReason.MouseFocusReason:
            cursor = self.textCursor()
            cursor.clearSelection()
            self.setTextCursor(cursor)

    def changeEvent(self, event: QEvent) -> None:
        """A new font changes the layout."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fitted = 0

    def minimumSizeHint(self) -> QSize:
        """Any size will do: the owner sets it."""
        return QSize(0, 0)

    def _open(self, url: QUrl) -> None:
        if may_open(url.toString()):
            QDesktopServices.openUrl(url)
