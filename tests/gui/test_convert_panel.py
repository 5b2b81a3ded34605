"""The Convert panel in the real window: real small checkpoints and models, the real worker, real jobs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from q8chat.core import paths
from q8chat.gguf_files import provenance
from q8chat.gguf_files.header import read_header
from q8chat.gui import theme
from q8chat.gui.main_window import MainWindow
from q8chat.gui.panels.convert_panel import ConvertPanel
from q8chat.gui.panels.models_panel import ModelsPanel
from q8chat.gui.panels.registry import number_of
from q8chat.gui.widgets.job_log import JobLog
from q8chat.gui.widgets.job_row import JobRow
from q8chat.jobs.types import JobState
from tests.fakes.hub_server import HubServer
from tests.unit.convert import tiny
from tests.unit.quantize.small_models import Shape, write_model

Open = Callable[..., MainWindow]
Panel = Callable[[], ConvertPanel]
PATIENCE = 60_000  # ms; the worker and each job are processes that have to start first
SMALL = Shape(layers=2)


@pytest.fixture
def panel(open_window: Open, qtbot: QtBot) -> Panel:
    def show() -> ConvertPanel:
        window = open_window()
        with qtbot.waitActive(window):
            window.activateWindow()
        QTest.keyClick(window, Qt.Key.Key_3, Qt.KeyboardModifier.ControlModifier)
        made = window._panel(number_of("Convert"))
        assert isinstance(made, ConvertPanel)
        return made

    return show


def choose(qtbot: QtBot, panel: ConvertPanel, path: Path | str) -> None:
    """Type it and press Enter; wait for the table."""
    panel.source.line.clear()
    QTest.keyClicks(panel.source.field, str(path))
    QTest.keyClick(panel.source.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(panel.levels.table.rows.levels), timeout=PATIENCE)
    if panel.desk.source is not None and not panel.desk.source.lossy:
        qtbot.waitUntil(lambda: "free" in panel.destination.room.text(), timeout=PATIENCE)


def failed(qtbot: QtBot, panel: ConvertPanel, path: Path | str) -> str:
    """What is said about a source that can't be used."""
    panel.desk.choose(str(path))
    qtbot.waitUntil(panel.source.problem.isVisible, timeout=PATIENCE)
    return panel.source.problem.accessibleName() + " " + panel.source.advice.accessibleName()


def pick(panel: ConvertPanel, level: str) -> int:
    """Choose a level; its size in the table."""
    assert panel.levels.table.choose(level)
    chosen = panel.levels.level()
    assert chosen is not None
    return chosen.row.size


def finished(qtbot: QtBot, panel: ConvertPanel, n: int = 1) -> JobRow:
    """The newest of n jobs, when all are over."""
    qtbot.waitUntil(
        lambda: len(panel.jobs.rows) == n and all(r.record.is_finished for r in panel.jobs.rows.values()),
        timeout=2 * PATIENCE,
    )
    row = panel.jobs.rows[max(panel.jobs.rows)]
    assert row.record.state == JobState.DONE, row.record
    return row


@pytest.mark.parametrize("level", ["Q4_0", "Q8_0", "F16"])
def test_a_checkpoint_by_keys_alone(qtbot: QtBot, panel: Panel, tmp_path: Path, level: str) -> None:
    folder = tiny.make(tmp_path / "Tiny")
    page = panel()
    qtbot.waitUntil(page.source.field.hasFocus)
    choose(qtbot, page, folder)
    assert page.source.about.text().startswith("Checkpoint of class LlamaForCausalLM")
    page.levels.table.setFocus()
    size = pick(page, level)
    QTest.keyClick(page.levels.table, Qt.Key.Key_Return)
    assert page.destination.start.hasFocus()
    QTest.keyClick(page.destination.start, Qt.Key.Key_Space)
    row = finished(qtbot, page)
    made = Path(row.record.result["path"])
    assert made == paths.models_dir() / "local" / "Tiny" / f"Tiny-{level}.gguf"
    assert made.stat().st_size == size == row.record.result["size"]
    assert provenance.read(made).parent == str(folder)
    assert row.open.isVisible()
    qtbot.waitUntil(lambda: str(made) in [m.path for m in page._context.library.models], timeout=PATIENCE)


