"""Light and dark change while a conversation is in view, and everything in it changes along."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtGui import QColor, QIcon, QTextCursor
from PySide6.QtWidgets import QMainWindow, QWidget
from pytestqt.qtbot import QtBot

from q8chat.chat.types import Message, PathMessage, Status
from q8chat.gui import theme
from q8chat.gui.widgets.code_block import CodeBlock
from q8chat.gui.widgets.icon_button import IconButton
from q8chat.gui.widgets.prose import ProseView
from q8chat.gui.widgets.text_view import TextView
from q8chat.gui.widgets.transcript import Transcript

ANSWER = "Some words.\n\n```python\nreturn 1\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"


def entry(id_: int, role: str, content: str) -> PathMessage:
    return PathMessage(Message(id_, 1, id_ - 1 or None, role, content, Status.COMPLETE, 0.0), 1, 1, None, None)


@pytest.fixture
def transcript(qtbot: QtBot) -> Iterator[Transcript]:
    theme.choose("light")
    window, view = QMainWindow(), Transcript()
    window.setCentralWidget(view)
    qtbot.addWidget(window)
    window.resize(800, 600)
    window.show()
    view.show_path((entry(1, "user", "A question"), entry(2, "assistant", ANSWER)), 1)
    yield view
    theme.choose("system")


def settle(qtbot: QtBot, view: Transcript) -> None:
    qtbot.waitUntil(lambda: not view._idle.isActive())


def shown(view: QWidget, kind: type[QWidget]) -> list[QWidget]:
    return [w for w in view.findChildren(kind) if w.isVisible()]


def ink(icon: QIcon) -> QColor:
    """The colour an icon is drawn in: that of its most opaque pixel."""
    image = icon.pixmap(32, 32).toImage()
    pixels = (image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height()))
    return max(pixels, key=lambda c: c.alpha())


def text_color(view: TextView) -> str:
    cursor = QTextCursor(view.document())
    cursor.setPosition(1)
    return cursor.charFormat().foreground().color().name()


def keyword_color(view: Transcript) -> str:
    """Of the code's first word, "" as long as the code has no colours."""
    (block,) = shown(view, CodeBlock)
    text = block.findChild(TextView)
    assert isinstance(text, TextView)
    found = text.document().firstBlock().layout().formats()
    return found[0].format.foreground().color().name() if found else ""


def background(view: Transcript) -> str:
    picture = view.window().grab().toImage()
    return picture.pixelColor(3, 3).name()


@pytest.mark.parametrize(("name", "colors"), [("dark", theme.DARK), ("light", theme.LIGHT)])
def test_a_change_at_run_time_reaches_text_code_and_icons(
    qtbot: QtBot, transcript: Transcript, name: str, colors: theme.Colors
) -> None:
    theme.choose("light" if name == "dark" else "dark")
    settle(qtbot, transcript)
    theme.choose(name)
    settle(qtbot, transcript)
    prose = shown(transcript, ProseView)
    assert len(prose) == 2
    assert {text_color(view) for view in prose if isinstance(view, TextView)} == {colors.text}
    qtbot.waitUntil(lambda: keyword_color(transcript) == theme.code_colors()["Keyword"])
    icons = [b for b in shown(transcript, IconButton) if isinstance(b, IconButton) and b is not transcript._end]
    assert len(icons) >= 5
    wanted = QColor(colors.muted)
    for button in icons:
        drawn = ink(button.icon())
        assert abs(drawn.lightness() - wanted.lightness()) < 12
    assert background(transcript) == colors.window


def test_messages_out_of_sight_are_made_anew_when_scrolled_to(qtbot: QtBot, transcript: Transcript) -> None:
    path = tuple(entry(i, "user" if i % 2 else "assistant", f"number {i}\n\n" + ANSWER) for i in range(1, 41))
    transcript.show_path(path, 2)
    settle(qtbot, transcript)
    transcript.verticalScrollBar().setValue(0)
    settle(qtbot, transcript)
    theme.choose("dark")
    settle(qtbot, transcript)
    bar = transcript.verticalScrollBar()
    bar.setValue(bar.maximum())
    settle(qtbot, transcript)
    seen = [v for v in shown(transcript, ProseView) if not v.visibleRegion().isEmpty()]
    assert seen
    assert {text_color(view) for view in seen if isinstance(view, TextView)} == {theme.DARK.text}


def test_a_long_conversation_has_few_widgets(qtbot: QtBot, transcript: Transcript) -> None:
    path = tuple(entry(i, "user" if i % 2 else "assistant", f"number {i}\n\n" + ANSWER) for i in range(1, 401))
    transcript.show_path(path, 2)
    settle(qtbot, transcript)
    assert len(transcript.findChildren(QWidget)) < 500
    theme.choose("dark")
    assert len(transcript.findChildren(QWidget)) < 250
