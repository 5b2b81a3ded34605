"""A code block of an answer: its language, a copy button, the code in colours."""

from __future__ import annotations

import time

from PySide6.QtCore import QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QTextCursor
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from q8chat.core import units
from q8chat.gui import theme
from q8chat.gui.widgets.copy_button import CopyButton
from q8chat.gui.widgets.highlighter import Highlighter
from q8chat.gui.widgets.markdown_leaves import Code
from q8chat.gui.widgets.text_styles import Styles
from q8chat.gui.widgets.text_view import TextView

FOLD_LINES = 1500
FOLD_CHARS = 100_000
LONG_LINE = 4000  # characters; longer ones are shown broken, a layout of one line gets slow beyond
_PIECE = 8000


def _shown(text: str) -> str:
    if len(text) <= LONG_LINE or max(map(len, text.split("\n"))) <= LONG_LINE:
        return text
    cut = (line[i : i + LONG_LINE] for line in text.split("\n") for i in range(0, max(1, len(line)), LONG_LINE))
    return "\n".join(cut)


class CodeBlock(QWidget):
    """Shows one `Code`; text that is added at the end is appended, not set anew."""

    resized = Signal()  # the code grew by itself ("Show all")

    def __init__(self, styles: Styles, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._styles = styles
        self._code = Code("")
        self._text = ""  # all of it, as shown
        self._limit = FOLD_CHARS
        self._done = 0  # characters of it in the document
        self._width = 0
        self._view = TextView(self, wrap=False)
        self._view.setObjectName("codeText")
        self._view.setAccessibleName("Code")
        font = theme.mono_font()
        font.setPointSizeF(styles.font.pointSizeF() * 0.95)
        self._view.document().setDefaultFont(font)
        self._view.document().setDocumentMargin(round(styles.em * 0.85))
        self._view.setTabStopDistance(4 * self._view.fontMetrics().horizontalAdvance(" "))
        self._title = QLabel(self)
        self._title.setObjectName("codeTitle")
        self._copy = CopyButton(lambda: self._code.text, "Copy code", self)
        self._all = QPushButton(self)
        self._all.setProperty("kind", "flat")
        self._all.clicked.connect(self._show_all)
        self._all.hide()
        self._pump = QTimer(self)
        self._pump.timeout.connect(self._grow)
        self._highlighter: Highlighter | None = None

    def show_code(self, code: Code) -> None:
        """Show it; colours come when it is closed."""
        old, self._code = self._code, code
        self._title.setText(code.language or "text")
        text = _shown(code.text)
        if text != self._text or not self._done:
            self._replace(text)
        if not code.open and self._highlighter is None and self._done >= len(self._text):
            self._highlight()
        if old.open and not code.open:
            self.updateGeometry()

    def _replace(self, text: str) -> None:
        if not text.startswith(self._text[: self._done]):
            self._view.document().clear()
            self._done = 0
        self._text = text
        if self._highlighter is not None:
            self._highlighter.deleteLater()
            self._highlighter = None
        self._append(self._limit)

    def _append(self, limit: int) -> None:
        """Put more of the text into the document, whole lines up to the limits of what is shown."""
        lines = FOLD_LINES if self._limit == FOLD_CHARS else len(self._text)
        room = lines - self._view.document().blockCount() + 1
        end = min(len(self._text), limit)
        if end > self._done and room > 0:
            piece = self._text[self._done : end]
            if piece.count("\n") >= room:
                piece = "\n".join(piece.split("\n")[:room])
            cursor = QTextCursor(self._view.document())
            cursor.movePosition(cursor.MoveOperation.End)
            cursor.insertText(piece)
            if not self._done:  # the view's own cursor was moved along, and would drag the view to the right
                self._view.moveCursor(cursor.MoveOperation.Start)
            self._done += len(piece)
        folded = self._done < len(self._text) and not self._pump.isActive()
        self._all.setVisible(folded)
        if folded:
            self._all.setText(f"Show all {units.count(self._text.count(chr(10)) + 1)} lines")

    def _show_all(self) -> None:
        self._limit = len(self._code.text) * 2
        self._pump.start(0)

    def _grow(self) -> None:
        deadline = time.perf_counter() + 0.008
        while self._done < len(self._text) and time.perf_counter() < deadline:
            self._append(self._done + _PIECE)
        if self._done >= len(self._text):
            self._pump.stop()
            self._all.hide()
            if not self._code.open:
                self._highlight()
        self.resized.emit()

    def _highlight(self) -> None:
        self._highlighter = Highlighter(self._view.document(), self._code.language, self)
        self._highlighter.start()

    def fit(self, width: int) -> int:
        """Place header and code; returns the height."""
        header = self._header_height()
        button = self._copy.sizeHint()
        self._copy.setGeometry(
            width - button.width() - 4, (header - button.height()) // 2, button.width(), button.height()
        )
        self._title.setGeometry(
            round(self._styles.em * 0.85), 0, width - button.width() - 2 * self._styles.em, header
        )
        self._view.move(1, header)
        height = header + self._view.fit(width - 2) + 1
        if not self._all.isHidden():
            hint = self._all.sizeHint()
            self._all.setGeometry((width - hint.width()) // 2, height, hint.width(), hint.height())
            height += hint.height() + 4
        self.resize(width, height)
        return height

    def _header_height(self) -> int:
        return round(self._styles.em * 2.3)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A rounded card with a header."""
        c = self._styles.colors
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        path = QPainterPath()
        radius = self._styles.em * 0.55
        path.addRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
        painter.fillPath(path, QColor(c.code_background))
        painter.setClipRect(0, 0, self.width(), self._header_height())
        painter.fillPath(path, QColor(c.code_header))
        painter.setClipping(False)
        painter.setPen(QColor(c.border))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)