def test_a_model_is_requantized_after_a_warning_and_the_size_was_exact(
    qtbot: QtBot, panel: Panel, tmp_path: Path
) -> None:
    source = write_model(tmp_path / "Small-F16.gguf", SMALL)
    page = panel()
    choose(qtbot, page, source)
    assert not page.destination.warning.isVisible()
    first = pick(page, "Q4_0")
    page.destination.start.click()
    made = Path(finished(qtbot, page).record.result["path"])
    assert made.name == "Small-Q4_0.gguf"
    assert made.stat().st_size == first

    choose(qtbot, page, made)
    assert page.levels.level() is None
    assert "quantized already" in page.levels.advice.accessibleName()
    assert not page.destination.start.isEnabled()
    pick(page, "Q2_K")
    assert page.destination.warning.isVisible()
    assert "adds a second rounding" in page.destination.warning.accessibleName()
    assert page.destination.path.parent == made.parent  # ours, so beside it
    page.desk.choose(str(source))
    qtbot.waitUntil(lambda: page.desk.levels is not None, timeout=PATIENCE)
    assert not page.destination.warning.isVisible()


def test_an_existing_file_is_only_replaced_when_told_so(qtbot: QtBot, panel: Panel, tmp_path: Path) -> None:
    page = panel()
    choose(qtbot, page, tiny.make(tmp_path / "Tiny"))
    page.destination.use_folder(str(tmp_path))
    page.destination.name.setFocus()
    page.destination.name.selectAll()
    QTest.keyClicks(page.destination.name, "mine.gguf")
    there = tmp_path / "mine.gguf"
    there.write_bytes(b"precious")
    for button, jobs in (("Keep it", 0), ("Replace", 1)):
        QTest.keyClick(page.destination.name, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: page.window().findChild(QMessageBox) is not None, timeout=PATIENCE)
        box = page.window().findChild(QMessageBox)
        assert isinstance(box, QMessageBox)
        next(b for b in box.buttons() if b.text() == button).click()
        qtbot.waitUntil(lambda: page.window().findChild(QMessageBox) is None, timeout=PATIENCE)
        qtbot.waitUntil(lambda jobs=jobs: len(page.jobs.rows) == jobs, timeout=PATIENCE)
        if not jobs:
            assert there.read_bytes() == b"precious"
    finished(qtbot, page)
    assert read_header(there).architecture == "llama"


def pickled(folder: Path) -> Path:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    return folder


def unknown(folder: Path) -> Path:
    tiny.write_json(folder / "config.json", {**tiny.config(), "architectures": ["NobodyKnowsModel"]})
    return folder


def cut(folder: Path) -> Path:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    return folder


def incomplete(folder: Path) -> Path:
    tiny.make_sharded(folder)
    (folder / "model-00002-of-00003.safetensors").unlink()
    return folder


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (pickled, "a pickle: a program that runs when it is opened"),
        (unknown, "NobodyKnowsModel can't be converted. Supported are "),
        (cut, "model.safetensors"),
        (incomplete, "model-00002-of-00003.safetensors is missing"),
        (lambda folder: folder / "nothing", "There is no file or folder"),
    ],
)
def test_what_is_wrong_with_a_source_is_said_in_its_place(
    qtbot: QtBot, panel: Panel, tmp_path: Path, spoil: Callable[[Path], Path], said: str
) -> None:
    page = panel()
    assert said in failed(qtbot, page, spoil(tiny.make(tmp_path / "Tiny")))
    assert not page.levels.isVisible()
    assert not page.destination.isVisible()
    choose(qtbot, page, tiny.make(tmp_path / "Good"))  # the next one works
    assert not page.source.problem.isVisible()


