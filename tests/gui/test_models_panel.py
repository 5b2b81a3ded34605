"""The library in the real window: real files in a temporary home, the real worker, the real bin."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox, QSplitter, QWidget
from pytestqt.qtbot import QtBot

from q8chat.core import paths
from q8chat.core.settings import Settings
from q8chat.gguf_files import provenance
from q8chat.gguf_files.provenance import Provenance
from q8chat.gui import theme
from q8chat.gui.main_window import MainWindow
from q8chat.gui.panels.chat_panel import ChatPanel
from q8chat.gui.panels.models.library_page import LibraryPage
from q8chat.gui.panels.models_panel import ModelsPanel
from q8chat.gui.widgets.folder_dialog import FolderDialog
from q8chat.gui.widgets.library_dialogs import RenameDialog
from q8chat.gui.widgets.model_details import ModelDetailsPane
from tests.unit.library.model_files import TEMPLATE, hub_cache, sha256, write_model

Open = Callable[..., MainWindow]
PATIENCE = 20_000  # ms; the worker is a process that has to start first


def own(name: str = "Tiny-Q4_0.gguf", **model: object) -> Path:
    return write_model(paths.models_dir() / "me" / "tiny" / name, **model)  # type: ignore[arg-type]


def page_of(window: MainWindow) -> LibraryPage:
    panel = window._panel(1)
    assert isinstance(panel, ModelsPanel)
    page = panel.page(0)
    assert isinstance(page, LibraryPage)
    return page


@pytest.fixture
def library(open_window: Open, qtbot: QtBot) -> Callable[..., LibraryPage]:
    def show(*names: str, settings: Settings | None = None) -> LibraryPage:
        window = open_window(settings)
        with qtbot.waitActive(window):
            window.activateWindow()
        QTest.keyClick(window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
        page = page_of(window)
        qtbot.waitUntil(lambda: window._library.result is not None, timeout=PATIENCE)
        qtbot.waitUntil(lambda: set(names) <= set(listed(page)), timeout=PATIENCE)
        return page

    return show


def listed(page: LibraryPage) -> list[str]:
    return [entry.model.name for entry in page.table.rows.entries]


def chosen_path(page: LibraryPage) -> str:
    entry = page.table.entry()
    return entry.model.path if entry else ""


def choose(qtbot: QtBot, page: LibraryPage, path: Path) -> None:
    """Choose a row and wait until all about it has been read."""
    assert page.table.choose(str(path))
    qtbot.waitUntil(page.details.more_fold.isVisible, timeout=PATIENCE)


def shown_facts(page: LibraryPage) -> dict[str, str]:
    return dict(page.details.facts.facts())


def test_the_models_of_all_folders_are_listed_and_the_first_is_chosen(
    library: Callable[..., LibraryPage], qtbot: QtBot, tmp_path: Path
) -> None:
    mine = own(context=4096)
    write_model(tmp_path / "more" / "Other-Q4_0.gguf")
    own("mmproj-Tiny-f16.gguf", kind="mmproj")
    page = library("Tiny-Q4_0", "Other-Q4_0", settings=Settings(model_folders=(str(tmp_path / "more"),)))
    assert [name for name in listed(page) if "mmproj" in name] == []
    assert page.table.isVisible()
    assert page.table.entry() is not None
    choose(qtbot, page, mine)
    assert shown_facts(page)["Context"] == "4,096 tokens"
    assert page.details.actions() == []
    assert page.foot.summary.text().startswith(f"{len(listed(page))} models")


def test_details_show_template_weights_origin_and_memory(
    library: Callable[..., LibraryPage], qtbot: QtBot, starter_model: Path
) -> None:
    folder = paths.models_dir() / "HuggingFaceTB" / "SmolLM2-135M-Instruct"
    folder.mkdir(parents=True)
    path = folder / "SmolLM2 copy.gguf"
    shutil.copy(starter_model, path)
    origin = Provenance(repo="HuggingFaceTB/SmolLM2-135M-Instruct", revision="a" * 40, sha256="b" * 64)
    provenance.write(path, origin)
    page = library("SmolLM2 copy")
    choose(qtbot, page, path)
    details = page.details
    qtbot.waitUntil(lambda: not details.memory.verdict.text().startswith("Work"), timeout=PATIENCE)
    assert details.memory.verdict.text().startswith("✓  fits: ")
    assert details.memory.context.currentData() == 8192
    texts = [label.text() for label in details.memory.findChildren(QLabel)]
    assert {"KV cache", "180 MiB", "In all"} <= set(texts)
    assert details.types.bar.accessibleName().startswith("Tensor types by share of bytes: Q4_1 68.7%")
    assert "Q4_1" in details.types.kernels.text()
    assert dict(details.origin.facts()) == {
        "Repository": "HuggingFaceTB/SmolLM2-135M-Instruct",
        "Revision": "a" * 40,
        "SHA-256": "b" * 64,
    }
    assert "im_start" in details.template.toPlainText()
    assert not details.template.isVisible()
    QTest.keyClick(details.template_fold.head, Qt.Key.Key_Space)
    assert details.template.isVisible()
    assert details.template.isReadOnly()


def test_another_context_length_gives_another_estimate(
    library: Callable[..., LibraryPage], qtbot: QtBot, starter_model: Path
) -> None:
    page = library(starter_model.stem)
    choose(qtbot, page, starter_model)
    memory = page.details.memory
    qtbot.waitUntil(lambda: memory.verdict.text().startswith("✓"), timeout=PATIENCE)
    memory.context.setFocus()
    QTest.keyClick(memory.context, Qt.Key.Key_Home)
    qtbot.waitUntil(lambda: "context of 2,048 tokens" in memory.verdict.text(), timeout=PATIENCE)
    assert "45.0 MiB" in [label.text() for label in memory.findChildren(QLabel)]  # a quarter of 180


def test_every_row_gets_a_verdict(library: Callable[..., LibraryPage], qtbot: QtBot) -> None:
    own(context=128)
    page = library("Tiny-Q4_0")
    qtbot.waitUntil(
        lambda: all(e.fit is not None for e in page.table.rows.entries if e.model.usable), timeout=PATIENCE
    )
    assert {e.fit.verdict for e in page.table.rows.entries if e.fit} <= {"fits", "tight", "too big", "unknown"}


def test_a_damaged_file_is_grey_with_its_reason_and_can_be_deleted_but_not_loaded(
    library: Callable[..., LibraryPage],
) -> None:
    path = own("Cut-Q4_0.gguf")
    path.write_bytes(path.read_bytes()[:-500])
    page = library("Cut-Q4_0")
    assert page.table.choose(str(path))
    assert "cut off" in page.details.problem.text()
    assert page.details.problem.isVisible()
    assert not page.details.action_row.chat.isEnabled()
    assert page.details.action_row.buttons["delete"].isEnabled()
    assert not page.details.memory.isVisible()


def test_files_of_others_are_only_read(library: Callable[..., LibraryPage], tmp_path: Path) -> None:
    path = write_model(tmp_path / "more" / "Other-Q4_0.gguf")
    page = library("Other-Q4_0", settings=Settings(model_folders=(str(tmp_path / "more"),)))
    assert page.table.choose(str(path))
    buttons = page.details.action_row.buttons
    assert [key for key, button in buttons.items() if not button.isEnabled()] == ["rename", "delete"]
    assert buttons["rename"].accessibleDescription() == "This model is in a folder Q8 Chat only reads."
    page.rename()
    assert page.window().findChild(RenameDialog) is None


def test_changes_on_disk_are_followed(library: Callable[..., LibraryPage], qtbot: QtBot) -> None:
    path = own()
    page = library("Tiny-Q4_0")
    own("Second-Q4_0.gguf")
    qtbot.waitUntil(lambda: "Second-Q4_0" in listed(page), timeout=PATIENCE)
    path.unlink()
    qtbot.waitUntil(lambda: "Tiny-Q4_0" not in listed(page), timeout=PATIENCE)


def test_the_first_model_of_an_empty_library_turns_up_by_itself(
    library: Callable[..., LibraryPage], qtbot: QtBot
) -> None:
    page = library()
    own()
    qtbot.waitUntil(lambda: "Tiny-Q4_0" in listed(page), timeout=PATIENCE)


def test_renaming_by_keys_says_what_is_wrong_and_keeps_the_choice(
    library: Callable[..., LibraryPage], qtbot: QtBot
) -> None:
    path = own()
    page = library("Tiny-Q4_0")
    choose(qtbot, page, path)
    QTest.keyClick(page.table, Qt.Key.Key_F2)
    dialog = page.window().findChild(RenameDialog)
    assert dialog is not None
    dialog.field.setText("a/b")
    QTest.keyClick(dialog.field, Qt.Key.Key_Return)
    qtbot.waitUntil(dialog.problem.isVisible, timeout=PATIENCE)
    assert "can't be called" in dialog.problem.text()
    dialog.field.setText("x" * 300)
    QTest.keyClick(dialog.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "too long" in dialog.problem.text(), timeout=PATIENCE)
    assert dialog.problem.height() >= dialog.problem.heightForWidth(dialog.problem.width())
    dialog.field.setText("Other-Q4_0")
    QTest.keyClick(dialog.field, Qt.Key.Key_Return)
    new = path.with_name("Other-Q4_0.gguf")
    qtbot.waitUntil(lambda: chosen_path(page) == str(new), timeout=PATIENCE)
    assert new.is_file()
    assert not path.exists()


def test_deleting_asks_first_and_moves_to_the_bin(
    library: Callable[..., LibraryPage], qtbot: QtBot, home: Path
) -> None:
    path = own()
    page = library("Tiny-Q4_0")
    choose(qtbot, page, path)
    for button, stays in ((QMessageBox.ButtonRole.RejectRole, True), (QMessageBox.ButtonRole.AcceptRole, False)):
        QTest.keyClick(page.table, Qt.Key.Key_Delete)
        dialog = page.window().findChild(QMessageBox)
        assert dialog is not None
        assert "‘Tiny-Q4_0’" in dialog.text()
        next(b for b in dialog.buttons() if dialog.buttonRole(b) == button).click()
        qtbot.waitUntil(lambda: page.window().findChild(QMessageBox) is None)
        if stays:
            assert path.exists()
    qtbot.waitUntil(lambda: "Tiny-Q4_0" not in listed(page), timeout=PATIENCE)
    assert not path.exists()
    assert list((home / "data" / "Trash" / "files").iterdir())


def test_verifying_reads_the_file_and_says_what_it_found(library: Callable[..., LibraryPage], qtbot: QtBot) -> None:
    path = own()
    provenance.write(path, Provenance(sha256=sha256(path)))
    page = library("Tiny-Q4_0")
    choose(qtbot, page, path)
    check = page.details.check
    QTest.keyClick(page.details.action_row.buttons["verify"], Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: check.status.text() == "Nothing is wrong with it.", timeout=PATIENCE)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    times = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    QTest.keyClick(page.details.action_row.buttons["verify"], Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: check.status.text() == "Something is wrong with it.", timeout=PATIENCE)
    assert any("SHA-256" in label.text() for label in check.findChildren(QLabel))


def test_the_path_can_be_copied(library: Callable[..., LibraryPage], qtbot: QtBot) -> None:
    path = own()
    page = library("Tiny-Q4_0")
    choose(qtbot, page, path)
    QTest.keyClick(page.details.action_row.buttons["copy"], Qt.Key.Key_Space)
    assert QGuiApplication.clipboard().text() == str(path)
    assert page.details.action_row.buttons["copy"].accessibleName() == "Copied"


def test_folders_of_other_applications_are_read_only_when_ticked(
    library: Callable[..., LibraryPage], qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    hub_cache(tmp_path / "hub", "someone/Cached-GGUF", "Cached-Q4_0.gguf")
    page = library()
    assert "Cached-Q4_0" not in listed(page)
    dialog = page.show_folders()
    qtbot.waitUntil(lambda: str(tmp_path / "hub") in dialog.boxes, timeout=PATIENCE)
    box = dialog.boxes[str(tmp_path / "hub")]
    assert (box.text(), box.isChecked()) == ("Hugging Face cache", False)
    QTest.keyClick(box, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: "Cached-Q4_0" in listed(page), timeout=PATIENCE)
    QTest.keyClick(box, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: "Cached-Q4_0" not in listed(page), timeout=PATIENCE)
    dialog.close()


def test_own_folders_are_added_and_removed_and_remembered(
    library: Callable[..., LibraryPage], qtbot: QtBot, tmp_path: Path
) -> None:
    write_model(tmp_path / "more" / "Other-Q4_0.gguf")
    page = library()
    dialog = page.show_folders()
    dialog.add_folder(str(tmp_path / "more"))
    qtbot.waitUntil(lambda: "Other-Q4_0" in listed(page), timeout=PATIENCE)
    assert page._context.settings.settings.model_folders == (str(tmp_path / "more"),)
    remove = dialog.own[str(tmp_path / "more")]
    assert remove.accessibleName() == f"Do not read {tmp_path / 'more'} any more"
    QTest.keyClick(remove, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: "Other-Q4_0" not in listed(page), timeout=PATIENCE)
    assert not page._context.settings.settings.model_folders
    assert (tmp_path / "more" / "Other-Q4_0.gguf").is_file()
    dialog.close()


def test_a_folder_that_is_not_there_is_said_below_the_table(
    library: Callable[..., LibraryPage], qtbot: QtBot, tmp_path: Path
) -> None:
    page = library(settings=Settings(model_folders=(str(tmp_path / "gone"),)))
    assert f"{tmp_path / 'gone'} is not there." in page.foot.problems.text()
    assert "Connect the disk" in page.foot.problems.accessibleName()
    dialog = page.show_folders()
    told = [label.accessibleName() for label in dialog.findChildren(QLabel)]
    assert any("is not there. Connect the disk" in text for text in told)
    dialog.own[str(tmp_path / "gone")].click()
    qtbot.waitUntil(lambda: page.foot.problems.text() == "", timeout=PATIENCE)
    texts = [label.text() for label in dialog.findChildren(QLabel) if label.isVisible()]
    assert "Could not be read" not in texts
    dialog.close()


def test_chatting_loads_the_model_and_goes_to_the_chat(
    library: Callable[..., LibraryPage], qtbot: QtBot, starter_model: Path
) -> None:
    folder = paths.models_dir() / "me"
    folder.mkdir(parents=True)
    copy = folder / "My copy.gguf"
    shutil.copy(starter_model, copy)
    page = library("My copy")
    window = page.window()
    assert isinstance(window, MainWindow)
    choose(qtbot, page, copy)
    QTest.keyClick(page.table, Qt.Key.Key_Return)
    chat = window.chat
    assert isinstance(chat, ChatPanel)
    assert window._stack.currentWidget() is chat
    assert chat.composer.edit.hasFocus()
    qtbot.waitUntil(lambda: window._library.engine.loaded is not None, timeout=60_000)
    QTest.keyClick(window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert [e.model.name for e in page.table.rows.entries if e.loaded] == ["My copy"]
    qtbot.waitUntil(
        lambda: [e.model.last_used != "" for e in page.table.rows.entries if e.loaded] == [True], timeout=PATIENCE
    )


def test_a_loaded_model_that_is_renamed_stays_the_loaded_one(
    library: Callable[..., LibraryPage], qtbot: QtBot, starter_model: Path
) -> None:
    folder = paths.models_dir() / "me"
    folder.mkdir(parents=True)
    copy = folder / "My copy.gguf"
    shutil.copy(starter_model, copy)
    page = library("My copy")
    window = page.window()
    assert isinstance(window, MainWindow)
    window._models.load(str(copy))
    qtbot.waitUntil(lambda: [e.loaded for e in page.table.rows.entries].count(True) == 1, timeout=60_000)
    choose(qtbot, page, copy)
    dialog = page.acting.rename(page.table.entry())  # type: ignore[arg-type]
    dialog.field.setText("Renamed")
    QTest.keyClick(dialog.field, Qt.Key.Key_Return)
    loaded = [str(copy.with_name("Renamed.gguf"))]
    qtbot.waitUntil(lambda: [e.model.path for e in page.table.rows.entries if e.loaded] == loaded, timeout=60_000)
    assert window._settings.settings.last_model == loaded[0]
    assert window._settings.settings.recent_models == tuple(loaded)


def test_details_take_the_width_that_what_comes_into_them_needs(qtbot: QtBot) -> None:
    splitter, pane = QSplitter(childrenCollapsible=False), ModelDetailsPane()
    qtbot.addWidget(splitter)
    splitter.addWidget(QWidget())
    splitter.addWidget(pane)
    splitter.resize(900, 400)
    splitter.setSizes([700, 200])
    splitter.show()
    before = pane.viewport().width()
    page = pane.widget()
    assert page is not None
    page.layout().addWidget(QLabel("wide " * 12))  # type: ignore[union-attr]
    qtbot.waitUntil(lambda: pane.viewport().width() > before)
    assert pane.viewport().width() >= page.minimumSizeHint().width()


def test_keys_turn_the_pages_and_the_focus_goes_along(library: Callable[..., LibraryPage]) -> None:
    page = library()
    panel = page.window().findChild(ModelsPanel)
    assert panel is not None
    page.table.setFocus()
    seen = []
    for keys in (Qt.Key.Key_PageDown, Qt.Key.Key_PageDown, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp):
        QTest.keyClick(page.window(), keys, Qt.KeyboardModifier.ControlModifier)
        focused = QApplication.focusWidget()
        seen.append((panel.tabs.currentIndex(), focused.accessibleName() if focused else ""))
    assert [number for number, _ in seen] == [1, 2, 0, 2]
    assert seen[0][1] == "Search the hub for models"
    assert seen[2][1] == "Models on this machine"


def test_the_chats_menu_offers_the_models_of_the_library(library: Callable[..., LibraryPage]) -> None:
    own()
    window = library("Tiny-Q4_0").window()
    assert isinstance(window, MainWindow)
    bar = window.chat.model_bar  # type: ignore[attr-defined]
    bar.menu.aboutToShow.emit()
    texts = [action.text() for action in bar.menu.actions()]
    assert "Tiny-Q4_0" in texts
    window.show_panel(0)
    next(a for a in bar.menu.actions() if a.text().startswith("All models")).trigger()
    assert window._stack.currentWidget() is window._panel(1)


def test_filtering_by_keys_and_saying_that_nothing_matches(
    library: Callable[..., LibraryPage], qtbot: QtBot
) -> None:
    own()
    page = library("Tiny-Q4_0")
    QTest.keyClicks(page.table, "/")
    qtbot.waitUntil(page.head.filter.hasFocus)
    QTest.keyClicks(page.head.filter, "no such model")
    assert page.empty.isVisible()
    assert page.empty.title.text() == "No model matches ‘no such model’"
    QTest.keyClick(page.head.filter, Qt.Key.Key_Escape)
    QTest.keyClicks(page.head.filter, "tiny")
    QTest.keyClick(page.head.filter, Qt.Key.Key_Down)
    assert page.table.hasFocus()
    assert page.table.entry() is not None
    assert page.table.entry().model.name == "Tiny-Q4_0"  # type: ignore[union-attr]
    QTest.keyClick(page.window(), Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert page.head.filter.hasFocus()


def test_an_empty_library_says_what_to_do(
    library: Callable[..., LibraryPage], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = library()
    page.table.rows.set_models(())
    page._refresh()
    assert page.empty.title.text() == "No models yet"
    QTest.keyClick(page.empty.folders, Qt.Key.Key_Space)
    assert page.window().findChild(FolderDialog) is not None


def stops(window: QWidget) -> list[QWidget]:
    return [w for w in window.findChildren(QWidget) if w.isVisible() and w.focusPolicy() & Qt.FocusPolicy.TabFocus]


def test_everything_has_a_name_and_is_reached_by_tab(library: Callable[..., LibraryPage], qtbot: QtBot) -> None:
    path = own()
    page = library("Tiny-Q4_0")
    choose(qtbot, page, path)
    nameless = [w for w in stops(page.window()) if not (w.accessibleName() or getattr(w, "text", str)())]
    assert nameless == []
    reached = set()
    for _ in range(80):
        page.window().focusNextChild()
        reached.add(QApplication.focusWidget())
    enabled = {w for w in stops(page) if w.isEnabled()}
    assert enabled <= reached
    assert {page.table, page.head.filter, page.head.sort, page.details.action_row.chat} <= enabled


def test_tab_goes_down_the_details(library: Callable[..., LibraryPage], qtbot: QtBot) -> None:
    path = own()
    page = library("Tiny-Q4_0")
    choose(qtbot, page, path)
    qtbot.waitUntil(lambda: page.details.memory.isVisible() and not page._ordering.isActive())
    page.table.setFocus()
    names = []
    for _ in range(14):
        page.window().focusNextChild()
        focused = QApplication.focusWidget()
        assert focused is not None
        if not page.details.isAncestorOf(focused):
            break
        names.append(focused.accessibleName() or focused.text())  # type: ignore[attr-defined]
    assert names == [
        "Chat with it",
        "Convert…",
        "Verify again",
        "Show in the file manager",
        "Copy the path",
        "Rename…",
        "Move to the bin…",
        "Copy: Folder",
        "Context length for the memory estimate",
        "All properties",
        "Chat template",
    ]


def test_tab_goes_down_the_dialog_of_folders(
    library: Callable[..., LibraryPage], qtbot: QtBot, tmp_path: Path
) -> None:
    page = library()
    dialog = page.show_folders()
    dialog.add_folder(str(tmp_path))
    qtbot.waitUntil(dialog.own[str(tmp_path)].isVisible)
    remove = dialog.own[str(tmp_path)]
    remove.setFocus()
    QTest.keyClick(remove, Qt.Key.Key_Tab)
    assert dialog.focusWidget() is dialog.add
    dialog.close()


def test_the_tabs_are_moved_by_arrow_keys(library: Callable[..., LibraryPage]) -> None:
    window = library().window()
    assert isinstance(window, MainWindow)
    panel = window._panel(1)
    assert isinstance(panel, ModelsPanel)
    panel.tabs.setFocus()
    for number in range(1, panel.tabs.count()):
        QTest.keyClick(panel.tabs, Qt.Key.Key_Right)
        assert panel._stack.currentWidget() is panel.page(number)
    panel.show_page("On this machine")
    assert panel._stack.currentWidget() is panel.page(0)


@pytest.mark.parametrize("points", [10, 16])
def test_it_works_at_800_by_600_also_with_large_letters(
    library: Callable[..., LibraryPage], qtbot: QtBot, qapp: QApplication, points: int
) -> None:
    font = qapp.font()
    larger = qapp.font()
    larger.setPointSizeF(points)
    qapp.setFont(larger)
    theme.choose("dark")
    try:
        path = own()
        page = library("Tiny-Q4_0")
        page.window().resize(800, 600)
        choose(qtbot, page, path)
        qtbot.wait(50)
        assert (page.window().width(), page.window().height()) == (800, 600)
        for widget in (page.head.refresh, page.details.action_row.buttons["delete"], page.foot):
            corner = widget.mapTo(page.window(), QPoint(widget.width(), widget.height()))
            assert corner.x() <= 800
            assert corner.y() <= 600
        assert page.details.minimumSizeHint().width() <= page.details.width()
    finally:
        qapp.setFont(font)
        theme.choose("system")


def test_light_and_dark_change_in_the_table_too(library: Callable[..., LibraryPage], qtbot: QtBot) -> None:
    own()
    page = library("Tiny-Q4_0")
    try:
        seen = []
        for name in ("dark", "light"):
            theme.choose(name)
            below = page.table.mapTo(page.window(), QPoint(page.table.width() // 2, page.table.height() - 40))
            seen.append(page.window().grab().toImage().pixelColor(below).name())
    finally:
        theme.choose("system")
    assert seen == [theme.DARK.window, theme.LIGHT.window]


def test_a_template_is_shown_as_it_is(library: Callable[..., LibraryPage], qtbot: QtBot) -> None:
    path = own()
    page = library("Tiny-Q4_0")
    choose(qtbot, page, path)
    assert page.details.template.toPlainText() == TEMPLATE
    assert "mono" in page.details.template.font().family().lower()
