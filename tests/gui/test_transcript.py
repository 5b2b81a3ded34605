"""The transcript as a user meets it: real widgets, real clipboard, real clicks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QPoint, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication, QImage, QTextDocument
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from q8chat.chat.types import Message, PathMessage, Status
from q8chat.gui.widgets.code_block import CodeBlock
from q8chat.gui.widgets.icon_button import IconButton
from q8chat.gui.widgets.message_editor import MessageEditor
from q8chat.gui.widgets.message_view import MessageView
from q8chat.gui.widgets.notices import Waiting
from q8chat.gui.widgets.text_view import TextView
from q8chat.gui.widgets.thinking_block import ThinkingBlock
from q8chat.gui.widgets.transcript import Transcript

SAMPLE = """# Title

Some **bold** text with `List<String>` and <br> and a [link](https://example.org/a).

1. one
2. two
   ```python
   print("hi")
   ```
3. three

| a | b |
|---|--:|
| 1 | 2 |

> quoted

```
last block
```
The end.
"""


def entry(
    id_: int, content: str, role: str = "assistant", status: Status = Status.COMPLETE, error: str = ""
) -> PathMessage:
    return PathMessage(Message(id_, 1, id_ - 1 or None, role, content, status, 0.0, error=error), 1, 1, None, None)


@pytest.fixture
def view(qtbot: QtBot) -> Transcript:
    widget = Transcript()
    qtbot.addWidget(widget)
    widget.resize(800, 600)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def settle(qtbot: QtBot, view: Transcript) -> None:
    """Wait until everything near is built and new text is shown."""
    qtbot.waitUntil(lambda: not view._tick.isActive() and not view._idle.isActive())


def texts(view: QWidget) -> list[str]:
    """The texts of all pieces, from above."""
    seen = [v for v in view.findChildren(TextView) if v.isVisible()]
    seen.sort(key=lambda v: v.mapTo(view, QPoint(0, 0)).y())
    return [v.toPlainText() for v in seen]


def message(view: Transcript, id_: int) -> MessageView:
    return next(v for v in view.findChildren(MessageView) if v.isVisible() and v.entry.message.id == id_)


def press(qtbot: QtBot, parent: QWidget, name: str) -> None:
    found = [b for b in parent.findChildren(IconButton) if b.accessibleName() == name and b.isVisible()]
    qtbot.mouseClick(found[0], Qt.MouseButton.LeftButton)


def html(view: QWidget) -> list[str]:
    return [v.document().toHtml() for v in view.findChildren(TextView) if v.isVisible()]


@pytest.mark.parametrize("step", [1, 7, 60])
def test_streamed_text_ends_as_if_loaded(qtbot: QtBot, view: Transcript, step: int) -> None:
    view.resize(800, 1500)
    view.show_path((entry(1, "q", "user"), entry(2, "", status=Status.STREAMING)), 1)
    for i in range(0, len(SAMPLE), step):
        view.append_text(2, SAMPLE[i : i + step])
        if i % (step * 5) == 0:
            view._show_new_text()
    view.finish(entry(2, SAMPLE).message)
    settle(qtbot, view)
    streamed, heights = (texts(view), sorted(html(view))), view.verticalScrollBar().maximum()
    view.show_path((entry(11, "q", "user"), entry(12, SAMPLE)), 2)
    settle(qtbot, view)
    assert (texts(view), sorted(html(view))) == streamed
    assert view.verticalScrollBar().maximum() == heights


def test_tags_do_not_swallow_text(qtbot: QtBot, view: Transcript) -> None:
    view.show_path((entry(1, "a <br> b List<String> c <think> d </div> e"),), 1)
    settle(qtbot, view)
    assert texts(view) == ["a <br> b List<String> c <think> d </div> e"]


def test_the_users_own_text_is_shown_as_typed(qtbot: QtBot, view: Transcript) -> None:
    typed = "<b>x</b> *y* `z`\n# no heading\n\n- no list  two spaces"
    view.show_path((entry(1, typed, "user"),), 1)
    settle(qtbot, view)
    assert texts(view) == [typed]


def test_copying_message_and_code(qtbot: QtBot, view: Transcript) -> None:
    source = "<think>hm</think>\n\nText **bold**\n\n```python\nx = 1\n```"
    view.show_path((entry(1, source),), 1)
    settle(qtbot, view)
    press(qtbot, message(view, 1).tools, "Copy message")
    assert QGuiApplication.clipboard().text() == "Text **bold**\n\n```python\nx = 1\n```"
    block = view.findChild(CodeBlock)
    press(qtbot, block, "Copy code")
    assert QGuiApplication.clipboard().text() == "x = 1"
    assert [b.accessibleName() for b in block.findChildren(IconButton)] == ["Copied"]
    qtbot.waitUntil(lambda: block.findChildren(IconButton)[0].accessibleName() == "Copy code", timeout=3000)


def test_selected_text_is_copied_by_key(qtbot: QtBot, view: Transcript) -> None:
    view.show_path((entry(1, "some **bold** words"),), 1)
    settle(qtbot, view)
    text = view.findChild(TextView)
    text.setFocus()
    qtbot.keyClick(text, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(text, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "some bold words"


def test_branches_edit_and_regenerate(qtbot: QtBot, view: Transcript) -> None:
    first = PathMessage(entry(1, "old", "user").message, 2, 3, 7, 8)
    view.show_path((first, entry(2, "answer")), 1)
    settle(qtbot, view)
    assert [x.text() for x in message(view, 1).tools.findChildren(QLabel)] == ["2 / 3"]
    with qtbot.waitSignal(view.switch_requested, check_params_cb=lambda i: i == 7):
        press(qtbot, message(view, 1), "Previous version")
    with qtbot.waitSignal(view.switch_requested, check_params_cb=lambda i: i == 8):
        press(qtbot, message(view, 1), "Next version")
    with qtbot.waitSignal(view.regenerate_requested, check_params_cb=lambda i: i == 2):
        press(qtbot, message(view, 2), "Regenerate answer")
    press(qtbot, message(view, 1), "Edit message")
    field = view.findChild(MessageEditor).field
    qtbot.keyClicks(field, " and new")
    with qtbot.waitSignal(view.edit_requested, check_params_cb=lambda i, t: (i, t) == (1, "old and new")):
        qtbot.keyClick(field, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    press(qtbot, message(view, 1), "Edit message")
    editor = next(e for e in view.findChildren(MessageEditor) if e.isVisible())
    with qtbot.assertNotEmitted(view.edit_requested):
        qtbot.keyClick(editor.field, Qt.Key.Key_Escape)
    assert not editor.isVisible()
    assert texts(view)[0] == "old"


def test_nothing_is_changed_while_an_answer_runs(qtbot: QtBot, view: Transcript) -> None:
    view.show_path((entry(1, "q", "user"), entry(2, "a")), 1)
    settle(qtbot, view)
    view.set_busy(True)
    with qtbot.assertNotEmitted(view.regenerate_requested, wait=50):
        press(qtbot, message(view, 2), "Regenerate answer")
    press(qtbot, message(view, 1), "Edit message")
    assert view.findChild(MessageEditor) is None
    view.set_busy(False)
    with qtbot.waitSignal(view.regenerate_requested):
        press(qtbot, message(view, 2), "Regenerate answer")


def test_buttons_are_reached_by_key_and_have_names(qtbot: QtBot, view: Transcript) -> None:
    view.show_path((entry(1, "q", "user"), entry(2, "a")), 1)
    settle(qtbot, view)
    view.activateWindow()
    view.setFocus()
    names = []
    for _ in range(4):
        view.window().focusWidget().focusNextPrevChild(True)
        focused = view.window().focusWidget()
        names.append(focused.accessibleName() if focused else "")
    assert {"Copy message", "Edit message", "Regenerate answer"} <= set(names)


def test_how_an_answer_ended(qtbot: QtBot, view: Transcript) -> None:
    path = (
        entry(1, "a", status=Status.STOPPED),
        entry(2, "b", status=Status.LENGTH),
        entry(3, "c", status=Status.CONTEXT),
        entry(4, "d", status=Status.INTERRUPTED, error="Killed by the system."),
        entry(5, "", status=Status.FAILED, error="The prompt is too long."),
    )
    view.resize(800, 1200)
    view.show_path(path, 1)
    settle(qtbot, view)
    labels = [x.text() for x in view.findChildren(QLabel) if x.isVisible()]
    for words in ("Stopped", "Cut off at the token limit", "The context window is full"):
        assert words in labels
    assert "Killed by the system." in labels
    assert "The prompt is too long." in labels


def test_waiting_for_the_first_word_costs_nothing_afterwards(qtbot: QtBot, view: Transcript) -> None:
    view.show_path((entry(1, "q", "user"), entry(2, "", status=Status.STREAMING)), 1)
    waiting = view.findChild(Waiting)
    assert waiting.isVisible()
    view.append_text(2, "word")
    settle(qtbot, view)
    assert not waiting.isVisible()
    assert not waiting._timer.isActive()
    view.finish(entry(2, "word").message)
    settle(qtbot, view)
    assert texts(view) == ["q", "word"]


def test_thoughts_are_folded_and_open_on_request(qtbot: QtBot, view: Transcript) -> None:
    view.show_path((entry(1, "", status=Status.STREAMING),), 1)
    view.append_text(1, "<think>secret **plan**")
    settle(qtbot, view)
    block = view.findChild(ThinkingBlock)
    assert block._head.text() == "Thinking…"
    assert texts(view) == []
    view.append_text(1, "</think>\n\nAnswer")
    view.finish(entry(1, "<think>secret **plan**</think>\n\nAnswer").message)
    settle(qtbot, view)
    assert block._head.text() == "Thought for a moment"
    assert texts(view) == ["Answer"]
    qtbot.mouseClick(block._head, Qt.MouseButton.LeftButton)
    settle(qtbot, view)
    assert texts(view) == ["secret plan", "Answer"]


class Opened(QObject):
    """Stands where the desktop's browser would be asked."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    @Slot(QUrl)
    def note(self, url: QUrl) -> None:
        self.urls.append(url.toString())


@pytest.fixture
def opened() -> Iterator[Opened]:
    catcher = Opened()
    schemes = ("http", "https", "mailto", "file", "ftp")
    for scheme in schemes:
        QDesktopServices.setUrlHandler(scheme, catcher, "note")
    yield catcher
    for scheme in schemes:
        QDesktopServices.unsetUrlHandler(scheme)


def test_links_open_on_a_click_and_only_to_the_web(qtbot: QtBot, view: Transcript, opened: Opened) -> None:
    view.show_path((entry(1, "[here](https://example.org/a)"),), 1)
    settle(qtbot, view)
    text = view.findChild(TextView)
    assert opened.urls == []
    cursor = text.textCursor()
    cursor.setPosition(2)
    spot = text.cursorRect(cursor).center()
    assert "https://example.org/a" in text.cursorForPosition(spot).charFormat().toolTip()
    qtbot.mouseClick(text.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert opened.urls == ["https://example.org/a"]
    for url in ("file:///etc/passwd", "ftp://x.y/z"):
        text.anchorClicked.emit(QUrl(url))
    assert opened.urls == ["https://example.org/a"]


def test_no_image_is_ever_read(qtbot: QtBot, view: Transcript, tmp_path: Path) -> None:
    picture = tmp_path / "red.png"
    image = QImage(40, 40, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.red)
    assert image.save(str(picture))
    source = f"![a]({picture.as_uri()}) ![b](http://127.0.0.1:9/x.png) <img src='{picture.as_uri()}'>"
    view.show_path((entry(1, source), entry(2, source, "user")), 1)
    settle(qtbot, view)
    shot = view.grab().toImage()
    assert not any(
        shot.pixelColor(x, y).getRgb()[:3] == (255, 0, 0)
        for x in range(shot.width())
        for y in range(0, shot.height(), 8)
    )
    text = view.findChild(TextView)
    kind = QTextDocument.ResourceType.ImageResource
    assert text.document().resource(kind, QUrl(picture.as_uri())).size().width() == 1


def long_path(n: int = 30) -> tuple[PathMessage, ...]:
    return tuple(
        entry(i, f"question {i}" if i % 2 else SAMPLE, "user" if i % 2 else "assistant") for i in range(1, n + 1)
    )


def test_opens_at_the_end_and_follows_it(qtbot: QtBot, view: Transcript) -> None:
    view.show_path((*long_path(), entry(31, "", status=Status.STREAMING)), 1)
    settle(qtbot, view)
    bar = view.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    for i in range(40):
        view.append_text(31, f"line {i}\n\n")
    settle(qtbot, view)
    assert bar.value() == bar.maximum()
    assert not view._end.isVisible()


def test_scrolling_up_stops_following_until_the_button_is_pressed(qtbot: QtBot, view: Transcript) -> None:
    view.show_path((*long_path(), entry(31, "start\n\n", status=Status.STREAMING)), 1)
    settle(qtbot, view)
    bar = view.verticalScrollBar()
    bar.setValue(bar.maximum() - 900)
    settle(qtbot, view)
    above = view._anchor()
    assert above is not None
    for i in range(40):
        view.append_text(31, f"line {i}\n\n")
    settle(qtbot, view)
    assert view._anchor() == above
    assert bar.value() < bar.maximum()
    qtbot.mouseClick(view._end, Qt.MouseButton.LeftButton)
    assert bar.value() == bar.maximum()
    view.append_text(31, "more\n\n" * 20)
    settle(qtbot, view)
    assert bar.value() == bar.maximum()


def test_the_visible_text_stays_put_while_earlier_messages_are_built(qtbot: QtBot, view: Transcript) -> None:
    view.show_path(long_path(60), 1)
    bar = view.verticalScrollBar()
    for _ in range(25):
        bar.setValue(bar.value() - 300)
        here = view._anchor()
        assert here is not None
        settle(qtbot, view)
        item, wanted = here[1], here[2]
        assert item is not None
        now = next(y for other, y in here[0].items() if other is item) - bar.value()
        assert now == wanted


def test_showing_the_same_conversation_again_keeps_widgets_and_place(qtbot: QtBot, view: Transcript) -> None:
    path = long_path()
    view.show_path(path, 1)
    settle(qtbot, view)
    view.verticalScrollBar().setValue(400)
    settle(qtbot, view)
    before, widgets = view._anchor(), {row.id: row.view for row in view._rows if row.view}
    view.show_path((*path[:-1], entry(99, "another answer")), 1)
    settle(qtbot, view)
    assert view._anchor() == before
    kept = {row.id: row.view for row in view._rows[:-1]}
    assert all(kept[i] is widget for i, widget in widgets.items() if i in kept)


def test_a_sent_message_brings_the_end_into_sight(qtbot: QtBot, view: Transcript) -> None:
    path = long_path()
    view.show_path(path, 1)
    settle(qtbot, view)
    view.verticalScrollBar().setValue(0)
    settle(qtbot, view)
    view.show_path((*path, entry(31, "new", "user"), entry(32, "", status=Status.STREAMING)), 1)
    settle(qtbot, view)
    assert view.verticalScrollBar().value() == view.verticalScrollBar().maximum()


def test_a_search_hit_is_scrolled_to(qtbot: QtBot, view: Transcript) -> None:
    view.highlight_message(5)
    view.show_path(long_path(), 1)
    settle(qtbot, view)
    y = message(view, 5).mapTo(view, QPoint(0, 0)).y()
    assert 0 <= y < 100


@pytest.mark.parametrize(
    "text", ["a\0b", "x\ud800y\udc00", "👩‍👩‍👧‍👦 🏳️‍🌈 ok", "שלום **עולם**", "\ufdd0\ufdd1\u2029\ufffc z", "\r\n\r"]
)
def test_odd_characters_neither_crash_nor_truncate(qtbot: QtBot, view: Transcript, text: str) -> None:
    view.show_path((entry(1, text + " tail", "user"), entry(2, text + " tail"), entry(3, f"```\n{text} tail")), 1)
    settle(qtbot, view)
    assert [t.endswith("tail") for t in texts(view)] == [True] * 3
    press(qtbot, message(view, 2), "Copy message")
    assert QGuiApplication.clipboard().text().endswith("tail")


def test_right_to_left_paragraphs_stand_right(qtbot: QtBot, view: Transcript) -> None:
    view.show_path((entry(1, "שלום עולם\n\nHello world"),), 1)
    settle(qtbot, view)
    text = view.findChild(TextView)
    lines = [text.document().begin().layout().lineAt(0), text.document().lastBlock().layout().lineAt(0)]
    assert lines[0].naturalTextRect().left() > text.width() / 2
    assert lines[1].naturalTextRect().left() < 5


@pytest.mark.parametrize("role", ["user", "assistant"])
def test_five_megabytes_are_folded(qtbot: QtBot, view: Transcript, role: str) -> None:
    view.show_path((entry(1, "word and more of it " * 262144, role), entry(2, "after", "user")), 1)
    settle(qtbot, view)
    button = next(b for b in message(view, 1).findChildren(QPushButton) if b.text().startswith("Show all"))
    assert button.text() == "Show all (5.0 MiB)"
    assert texts(view)[-1] == "after"
    view.verticalScrollBar().setValue(0)
    height = message(view, 1).height()
    button.click()
    assert message(view, 1).height() > 10 * height


def test_a_long_message_of_ones_own_is_folded_at_forty_lines(qtbot: QtBot, view: Transcript) -> None:
    view.show_path((entry(1, "\n".join(f"line {i}" for i in range(60)), "user"),), 1)
    settle(qtbot, view)
    assert texts(view)[0].splitlines()[-1] == "line 39"
    next(b for b in message(view, 1).findChildren(QPushButton) if b.text() == "Show all").click()
    settle(qtbot, view)
    assert "line 59" in texts(view)[0]


def test_the_tab_key_goes_down_the_page(qtbot: QtBot, view: Transcript) -> None:
    """Although what is lower is made first."""
    view.show_path(long_path(6), 1)
    settle(qtbot, view)
    view.verticalScrollBar().setValue(0)
    settle(qtbot, view)
    view.activateWindow()
    view.setFocus()
    places = []
    for _ in range(12):
        view.window().focusWidget().focusNextPrevChild(True)
        focused = view.window().focusWidget()
        assert focused is not None
        spot = focused.mapTo(view._column, QPoint(0, 0))
        places.append((spot.y(), spot.x()))
    assert places == sorted(places)
    assert len(set(places)) == 12
