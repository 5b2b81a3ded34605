"""One message of the transcript: bubble or answer, with everything that belongs to it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from PySide6.QtCore import QEvent, QRect, Qt, QVariantAnimation, Signal
from PySide6.QtGui import QColor, QEnterEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from q8chat.chat.thinking import split_thinking
from q8chat.chat.types import PathMessage, Status
from q8chat.core import units
from q8chat.gui.widgets.body import Body, Item
from q8chat.gui.widgets.message_actions import MessageActions
from q8chat.gui.widgets.message_editor import MessageEditor
from q8chat.gui.widgets.notices import ENDINGS, Card, Waiting
from q8chat.gui.widgets.text_styles import Styles
from q8chat.gui.widgets.thinking_block import ThinkingBlock

FOLD_LINES = 40  # of the user's own text
FOLD_CHARS = 48_000  # of an answer
_COLUMNS = 90  # characters taken for a line when counting lines


def fold_point(text: str, *, mine: bool) -> int:
    """How much of a text is shown before "Show all" is pressed; all of it if it is not long."""
    if not mine:
        return len(text) if len(text) <= FOLD_CHARS * 1.25 else text.rfind("\n", 0, FOLD_CHARS) + 1 or FOLD_CHARS
    lines = at = 0
    while at < len(text):
        end = text.find("\n", at)
        length = (len(text) if end < 0 else end) - at
        needed = max(1, math.ceil(length / _COLUMNS))
        if lines + needed > FOLD_LINES:
            return at + (FOLD_LINES - lines) * _COLUMNS
        lines, at = lines + needed, at + length + 1
    return len(text)


class MessageView(QWidget):
    """Shows a PathMessage. `fit` and `realize` as in Body; flush() takes over text that was appended."""

    edit_requested = Signal(int, str)
    regenerate_requested = Signal(int)
    switch_requested = Signal(int)
    reload_requested = Signal()
    resized = Signal()

    def __init__(self, entry: PathMessage, styles: Styles, parent: QWidget) -> None:
        super().__init__(parent)
        self.entry = entry
        self.mine = entry.message.role == "user"
        self._styles = styles
        self._source = ""
        self._answer = ""  # the source without the thoughts
        self._dirty = self._unfolded = self._busy = False
        self._bubble = QRect()
        self._flash: QVariantAnimation | None = None
        self._thinking: ThinkingBlock | None = None
        self._waiting: Waiting | None = None
        self._card: Card | None = None
        self._editor: MessageEditor | None = None
        self.body = Body(styles, self, plain=self.mine)
        self.body.resized.connect(self.resized)
        self._all: QPushButton | None = None
        self._ending: QLabel | None = None
        self._tools: MessageActions | None = None
        self.show_entry(entry)

    # ---- content ---------------------------------------------------------------------------------------------

    def show_entry(self, entry: PathMessage) -> None:
        """Show this state of the message; text that has already arrived is not taken back while it streams."""
        self.entry = entry
        message = entry.message
        streaming = message.status is Status.STREAMING
        if not (streaming and self._source.startswith(message.content)):
            self._source = message.content
        self._unfolded = self._unfolded or streaming
        self._dirty = True
        self.flush()
        self._show_ending(ENDINGS.get(message.status, ""))
        self._show_card()
        if self._tools is not None:
            self._show_branch(self._tools)
        self.setAccessibleName("You" if self.mine else "Answer")

    def append(self, text: str) -> None:
        """More text has arrived; it is shown by the next flush()."""
        self._source += text
        self._dirty = True

    def flush(self) -> bool:
        """Take over new text; False if there was none."""
        if not self._dirty:
            return False
        self._dirty = False
        final = self.entry.message.status is not Status.STREAMING
        if self.mine:
            self._answer = self._source
        else:
            parts = split_thinking(self._source, complete=final)
            self._answer = parts.answer
            self._show_thinking(
                parts.thinking, open_=parts.open and not final, any_=parts.open or bool(parts.thinking)
            )
        cut = len(self._answer) if self._unfolded else fold_point(self._answer, mine=self.mine)
        self._show_all_button(cut < len(self._answer))
        self.body.set_text(
            self._answer if cut == len(self._answer) else self._answer[:cut].rstrip("\n"), final=final
        )
        self._show_waiting(not final and not self._source.strip())
        return True

    def _show_thinking(self, text: str, *, open_: bool, any_: bool) -> None:
        if any_ and self._thinking is None:
            self._thinking = ThinkingBlock(replace(self._styles, muted=True, _chars={}), self)
            self._thinking.resized.connect(self.resized)
            self._thinking.show()
        if self._thinking is not None:
            self._thinking.setVisible(any_)
            self._thinking.show_thinking(text, open_=open_)

    def _show_all_button(self, wanted: bool) -> None:
        if wanted and self._all is None:
            self._all = QPushButton(self)
            self._all.setProperty("kind", "flat")
            self._all.clicked.connect(self._unfold)
        if self._all is not None:
            n_bytes = len(self._answer.encode("utf-8", "surrogatepass"))
            self._all.setText(f"Show all ({units.size(n_bytes)})" if n_bytes > 10_000 else "Show all")
            self._all.setVisible(wanted and self._editor is None)

    def _show_ending(self, words: str) -> None:
        if words and self._ending is None:
            self._ending = QLabel(self)
            self._ending.setProperty("role", "muted")
        if self._ending is not None:
            self._ending.setText(words)
            self._ending.setVisible(bool(words))

    @property
    def tools(self) -> MessageActions:
        """The buttons, made when the message is first seen: long conversations open faster."""
        if self._tools is None:
            self._tools = MessageActions(lambda: self._answer, mine=self.mine, parent=self)
            self._tools.edit.connect(self._edit)
            self._tools.regenerate.connect(lambda: self.regenerate_requested.emit(self.entry.message.id))
            self._tools.previous.connect(lambda: self._switch(self.entry.previous_id))
            self._tools.next.connect(lambda: self._switch(self.entry.next_id))
            self._tools.allow_change(not self._busy)
            self._show_branch(self._tools)
            self._tools.set_near(self.underMouse())
        return self._tools

    def _show_branch(self, tools: MessageActions) -> None:
        entry = self.entry
        back, forth = entry.previous_id is not None, entry.next_id is not None
        tools.show_branch(entry.index, entry.count, back=back, forth=forth)
        tools.setVisible(self._has_tools)

    @property
    def _has_tools(self) -> bool:
        return self.entry.message.status is not Status.STREAMING and self._editor is None

    def _show_waiting(self, wanted: bool) -> None:
        if wanted and self._waiting is None:
            self._waiting = Waiting(self)
        if self._waiting is not None:
            self._waiting.setVisible(wanted)

    def _show_card(self) -> None:
        message = self.entry.message
        died = message.status is Status.INTERRUPTED
        wanted = died or message.status is Status.FAILED
        if wanted and self._card is None:
            self._card = Card(self)
            self._card.reload.connect(self.reload_requested)
        if self._card is not None:
            default = "The answer was interrupted." if died else "The answer could not be written."
            self._card.show_problem(message.error or default, reload=died)
            self._card.setVisible(wanted)

    def set_styles(self, styles: Styles) -> None:
        """Other colours or another font."""
        self._styles = styles
        self.body.set_styles(styles)
        if self._thinking is not None:
            self._thinking.set_styles(replace(styles, muted=True, _chars={}))
        self.update()

    def set_busy(self, busy: bool) -> None:
        """While an answer runs there is no editing and no regenerating."""
        self._busy = busy
        if self._tools is not None:
            self._tools.allow_change(not busy)
        if self._editor is not None:
            self._editor.set_busy(busy)

    # ---- actions ---------------------------------------------------------------------------------------------

    def _switch(self, sibling: int | None) -> None:
        if sibling is not None:
            self.switch_requested.emit(sibling)

    def _unfold(self) -> None:
        self._unfolded = self._dirty = True
        self.flush()
        self.resized.emit()

    def _edit(self) -> None:
        if self._editor is not None:
            return
        self._editor = MessageEditor(self.entry.message.content, self)
        self._editor.set_busy(self._busy)
        self._editor.saved.connect(self._save)
        self._editor.cancelled.connect(self._leave_editor)
        self._editor.resized.connect(self.resized)
        self._editor.show()
        self._editor.field.setFocus()
        self._editor.field.moveCursor(self._editor.field.textCursor().MoveOperation.End)
        self._set_editing(True)

    def _save(self, text: str) -> None:
        self._leave_editor()
        self.edit_requested.emit(self.entry.message.id, text)

    def _leave_editor(self) -> None:
        if self._editor is not None:
            self._editor.deleteLater()
            self._editor.hide()
            self._editor = None
            self._set_editing(False)
            self.tools.change.setFocus()

    def _set_editing(self, editing: bool) -> None:
        self.body.setVisible(not editing)
        self.tools.setVisible(not editing)
        self._dirty = True
        self.flush()
        self.resized.emit()

    # ---- geometry --------------------------------------------------------------------------------------------

    def bodies(self) -> Iterator[Body]:
        """The texts of this message that are shown, from above."""
        if self._thinking is not None and self._thinking.unfolded:
            yield self._thinking.body
        if not self.body.isHidden():
            yield self.body

    def items(self) -> Iterator[tuple[Item, int]]:
        """All pieces of text with their position in this widget."""
        for body in self.bodies():
            top = body.mapTo(self, body.rect().topLeft()).y()
            yield from ((item, top + item.top) for item in body.items)

    def read(self, deadline: float) -> bool:
        """As Body.read."""
        done = [body.read(deadline) for body in self.bodies()]
        return any(done)

    def realize(self, top: int, bottom: int, deadline: float) -> bool:
        """As Body.realize, in this widget's coordinates."""
        done = self._tools is None and self._has_tools
        if done:
            self.tools.show()
        for body in self.bodies():
            y = body.mapTo(self, body.rect().topLeft()).y()
            done = body.realize(top - y, bottom - y, body.width(), deadline) or done
        return done

    def fit(self, width: int) -> int:
        """Place everything for this width; returns the height."""
        em = self._styles.em
        y = self._fit_mine(width) if self.mine else self._fit_answer(width)
        if self._ending is not None and not self._ending.isHidden():
            self._ending.setGeometry(0, y + em // 2, width, self._ending.sizeHint().height())
            y += em // 2 + self._ending.height()
        if self._card is not None and not self._card.isHidden():
            self._card.move(0, y + em // 2)
            y += em // 2 + self._card.fit(width)
        if self._has_tools:
            height = round(em * 2.2)
            if self._tools is not None:
                self._tools.setGeometry(0, y + em // 4, width, height)
            y += em // 4 + height
        if self.height() != y or self.width() != width:
            self.resize(width, y)
        return y

    def _fit_answer(self, width: int) -> int:
        y = 0
        if self._thinking is not None and not self._thinking.isHidden():
            self._thinking.move(0, y)
            y += self._thinking.fit(width) + self._styles.em // 2
        if self._waiting is not None and not self._waiting.isHidden():
            self._waiting.move(0, y)
            y += self._waiting.fit(width)
        self.body.move(0, y)
        y += self.body.fit(width)
        return self._fit_all(0, y)

    def _fit_mine(self, width: int) -> int:
        pad_x, pad_y = round(self._styles.em * 1.1), round(self._styles.em * 0.7)
        limit = round(width * 0.8) - 2 * pad_x
        if self._editor is not None:
            height = self._editor.sizeHint().height()
            self._bubble = QRect(0, 0, width, height + 2 * pad_y)
            self._editor.setGeometry(pad_x, pad_y, width - 2 * pad_x, height)
            return self._bubble.height()
        inner = self.body.natural_width(limit) if self._all is None or self._all.isHidden() else limit
        left = width - inner - pad_x
        self.body.move(left, pad_y + self._styles.lead)
        y = pad_y + self.body.fit(inner)
        y = self._fit_all(left - pad_x // 2, y) + pad_y
        self._bubble = QRect(left - pad_x, 0, inner + 2 * pad_x, y)
        return y

    def _fit_all(self, x: int, y: int) -> int:
        if self._all is None or self._all.isHidden():
            return y
        hint = self._all.sizeHint()
        self._all.setGeometry(x, y + self._styles.em // 3, hint.width(), hint.height())
        return y + self._styles.em // 3 + hint.height()

    # ---- looks -----------------------------------------------------------------------------------------------

    def flash(self) -> None:
        """Draw attention for a moment."""
        self._flash = QVariantAnimation(self)
        self._flash.setStartValue(0.35)
        self._flash.setEndValue(0.0)
        self._flash.setDuration(1600)
        self._flash.valueChanged.connect(lambda _: self.update())
        self._flash.start()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The bubble of the user's own messages; the flash."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        radius = self._styles.em * 0.9
        if self.mine:
            painter.setBrush(QColor(self._styles.colors.user_bubble))
            painter.drawRoundedRect(self._bubble, radius, radius)
        if self._flash is not None and self._flash.state() == QVariantAnimation.State.Running:
            color = QColor(self._styles.colors.accent)
            color.setAlphaF(float(self._flash.currentValue()))
            painter.setBrush(color)
            painter.drawRoundedRect(self._bubble if self.mine else self.rect(), radius / 2, radius / 2)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Reveal the actions."""
        super().enterEvent(event)
        if self._tools is not None:
            self._tools.set_near(True)

    def leaveEvent(self, event: QEvent) -> None:
        """Hide the actions."""
        super().leaveEvent(event)
        if self._tools is not None:
            self._tools.set_near(False)
