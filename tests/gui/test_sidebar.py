"""Conversations on the left: groups, opening, renaming in place, deleting, undo, search."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from q8chat.chat.events import ConversationList, SearchResults
from q8chat.chat.types import Conversation, SearchHit
from q8chat.gui.widgets.conversation_model import IdRole, grouped, heading_of
from q8chat.gui.widgets.search_results import passage
from q8chat.gui.widgets.sidebar import Sidebar
from q8chat.gui.widgets.undo_bar import UndoBar

TODAY = date(2024, 3, 1)


def noon(day: str) -> float:
    return datetime.fromisoformat(f"{day}T12:00:00").timestamp()


def conversation(id_: int, title: str = "", updated: float = 0.0) -> Conversation:
    return Conversation(id_, title or f"Talk {id_}", updated, updated)


def hit(id_: int, snippet: str = "a cat", spans: tuple[tuple[int, int], ...] = ((2, 5),)) -> SearchHit:
    return SearchHit(id_, 10 * id_, f"Talk {id_}", "user", snippet, spans)


@pytest.fixture
def sidebar(qtbot: QtBot) -> Sidebar:
    widget = Sidebar()
    qtbot.addWidget(widget)
    widget.resize(260, 600)
    widget.show_conversations(ConversationList(tuple(conversation(i, updated=100.0 - i) for i in (1, 2, 3))))
    widget.show()
    qtbot.waitExposed(widget)
    return widget


@pytest.mark.parametrize(
    ("day", "heading"),
    [
        ("2024-03-05", "Today"),  # a clock that was wrong once
        ("2024-03-01", "Today"),
        ("2024-02-29", "Yesterday"),
        ("2024-02-28", "Previous 7 days"),
        ("2024-02-23", "Previous 7 days"),
        ("2024-02-22", "Older"),
        ("1999-01-01", "Older"),
    ],
)
def test_headings_go_by_calendar_days(day: str, heading: str) -> None:
    assert heading_of(noon(day), TODAY) == heading


def test_groups_are_ordered_and_each_heading_comes_once() -> None:
    days = ("2024-02-29", "2020-01-01", "2024-03-01", "2024-02-29", "2019-01-01")
    rows = grouped([conversation(i, updated=noon(d)) for i, d in enumerate(days)], TODAY)
    shown = [row if isinstance(row, str) else row.id for row in rows]
    assert shown == ["Today", 2, "Yesterday", 0, 3, "Older", 1, 4]


def test_headings_cannot_be_selected(sidebar: Sidebar) -> None:
    model = sidebar.list.conversations
    assert model.index(0).data(IdRole) is None
    assert not model.flags(model.index(0)) & Qt.ItemFlag.ItemIsSelectable
    assert model.flags(model.index(1)) & Qt.ItemFlag.ItemIsSelectable


def test_a_click_opens(sidebar: Sidebar, qtbot: QtBot) -> None:
    row = sidebar.list.visualRect(sidebar.list.conversations.index(2))
    with qtbot.waitSignal(sidebar.list.opened) as opened:
        QTest.mouseClick(sidebar.list.viewport(), Qt.MouseButton.LeftButton, pos=row.center())
    assert opened.args == [2]


def test_arrow_keys_open_and_skip_headings(sidebar: Sidebar, qtbot: QtBot) -> None:
    opened: list[int] = []
    sidebar.list.opened.connect(opened.append)
    sidebar.list.select(1)
    assert opened == []  # marking what is shown already is not opening it
    for key, expected in ((Qt.Key.Key_Down, 2), (Qt.Key.Key_End, 3), (Qt.Key.Key_Home, 1)):
        with qtbot.waitSignal(sidebar.list.opened):
            QTest.keyClick(sidebar.list, key)
        assert opened.pop() == expected


def test_holding_an_arrow_key_opens_only_where_it_ends(sidebar: Sidebar, qtbot: QtBot) -> None:
    opened: list[int] = []
    sidebar.list.opened.connect(opened.append)
    sidebar.list.select(1)
    QTest.keyClick(sidebar.list, Qt.Key.Key_Down)
    QTest.keyClick(sidebar.list, Qt.Key.Key_Down)
    qtbot.wait(250)
    assert opened == [3]


def test_renaming_in_place(sidebar: Sidebar, qtbot: QtBot) -> None:
    sidebar.list.select(2)
    sidebar.list.setFocus()
    QTest.keyClick(sidebar.list, Qt.Key.Key_F2)
    editor = sidebar.list.findChild(QLineEdit)
    assert editor is not None
    assert editor.text() == "Talk 2"
    editor.setText("  Cats   and dogs ")
    with qtbot.waitSignal(sidebar.list.rename_requested) as renamed:
        QTest.keyClick(editor, Qt.Key.Key_Return)
    assert renamed.args == [2, "Cats and dogs"]


def test_an_empty_title_is_no_rename(sidebar: Sidebar, qtbot: QtBot) -> None:
    model = sidebar.list.conversations
    with qtbot.assertNotEmitted(sidebar.list.rename_requested):
        assert not model.setData(model.index(2), "   ")
        assert not model.setData(model.index(2), "Talk 2")
        assert not model.setData(model.index(0), "Heading")


def test_a_list_that_comes_while_renaming_waits(sidebar: Sidebar) -> None:
    sidebar.list.select(2)
    sidebar.list.rename_current()
    editor = sidebar.list.findChild(QLineEdit)
    assert editor is not None
    sidebar.show_conversations(ConversationList((conversation(9),)))
    assert sidebar.list.conversations.row_of(9) == -1
    assert editor.isVisible()
    QTest.keyClick(editor, Qt.Key.Key_Escape)
    assert sidebar.list.conversations.row_of(9) == 1


def test_the_shown_conversation_stays_marked_when_the_order_changes(sidebar: Sidebar) -> None:
    sidebar.list.select(3)
    late = [conversation(3, updated=500.0), conversation(1, updated=99.0), conversation(2, updated=98.0)]
    sidebar.show_conversations(ConversationList(tuple(late)))
    assert sidebar.list.currentIndex().data(IdRole) == 3
    assert sidebar.list.currentIndex().row() == 1


def test_delete_key_asks_for_deletion(sidebar: Sidebar, qtbot: QtBot) -> None:
    sidebar.list.select(2)
    with qtbot.waitSignal(sidebar.list.delete_requested) as deleted:
        QTest.keyClick(sidebar.list, Qt.Key.Key_Delete)
    assert deleted.args == [2]


def test_without_conversations_a_hint_is_shown(sidebar: Sidebar) -> None:
    sidebar.show_conversations(ConversationList(()))
    assert sidebar.message.isVisible()
    assert not sidebar.list.isVisible()


def test_undo_brings_back_once(qtbot: QtBot) -> None:
    bar = UndoBar()
    qtbot.addWidget(bar)
    bar.show_deleted(conversation(7, "My trip"))
    assert bar.isVisible()
    assert bar.label.text() == "Deleted ‘My trip’."
    undone: list[int] = []
    bar.undone.connect(undone.append)
    bar.undo()
    bar.undo()
    assert undone == [7]
    assert not bar.isVisible()


def test_the_offer_to_undo_ends(qtbot: QtBot) -> None:
    bar = UndoBar()
    qtbot.addWidget(bar)
    assert bar._timer.interval() == 10_000
    bar._timer.setInterval(30)
    bar.show_deleted(conversation(7))
    qtbot.waitUntil(bar.isHidden)
    with qtbot.assertNotEmitted(bar.undone):
        bar.undo()


def test_typing_searches_once_after_a_pause(sidebar: Sidebar, qtbot: QtBot) -> None:
    searched: list[str] = []
    sidebar.search_requested.connect(searched.append)
    QTest.keyClicks(sidebar.field, "rainbow")
    assert searched == []
    qtbot.waitUntil(lambda: searched == ["rainbow"])


def test_results_replace_the_list_until_the_field_is_cleared(sidebar: Sidebar) -> None:
    sidebar.field.setText("cat")
    sidebar.show_results(SearchResults("cat", (hit(1), hit(2))))
    assert sidebar.results.isVisible()
    QTest.keyClick(sidebar.field, Qt.Key.Key_Escape)
    assert sidebar.list.isVisible()
    assert sidebar.field.text() == ""


def test_results_of_an_older_search_are_ignored(sidebar: Sidebar) -> None:
    sidebar.field.setText("cats")
    sidebar.show_results(SearchResults("cat", (hit(1),)))
    assert not sidebar.results.isVisible()


def test_nothing_found_is_said(sidebar: Sidebar) -> None:
    sidebar.field.setText("xyz")
    sidebar.show_results(SearchResults("xyz", ()))
    assert sidebar.message.isVisible()
    assert "xyz" in sidebar.message.text()


def test_enter_opens_the_best_hit_also_before_the_results_are_there(sidebar: Sidebar, qtbot: QtBot) -> None:
    opened: list[SearchHit] = []
    sidebar.hit_opened.connect(opened.append)
    QTest.keyClicks(sidebar.field, "cat")
    QTest.keyClick(sidebar.field, Qt.Key.Key_Return)
    assert opened == []
    sidebar.show_results(SearchResults("cat", (hit(1), hit(2))))
    assert opened == [hit(1)]
    QTest.keyClick(sidebar.field, Qt.Key.Key_Return)
    assert opened == [hit(1), hit(1)]


def test_enter_never_opens_a_hit_of_the_search_before(sidebar: Sidebar) -> None:
    opened: list[SearchHit] = []
    sidebar.hit_opened.connect(opened.append)
    sidebar.field.setText("cat")
    sidebar.show_results(SearchResults("cat", (hit(1),)))
    sidebar.field.setText("dog")
    QTest.keyClick(sidebar.field, Qt.Key.Key_Return)
    assert opened == []


def test_down_goes_from_the_field_into_the_results(sidebar: Sidebar, qtbot: QtBot) -> None:
    sidebar.activateWindow()
    sidebar.focus_search()
    qtbot.waitUntil(sidebar.field.hasFocus)
    sidebar.field.setText("cat")
    sidebar.show_results(SearchResults("cat", (hit(1), hit(2))))
    QTest.keyClick(sidebar.field, Qt.Key.Key_Down)
    assert sidebar.results.hasFocus()
    QTest.keyClick(sidebar.results, Qt.Key.Key_Down)
    with qtbot.waitSignal(sidebar.hit_opened) as opened:
        QTest.keyClick(sidebar.results, Qt.Key.Key_Return)
    assert opened.args == [hit(2)]


def test_matches_are_bold_also_behind_characters_of_two_units(sidebar: Sidebar) -> None:
    snippet = "😀 the cat\nand 👩‍👩‍👧 the cat"
    spans = tuple((i, i + 3) for i in range(len(snippet)) if snippet[i : i + 3] == "cat")
    layout = passage(hit(1, snippet, spans), sidebar.font(), 400)
    units = layout.text().encode("utf-16-le")
    bold = [units[2 * f.start : 2 * (f.start + f.length)].decode("utf-16-le") for f in layout.formats()]
    assert bold == ["cat", "cat"]
    assert layout.lineCount() >= 1