def test_a_dropped_folder_becomes_the_source(qtbot: QtBot, panel: Panel, tmp_path: Path) -> None:
    folder = tiny.make(tmp_path / "Tiny")
    page = panel()
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(folder))])
    action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    enter = QDragEnterEvent(QPoint(50, 50), action, mime, button, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(page.viewport(), enter)
    assert enter.isAccepted()
    assert page.source.property("dragged")
    drop = QDropEvent(QPoint(50, 50), action, mime, button, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(page.viewport(), drop)
    qtbot.waitUntil(lambda: page.levels.level() is not None, timeout=PATIENCE)
    assert not page.source.property("dragged")
    assert page.desk.source is not None
    assert page.desk.source.path == str(folder)


def test_all_types_and_another_context(qtbot: QtBot, panel: Panel, tmp_path: Path) -> None:
    page = panel()
    choose(qtbot, page, write_model(tmp_path / "Small-F16.gguf", SMALL))
    pick(page, "Q4_0")
    usual = len(page.levels.table.rows.levels)
    QTest.keyClick(page.levels.all, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: len(page.levels.table.rows.levels) > usual, timeout=PATIENCE)
    chosen = page.levels.level()
    assert chosen is not None
    assert chosen.row.level == "Q4_0"  # as it was
    needing = next(v for v in page.levels.table.rows.levels if v.row.level == "IQ2_XXS")
    assert "needs an importance matrix" in needing.row.problem
    page.levels.table.choose("IQ2_XXS")
    assert not page.destination.start.isEnabled()
    assert "importance matrix" in page.levels.explained.accessibleName()


def test_overrides_are_checked_as_typed_and_change_the_size(qtbot: QtBot, panel: Panel, tmp_path: Path) -> None:
    page = panel()
    choose(qtbot, page, write_model(tmp_path / "Small-F16.gguf", SMALL))
    size = pick(page, "Q4_0")
    page.options.head.setFocus()
    QTest.keyClick(page.options.head, Qt.Key.Key_Space)
    assert page.form.isVisible()
    QTest.keyClicks(page.form.overrides, "ffn_down=q9")
    assert page.form.error.isVisible()
    assert page.form.error.accessibleName().startswith("Line 1: There is no tensor type 'q9'.")
    assert not page.destination.start.isEnabled() or page.form._typing.isActive()
    QTest.keyClick(page.form.overrides, Qt.Key.Key_Backspace)
    QTest.keyClicks(page.form.overrides, "8_0")
    assert not page.form.error.isVisible()

    def grown() -> bool:
        level = page.levels.level()
        return level is not None and level.row.level == "Q4_0" and level.row.size > size

    qtbot.waitUntil(grown, timeout=PATIENCE)
    level = page.levels.level()
    assert level is not None
    qtbot.waitUntil(page.destination.start.isEnabled, timeout=PATIENCE)
    page.destination.start.click()
    made = Path(finished(qtbot, page).record.result["path"])
    assert made.stat().st_size == level.row.size
    types = {t.name: t.type_id for t in read_header(made).tensors}
    assert types["blk.0.ffn_down.weight"] == 8


def test_a_checkpoint_on_the_hub_is_downloaded_first(
    qtbot: QtBot, panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny.make(tmp_path / "Tiny")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    with HubServer() as hub:
        hub.add_repo("someone/Tiny", files)
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        page = panel()
        page.desk.choose("someone/Tiny")
        qtbot.waitUntil(page.source.fetch.isVisible, timeout=PATIENCE)
        assert page.source.status.text().startswith("someone/Tiny is on the hub: ")
        page.source.fetch.click()
        qtbot.waitUntil(lambda: page.levels.level() is not None, timeout=PATIENCE)
        assert page.desk.source is not None
        assert page.desk.source.path == str(paths.models_dir() / "someone" / "Tiny")
        assert page.desk.source.kind == "checkpoint"
        assert not page.jobs.rows  # a download is no conversion
        assert "Not found" not in failed(qtbot, page, "someone/else")


def test_the_library_leads_here_and_back(qtbot: QtBot, panel: Panel) -> None:
    own = paths.models_dir() / "me" / "small" / "Small-F16.gguf"
    own.parent.mkdir(parents=True)
    write_model(own, SMALL)
    page = panel()
    window = page.window()
    assert isinstance(window, MainWindow)
    window.show_panel(number_of("Models"))
    models = window._panel(number_of("Models"))
    assert isinstance(models, ModelsPanel)
    library = models.page(0)
    qtbot.waitUntil(lambda: library.table.choose(str(own)), timeout=PATIENCE)  # type: ignore[attr-defined]
    library.details.action_row.buttons["convert"].click()  # type: ignore[attr-defined]
    assert window._stack.currentWidget() is page
    qtbot.waitUntil(lambda: page.levels.level() is not None, timeout=PATIENCE)
    pick(page, "Q4_0")
    page.destination.start.click()
    row = finished(qtbot, page)
    row.locate.click()
    assert window._stack.currentWidget() is models
    made = row.record.result["path"]
    assert made == str(own.with_name("Small-Q4_0.gguf"))
    qtbot.waitUntil(lambda: library.table.entry().model.path == made, timeout=PATIENCE)  # type: ignore[attr-defined]


def test_the_same_source_again_and_a_running_job_by_keys(qtbot: QtBot, panel: Panel, tmp_path: Path) -> None:
    folder = tiny.make(tmp_path / "Tiny")
    page = panel()
    for _ in range(2):
        choose(qtbot, page, folder)
        assert page.destination.start.isEnabled()
    page.destination.go()
    QTest.keyClick(page.destination.start, Qt.Key.Key_Space)
    row = finished(qtbot, page)
    qtbot.waitUntil(lambda: row.isAncestorOf(QApplication.focusWidget()))  # the focus went to the job
    assert page.viewport().rect().contains(row.mapTo(page.viewport(), row.rect().bottomLeft()))
    row.second.setFocus()
    QTest.keyClick(row.second, Qt.Key.Key_Space)  # clear it
    qtbot.waitUntil(lambda: not page.jobs.rows, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not page.jobs.isVisible())


def test_the_log_of_a_job_is_shown(qtbot: QtBot, panel: Panel, tmp_path: Path) -> None:
    page = panel()
    choose(qtbot, page, tiny.make(tmp_path / "Tiny"))
    page.destination.start.click()
    log = finished(qtbot, page).show_log()
    assert isinstance(log, JobLog)
    text = log.text.toPlainText()
    assert "Started: q8chat.jobs.convert:run" in text
    assert "Done." in text
    log.reject()


def test_the_tab_key_visits_everything_from_top_to_bottom(qtbot: QtBot, panel: Panel, tmp_path: Path) -> None:
    page = panel()
    choose(qtbot, page, tiny.make(tmp_path / "Tiny"))
    page.options.head.setChecked(True)
    page.form.imatrix.kind.setCurrentIndex(2)
    qtbot.wait(400)
    page.source.field.setFocus()
    expected: list[QWidget] = [
        *(page.source.field, page.source.folder, page.source.file),
        *(page.levels.all, page.levels.context, page.levels.table, page.options.head),
        *(page.form.imatrix.kind, page.form.imatrix.texts, page.form.imatrix.add, page.form.imatrix.add_folder),
        *(page.form.imatrix.own, page.form.overrides, page.form.output, page.form.embedding, page.form.threads),
        *(page.form.keep, page.form.pure, page.form.zero),
        *(page.destination.name, page.destination.choose),
    ]
    visited = []
    for _ in expected:
        qtbot.wait(1)  # the page follows the focus
        now = QApplication.focusWidget()
        visited.append(now)
        assert now is not None
        assert now.accessibleName() or getattr(now, "text", str)()
        top = now.mapTo(page.viewport(), QPoint(0, 0)).y()
        if now is not page.levels.table:
            assert -1 <= top <= page.viewport().height() - now.height() + 1
        QTest.keyClick(now, Qt.Key.Key_Tab)
    assert visited == expected


def test_the_tab_key_goes_from_the_source_over_the_table_to_the_button(
    qtbot: QtBot, panel: Panel, tmp_path: Path
) -> None:
    page = panel()
    choose(qtbot, page, tiny.make(tmp_path / "Tiny"))
    visited = []
    for _ in range(10):
        now = QApplication.focusWidget()
        assert now is not None
        visited.append(now)
        QTest.keyClick(now, Qt.Key.Key_Tab)
        qtbot.wait(1)
    assert visited[5] is page.levels.table
    assert visited[7:] == [page.destination.name, page.destination.choose, page.destination.start]


def test_it_fits_into_a_small_window_with_large_fonts(
    qtbot: QtBot, panel: Panel, tmp_path: Path, qapp: QApplication
) -> None:
    before = qapp.font()
    large = qapp.font()
    large.setPointSizeF(16)
    qapp.setFont(large)
    theme.choose("system")
    try:
        page = panel()
        page.window().resize(800, 600)
        choose(qtbot, page, tiny.make(tmp_path / "Tiny"))
        page.options.head.setChecked(True)
        page.form.imatrix.kind.setCurrentIndex(2)
        qtbot.wait(100)
        assert page.window().width() <= 900
        inside = page.widget()
        assert inside.width() <= page.viewport().width()
        assert inside.minimumSizeHint().width() <= page.viewport().width()
    finally:
        qapp.setFont(before)
        theme.choose("system")
