"""The widgets a message consists of; most messages need few of them, so they are made when needed."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from q8chat.core import units
from q8chat.gui.widgets.body import Body
from q8chat.gui.widgets.message_actions import MessageActions
from q8chat.gui.widgets.message_editor import MessageEditor
from q8chat.gui.widgets.notices import Card, Waiting
from q8chat.gui.widgets.text_styles import Styles
from q8chat.gui.widgets.thinking_block import ThinkingBlock


class Parts:
    """Hidden ones take no room. What `show_...` returns is new, and the owner has to connect it."""

    def __init__(self, owner: QWidget, styles: Styles, *, plain: bool) -> None:
        self._owner = owner
        self.body = Body(styles, owner, plain=plain)
        self.thinking: ThinkingBlock | None = None
        self.waiting: Waiting | None = None
        self.card: Card | None = None
        self.editor: MessageEditor | None = None
        self.all: QPushButton | None = None  # "Show all"
        self.ending: QLabel | None = None
        self.tools: MessageActions | None = None

    def show_thinking(self, styles: Styles, text: str, *, open_: bool, any_: bool) -> ThinkingBlock | None:
        """Thoughts, `open_` while they are being written."""
        new = None
        if any_ and self.thinking is None:
            self.thinking = new = ThinkingBlock(_muted(styles), self._owner)
        if self.thinking is not None:
            self.thinking.setVisible(any_)
            self.thinking.show_thinking(text, open_=open_)
        return new

    def show_all(self, wanted: bool, text: str) -> QPushButton | None:
        """The button that unfolds `text`."""
        new = None
        if wanted and self.all is None:
            self.all = new = QPushButton(self._owner)
            self.all.setProperty("kind", "flat")
        if self.all is not None:
            n_bytes = len(text.encode("utf-8", "surrogatepass"))
            self.all.setText(f"Show all ({units.size(n_bytes)})" if n_bytes > 10_000 else "Show all")
            self.all.setVisible(wanted and self.editor is None)
        return new

    def show_ending(self, words: str) -> None:
        """How the answer ended, "" if there is nothing to say."""
        if words and self.ending is None:
            self.ending = QLabel(self._owner)
            self.ending.setProperty("role", "muted")
        if self.ending is not None:
            self.ending.setText(words)
            self.ending.setVisible(bool(words))

    def show_waiting(self, wanted: bool) -> None:
        """The answer is on its way."""
        if wanted and self.waiting is None:
            self.waiting = Waiting(self._owner)
        if self.waiting is not None:
            self.waiting.setVisible(wanted)

    def show_card(self, problem: str) -> None:
        """What went wrong, "" if nothing did."""
        if problem and self.card is None:
            self.card = Card(self._owner)
        if self.card is not None:
            self.card.show_problem(problem)
            self.card.setVisible(bool(problem))

    def set_styles(self, styles: Styles) -> None:
        """Other colours or another font."""
        self.body.set_styles(styles)
        if self.thinking is not None:
            self.thinking.set_styles(_muted(styles))


def _muted(styles: Styles) -> Styles:
    return replace(styles, muted=True, _chars={})
