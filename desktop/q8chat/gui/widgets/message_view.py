"""One message of the transcript: bubble or answer, with everything that belongs to it."""

from __future__ import annotations

import time
from collections.abc import Iterator

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QEnterEvent
from PySide6.QtWidgets import QWidget

from q8chat.chat.thinking import split_thinking
from q8chat.chat.types import PathMessage, Status
from q8chat.gui.widgets.body import Body, Item
from q8chat.gui.widgets.message_actions import MessageActions
from q8chat.gui.widgets.message_editor import MessageEditor
from q8chat.gui.widgets.message_folding import fold_point
from q8chat.gui.widgets.message_frame import MessageFrame
from q8chat.gui.widgets.message_layout import place
from q8chat.gui.widgets.message_parts import Parts
from q8chat.gui.widgets.notices import ENDINGS, PROBLEMS
from q8chat.gui.widgets.text_styles import Styles


class MessageView(MessageFrame):
    """Shows a PathMessage. `fit` and `realize` as in Body; flush() takes over text that was appended."""

    edit_requested = Signal(int, str)
    regenerate_requested = Signal(int)
    switch_requested = Signal(int)
    resized = Signal()

    def __init__(self, entry: PathMessage, styles: Styles, parent: QWidget) -> None:
        super().__init__(styles, parent)
        self.entry = entry
        self.mine = entry.message.role == "user"
        self._source = ""
        self._answer = ""  # the source without the thoughts
        self._dirty = self._unfolded = self._busy = False
        self._parts = Parts(self, styles, plain=self.mine)
        self._parts.body.resized.connect(self.resized)
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
        self._parts.show_ending(ENDINGS.get(message.status, ""))
        problem = PROBLEMS.get(message.status, "")
        self._parts.show_card(problem and (message.error or problem))
        if self._parts.tools is not None:
            self._show_branch(self._parts.tools)
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
            block = self._parts.show_thinking(
                self._styles,
                parts.thinking,
                open_=parts.open and not final,
                any_=parts.open or bool(parts.thinking),
            )
            if block is not None:
                block.resized.connect(self.resized)
                block.show()
        cut = len(self._answer) if self._unfolded else fold_point(self._answer, mine=self.mine)
        button = self._parts.show_all(cut < len(self._answer), self._answer)
        if button is not None:
            button.clicked.connect(self._unfold)
        self._parts.body.set_text(
            self._answer if cut == len(self._answer) else self._answer[:cut].rstrip("\n"), final=final
        )
        self._parts.show_waiting(not final and not self._source.strip())
        return True

    @property
    def tools(self) -> MessageActions:
        """The buttons, made when the message is first seen: long conversations open faster."""
        if self._parts.tools is None:
            self._parts.tools = MessageActions(lambda: self._answer, mine=self.mine, parent=self)
            self._parts.tools.edit.connect(self._edit)
            self._parts.tools.regenerate.connect(lambda: self.regenerate_requested.emit(self.entry.message.id))
            self._parts.tools.previous.connect(lambda: self._switch(self.entry.previous_id))
            self._parts.tools.next.connect(lambda: self._switch(self.entry.next_id))
            self._parts.tools.allow_change(not self._busy)
            self._show_branch(self._parts.tools)
            self._parts.tools.set_near(self.underMouse())
        return self._parts.tools

    def _show_branch(self, tools: MessageActions) -> None:
        entry = self.entry
        back, forth = entry.previous_id is not None, entry.next_id is not None
        tools.show_branch(entry.index, entry.count, back=back, forth=forth)
        tools.setVisible(self._has_tools)

    @property
    def _has_tools(self) -> bool:
        return self.entry.message.status is not Status.STREAMING and self._parts.editor is None

    def set_styles(self, styles: Styles) -> None:
        """Other colours or another font."""
        self._styles = styles
        self._parts.set_styles(styles)
        self.update()

    def set_busy(self, busy: bool) -> None:
        """While an answer runs there is no editing and no regenerating."""
        self._busy = busy
        if self._parts.tools is not None:
            self._parts.tools.allow_change(not busy)
        if self._parts.editor is not None:
            self._parts.editor.set_busy(busy)

    @property
    def disposable(self) -> bool:
        """Whether a new widget for the same message would look the same."""
        parts = self._parts
        opened = self._unfolded and fold_point(self._answer, mine=self.mine) < len(self._answer)
        thoughts = parts.thinking is not None and parts.thinking.unfolded
        focus = self.window().focusWidget()
        used = parts.editor is not None or (focus is not None and self.isAncestorOf(focus))
        return not (opened or thoughts or used or self.entry.message.status is Status.STREAMING)

    # ---- actions ---------------------------------------------------------------------------------------------

    def _switch(self, sibling: int | None) -> None:
        if sibling is not None:
            self.switch_requested.emit(sibling)

    def _unfold(self) -> None:
        self._unfolded = self._dirty = True
        self.flush()
        self.resized.emit()

    def _edit(self) -> None:
        if self._parts.editor is not None:
            return
        self._parts.editor = MessageEditor(self.entry.message.content, self)
        self._parts.editor.set_busy(self._busy)
        self._parts.editor.saved.connect(self._save)
        self._parts.editor.cancelled.connect(self._leave_editor)
        self._parts.editor.resized.connect(self.resized)
        self._parts.editor.show()
        self._parts.editor.field.setFocus()
        self._parts.editor.field.moveCursor(self._parts.editor.field.textCursor().MoveOperation.End)
        self._set_editing(True)

    def _save(self, text: str) -> None:
        self._leave_editor()
        self.edit_requested.emit(self.entry.message.id, text)

    def _leave_editor(self) -> None:
        if self._parts.editor is not None:
            self._parts.editor.deleteLater()
            self._parts.editor.hide()
            self._parts.editor = None
            self._set_editing(False)
            self.tools.change.setFocus()

    def _set_editing(self, editing: bool) -> None:
        self._parts.body.setVisible(not editing)
        self.tools.setVisible(not editing)
        self._dirty = True
        self.flush()
        self.resized.emit()

    # ---- geometry --------------------------------------------------------------------------------------------

    def bodies(self) -> Iterator[Body]:
        """The texts of this message that are shown, from above."""
        if self._parts.thinking is not None and self._parts.thinking.unfolded:
            yield self._parts.thinking.body
        if not self._parts.body.isHidden():
            yield self._parts.body

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
        done = False
        for body in self.bodies():
            y = body.mapTo(self, body.rect().topLeft()).y()
            done = body.realize(top - y, bottom - y, body.width(), deadline) or done
        if self._parts.tools is None and self._has_tools:
            if not done or time.perf_counter() < deadline:
                self.tools.show()
            done = True
        return done

    def fit(self, width: int) -> int:
        """Place everything for this width; returns the height."""
        height, bubble = place(self._parts, self._styles, width, mine=self.mine, tools=self._has_tools)
        if bubble != self.bubble:
            self.bubble = bubble
            self.update()
        if self.height() != height or self.width() != width:
            self.resize(width, height)
        return height

    # ---- mouse -----------------------------------------------------------------------------------------------

    def enterEvent(self, event: QEnterEvent) -> None:
        """Reveal the actions."""
        super().enterEvent(event)
        if self._parts.tools is not None:
            self._parts.tools.set_near(True)

    def leaveEvent(self, event: QEvent) -> None:
        """Hide the actions."""
        super().leaveEvent(event)
        if self._parts.tools is not None:
            self._parts.tools.set_near(False)
