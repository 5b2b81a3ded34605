"""The table of models: sorting, filtering, what is marked, and the keys."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from q8chat.gui import fit_text, theme
from q8chat.gui.library_text import COLUMNS, Entry
from q8chat.gui.widgets.library_model import FIT
from q8chat.gui.widgets.library_table import LibraryTable
from q8chat.library.types import LibraryModel

GIB = 1 << 30
HEADINGS = [column.heading for column in COLUMNS]


def model(name: str, size: int, **facts: object) -> LibraryModel:
    known: dict[str, object] = {"source": "Q8 Chat", "folder": "/m", "quantization": "Q4_K_M", **facts}
    return LibraryModel(path=f"/m/{name}.gguf", files=(f"/m/{name}.gguf",), name=name, size=size, **known)  # type: ignore[arg-type]


MODELS = (
    model("beta", 9 * GIB, architecture="qwen3", last_used="2026-11-20T10:00:00Z"),
    model("Alpha", 10 * GIB, architecture="llama", quantization="Q8_0"),
    model("gamma", 300 << 20, problem="It is cut off.", last_used="2026-11-21T10:00:00Z"),
)


@pytest.fixture
def table(qtbot: QtBot) -> LibraryTable:
    view = LibraryTable()
    qtbot.addWidget(view)
    view.resize(900, 400)
    view.show()
    view.rows.set_models(MODELS)
    return view


def names(view: LibraryTable) -> list[str]:
    return [view.filtered.index(row, 0).data() for row in range(view.filtered.rowCount())]


@pytest.mark.parametrize(
    ("heading", "order"),
    [
        ("Name", ["Alpha", "beta", "gamma"]),
        ("Size", ["gamma", "beta", "Alpha"]),
        ("Quantization", ["beta", "gamma", "Alpha"]),
        ("Last used", ["Alpha", "beta", "gamma"]),
    ],
)
def test_every_column_sorts_by_what_it_means(table: LibraryTable, heading: str, order: list[str]) -> None:
    table.sortByColumn(HEADINGS.index(heading), Qt.SortOrder.AscendingOrder)
    assert names(table) == order
    table.sortByColumn(HEADINGS.index(heading), Qt.SortOrder.DescendingOrder)
    assert names(table)[0] == order[-1]


def test_a_click_on_a_heading_and_the_menu_for_keys_sort(table: LibraryTable, qtbot: QtBot) -> None:
    header = table.horizontalHeader()
    size = HEADINGS.index("Size")
    at = header.sectionViewportPosition(size) + header.sectionSize(size) // 3
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(at, 5))
    assert names(table) == ["gamma", "beta", "Alpha"]
    menu = QMenu()
    qtbot.addWidget(menu)
    table.fill_sort_menu(menu)
    assert [a.text() for a in menu.actions()] == HEADINGS
    assert [a.text() for a in menu.actions() if a.isChecked()] == ["Size"]
    menu.actions()[size].trigger()
    assert names(table) == ["Alpha", "beta", "gamma"]


def test_the_filter_wants_every_word_anywhere(table: LibraryTable) -> None:
    for text, left in (("q4_k_m", ["beta", "gamma"]), ("qwen q4", ["beta"]), ("LLAMA", ["Alpha"]), ("nothing", [])):
        table.filtered.set_filter(text)
        assert names(table) == left
    table.filtered.set_filter("")
    assert len(names(table)) == 3


def test_verdicts_and_problems_are_words_in_colours_of_the_scheme(table: LibraryTable) -> None:
    table.rows.set_fits({"/m/beta.gguf": fit_text.fit(11 * GIB, 10 * GIB, 8192)})
    cells = {row: table.filtered.index(row, FIT) for row in range(3)}
    assert [cells[row].data() for row in range(3)] == ["…", "✕  too big", "✕  unusable"]
    danger = QColor(theme.colors().danger)
    assert cells[1].data(Qt.ItemDataRole.ForegroundRole) == danger
    assert table.filtered.index(2, 0).data(Qt.ItemDataRole.ForegroundRole) == QColor(theme.colors().muted)
    assert "It is cut off." in table.filtered.index(2, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert cells[1].data(Qt.ItemDataRole.AccessibleTextRole) == "Fits: too big"


def test_the_loaded_model_is_marked_by_a_sign_and_in_words(table: LibraryTable) -> None:
    table.rows.set_loaded("/m/beta.gguf")
    index = table.filtered.index(1, 0)
    assert index.data() == "● beta"
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "beta, loaded"
    table.rows.set_loaded("")
    assert names(table) == ["Alpha", "beta", "gamma"]


def test_a_new_scan_keeps_the_choice_and_tells_what_changed(table: LibraryTable) -> None:
    assert table.choose("/m/beta.gguf")
    other = model("beta", 9 * GIB, architecture="qwen3", licence="mit")
    told: list[Entry] = []
    table.entry_chosen.connect(told.append)
    table.rows.set_models((model("aaa", 1), other, MODELS[2]))
    assert told[-1].model.licence == "mit"
    entry = table.entry()
    assert entry is not None
    assert entry.model == other
    assert names(table) == ["aaa", "beta", "gamma"]


def test_the_chosen_model_may_vanish(table: LibraryTable) -> None:
    table.choose("/m/gamma.gguf")
    table.rows.set_models(MODELS[:2])
    assert names(table) == ["Alpha", "beta"]
    table.rows.set_models(())
    assert table.entry() is None


def test_keys_move_open_and_delete(table: LibraryTable, qtbot: QtBot) -> None:
    table.setFocus()
    qtbot.waitUntil(lambda: table.entry() is not None)
    QTest.keyClick(table, Qt.Key.Key_End)
    assert table.entry() is not None
    assert table.entry().model.name == "gamma"  # type: ignore[union-attr]
    QTest.keyClick(table, Qt.Key.Key_Up)
    with qtbot.waitSignal(table.opened) as opened:
        QTest.keyClick(table, Qt.Key.Key_Return)
    assert opened.args[0].model.name == "beta"
    with qtbot.waitSignal(table.delete_requested):
        QTest.keyClick(table, Qt.Key.Key_Delete)
    QTest.keyClick(table, Qt.Key.Key_Home)
    assert table.entry().model.name == "Alpha"  # type: ignore[union-attr]


def test_a_thousand_models_are_shown_and_filtered_at_once(table: LibraryTable) -> None:
    many = [model(f"model {n:04}", n << 20) for n in range(1000)]
    table.rows.set_models(many)
    table.filtered.set_filter("0999")
    assert names(table) == ["model 0999"]
    table.rows.set_models(many[:10])
    table.filtered.set_filter("")
    assert len(names(table)) == 10
