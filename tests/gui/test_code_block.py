"""Code blocks: colours after the end, copying, folding."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QGuiApplication, QTextBlock
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from q8chat.gui import theme
from q8chat.gui.widgets import code_block
from q8chat.gui.widgets.code_block import CodeBlock
from q8chat.gui.widgets.markdown_leaves import Code
from q8chat.gui.widgets.text_styles import Styles
from q8chat.gui.widgets.text_view import TextView


@pytest.fixture
def block(qtbot: QtBot) -> CodeBlock:
    widget = CodeBlock(Styles(QGuiApplication.font(), theme.colors()))
    qtbot.addWidget(widget)
    widget.show()
    return widget


def text_of(block: CodeBlock) -> TextView:
    return block.findChild(TextView)


def colors(line: QTextBlock) -> dict[str, str]:
    """Colour of each coloured piece of a line."""
    found = {}
    for r in line.layout().formats():
        found[line.text()[r.start : r.start + r.length]] = r.format.foreground().color().name()
    return found


def test_colours_come_when_the_block_is_closed(qtbot: QtBot, block: CodeBlock) -> None:
    block.show_code(Code("def f():\n    return '👍', 42  # why", "python", open=True))
    assert block._highlighter is None
    with qtbot.waitSignal(block_closed(block, "def f():\n    return '👍', 42  # why", "python")):
        pass
    scheme = theme.code_colors()
    first = text_of(block).document().begin()
    assert colors(first)["def"] == scheme["Keyword"]
    assert colors(first)["f"] == scheme["Name.Function"]
    second = first.next().layout().formats()
    # Qt counts the emoji as two: a wrong unit would shift what follows it.
    line = first.next().text().encode("utf-16-le")
    pieces = {line[2 * r.start : 2 * (r.start + r.length)].decode("utf-16-le") for r in second}
    assert {"return", "42", "# why"} <= pieces


def block_closed(block: CodeBlock, text: str, language: str) -> object:
    block.show_code(Code(text, language))
    assert block._highlighter is not None
    return block._highlighter.finished


@pytest.mark.parametrize("language", ["", "no-such-language", "c++", "text", "\0"])
def test_any_name_of_a_language_is_fine(qtbot: QtBot, block: CodeBlock, language: str) -> None:
    block.show_code(Code("x = 1\n\n\ny", language))
    qtbot.wait(200)
    assert text_of(block).toPlainText() == "x = 1\n\n\ny"


def test_growing_code_is_appended(qtbot: QtBot, block: CodeBlock) -> None:
    source = "".join(f"line {i}\n" for i in range(300))
    for end in range(1, len(source), 97):
        block.show_code(Code(source[:end].removesuffix("\n"), "python", open=True))
    block.show_code(Code(source.removesuffix("\n"), "python"))
    assert text_of(block).toPlainText() == source.removesuffix("\n")


def test_long_lines_scroll_and_do_not_wrap(qtbot: QtBot, block: CodeBlock) -> None:
    block.show_code(Code("x" * 500, "python"))
    block.fit(400)
    bar = text_of(block).horizontalScrollBar()
    assert text_of(block).document().blockCount() == 1
    assert (bar.value() == 0) < bar.maximum()


def test_enormous_code_is_folded_and_unfolds_without_losing_a_line(
    qtbot: QtBot, block: CodeBlock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_block, "FOLD_LINES", 100)
    source = "\n".join(f"value_{i} = {i}" for i in range(2500))
    block.show_code(Code(source, "python"))
    small = block.fit(600)
    shown = text_of(block).toPlainText()
    assert shown == "\n".join(source.split("\n")[:100]) or source.startswith(shown)
    assert shown.count("\n") <= 100
    (button,) = block.findChildren(QPushButton)
    assert button.text() == "Show all 2,500 lines"
    button.click()
    qtbot.waitUntil(lambda: text_of(block).toPlainText() == source)
    assert block.fit(600) > 10 * small
    assert button.isHidden()


def test_the_copy_is_the_source_even_where_long_lines_are_shown_broken(qtbot: QtBot, block: CodeBlock) -> None:
    source = "y" * 10_000
    block.show_code(Code(source, ""))
    assert text_of(block).document().blockCount() == 3
    block._copy.click()
    assert QGuiApplication.clipboard().text() == source
