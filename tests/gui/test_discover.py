"""Discover in the real window: the real worker and real jobs, the real client, against the hub of the tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from q8chat.core import paths
from q8chat.core.settings import Settings
from q8chat.gui import theme
from q8chat.gui.main_window import MainWindow
from q8chat.gui.offers import Offer, State
from q8chat.gui.panels.models.discover_page import DiscoverPage
from q8chat.gui.panels.models.downloads_page import DownloadsPage
from q8chat.gui.panels.models_panel import ModelsPanel
from q8chat.jobs.types import JobState
from tests.fakes import hub_showcase, keyring_file
from tests.fakes.hub_contents import RandomContent
from tests.fakes.hub_models import Shape
from tests.fakes.hub_server import HubServer
from tests.unit.library.model_files import write_model

Open = Callable[..., MainWindow]
PATIENCE = 90_000  # ms; the worker is a process that has to start first
SHAPE = Shape(4, 512, 1536, 8, 4, 2048, 16384)
REPO, FETCHED = "org/Tiny-GGUF", "Tiny-Q4_0"
UNSET = ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_TOKEN_PATH", "http_proxy", "https_proxy", "all_proxy")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    """What its children inherit points to it; the keyring is a file."""
    with HubServer() as server:
        for name in (*UNSET, *(n.upper() for n in UNSET)):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("NO_PROXY", "*")
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", keyring_file.NAME)
        monkeypatch.setenv("Q8CHAT_TEST_KEYRING", str(tmp_path / "keyring"))
        real = write_model(tmp_path / f"{FETCHED}.gguf", context=4096)
        shown = {f"Tiny-{label}.gguf": SHAPE.write(tmp_path / "m.gguf", label) for label in ("Q4_K_M", "Q8_0")}
        bad = {"Tiny-Q6_K-00001-of-00002.gguf": RandomContent(5000)}
        about = {"gguf": {"total": SHAPE.parameters, "architecture": "llama", "context_length": 16384}}
        card = hub_showcase.CARD.format(name="Tiny")
        server.add_repo(REPO, {**shown, **bad, real.name: real}, card=card, downloads=900, likes=7, **about)
        server.add_repo(
            "org/Gated-GGUF", {"Gated-Q8_0.gguf": real}, gated="auto", downloads=20, likes=50, tags=("gguf",)
        )
        for n in range(40):
            server.add_repo(f"many/Model-{n:02}", {}, tags=("gguf",), downloads=n)
        server.page_size = 30
        yield server


@pytest.fixture
def discover(open_window: Open, qtbot: QtBot) -> Callable[..., DiscoverPage]:
    def show(settings: Settings | None = None) -> DiscoverPage:
        window = open_window(settings)
        with qtbot.waitActive(window):
            window.activateWindow()
        QTest.keyClick(window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
        panel = panel_of(window)
        panel.tabs.setFocus()
        QTest.keyClick(panel.tabs, Qt.Key.Key_Right)
        page = panel._stack.currentWidget()
        assert isinstance(page, DiscoverPage)
        return page

    return show


def panel_of(window: QWidget) -> ModelsPanel:
    assert isinstance(window, MainWindow)
    panel = window._panel(1)
    assert isinstance(panel, ModelsPanel)
    return panel


def type_in(page: DiscoverPage, text: str, *, enter: bool = False) -> None:
    page.focus_search()
    QTest.keyClicks(page.head.field, text)
    if enter:
        QTest.keyClick(page.head.field, Qt.Key.Key_Return)


def names(page: DiscoverPage) -> list[str]:
    return [hit.repo for hit in page.results.list.found.hits]


def wait_for_hits(qtbot: QtBot, page: DiscoverPage, first: str) -> None:
    qtbot.waitUntil(lambda: page.results.isVisible() and names(page)[:1] == [first], timeout=PATIENCE)


def rows(page: DiscoverPage) -> dict[str, Offer]:
    return {offer.label: offer for offer in page.repo.files.table.rows.offers}


def open_repo(qtbot: QtBot, page: DiscoverPage, text: str = REPO) -> None:
    """By its name, until everything about it is known."""
    type_in(page, text, enter=True)
    qtbot.waitUntil(lambda: any(offer.fit for offer in rows(page).values()), timeout=PATIENCE)


def hub_paths(hub: HubServer) -> list[str]:
    return [request.path for request in hub.requests]


def test_nothing_is_asked_before_the_user_does_something(
    hub: HubServer, discover: Callable[..., DiscoverPage], qtbot: QtBot
) -> None:
    page = discover()
    assert page.message.title.text() == "Find a model on the hub"
    qtbot.wait(700)
    assert hub.requests == []
    QTest.keyClick(page.message.button, Qt.Key.Key_Space)
    wait_for_hits(qtbot, page, REPO)
    assert len([p for p in hub_paths(hub) if p.startswith("/api/models?")]) == 1


def test_typing_searches_when_it_pauses_and_more_brings_the_rest(
    hub: HubServer, discover: Callable[..., DiscoverPage], qtbot: QtBot
) -> None:
    page = discover()
    type_in(page, "model")
    qtbot.wait(200)
    assert hub.requests == []  # typing has not paused yet
    wait_for_hits(qtbot, page, "many/Model-39")
    assert page.results.summary.text() == "30 models, and there are more"
    QTest.keyClick(page.head.field, Qt.Key.Key_Down)
    assert page.results.list.hasFocus()
    QTest.keyClick(page.results.more, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: len(names(page)) == 40, timeout=PATIENCE)
    assert page.results.list.currentIndex().row() == 30
    assert not page.results.more.isVisible()
    assert len(set(names(page))) == 40


def test_order_and_kind_ask_again(hub: HubServer, discover: Callable[..., DiscoverPage], qtbot: QtBot) -> None:
    page = discover()
    page.head.sorts.setCurrentIndex(1)
    assert hub.requests == []  # nothing was searched for yet
    type_in(page, "gguf", enter=True)
    wait_for_hits(qtbot, page, "org/Gated-GGUF")
    page.head.sorts.setCurrentIndex(0)
    wait_for_hits(qtbot, page, REPO)
    page.head.kinds.setCurrentIndex(1)
    qtbot.waitUntil(page.message.isVisible, timeout=PATIENCE)
    assert page.message.title.text() == "Nothing found for ‘gguf’"
    assert "filter=safetensors" in hub_paths(hub)[-1]


def test_the_page_of_a_repository_by_keys(
    hub: HubServer, discover: Callable[..., DiscoverPage], qtbot: QtBot
) -> None:
    page = discover()
    type_in(page, "tiny", enter=True)
    wait_for_hits(qtbot, page, REPO)
    QTest.keyClick(page.head.field, Qt.Key.Key_Down)
    QTest.keyClick(page.results.list, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: any(offer.fit for offer in rows(page).values()), timeout=PATIENCE)
    files = page.repo.files
    assert page.repo.head.title.text() == "Tiny-GGUF"
    assert "900 downloads" in page.repo.head.facts.text()
    assert files.table.hasFocus()
    found = rows(page)
    best = next(offer for offer in found.values() if offer.recommended)
    assert files.advice.text().startswith(f"★ {best.label} is recommended for this machine. ")
    assert files.table.offer() == best
    assert found["Q4_K_M"].needs is not None
    assert not found["Q4_K_M"].needs.about
    assert found["Q6_K"].state == State.UNUSABLE
    assert "parts are missing" in found["Q6_K"].problem
    assert len({p for p in hub_paths(hub) if ".gguf" in p and "resolve" in p}) == 1  # one header
    before = found["Q8_0"].needs
    files.context.setFocus()
    files.context.setCurrentIndex(files.context.count() - 1)
    files.context.activated.emit(files.context.count() - 1)
    qtbot.waitUntil(lambda: rows(page)["Q8_0"].needs != before, timeout=PATIENCE)
    assert "16,384 tokens" in files.chosen.text()
    QTest.keyClick(files.table, Qt.Key.Key_Escape)
    assert page.results.list.hasFocus()
    assert page.results.list.currentIndex().row() == 0


def test_the_card_is_text(hub: HubServer, discover: Callable[..., DiscoverPage], qtbot: QtBot) -> None:
    page = discover()
    open_repo(qtbot, page)
    page.repo.tabs.setFocus()
    QTest.keyClick(page.repo.tabs, Qt.Key.Key_Right)
    assert page.repo.card.isVisible()
    text = page.repo.card.text()
    assert text.startswith("# Tiny")
    assert "<img" not in text
    assert "chart.png" not in text
    body = page.repo.card._body
    assert body is not None
    qtbot.waitUntil(lambda: body.height() > 200 and all(i.view for i in body.items[:3]), timeout=PATIENCE)


def test_from_a_pasted_name_to_a_chat(hub: HubServer, discover: Callable[..., DiscoverPage], qtbot: QtBot) -> None:
    """The row named is chosen; Enter fetches it; it shows how far it is; then it can be chatted with."""
    hub.fault(f"{REPO}/{FETCHED}.gguf", rate=600)  # bytes per second: long enough to be seen
    page = discover()
    QApplication.clipboard().setText(f"https://hub.example/{REPO}/blob/main/{FETCHED}.gguf")
    page.focus_search()
    page.head.field.paste()
    qtbot.waitUntil(lambda: any(offer.fit for offer in rows(page).values()), timeout=PATIENCE)
    files = page.repo.files
    offer = files.table.offer()
    assert offer is not None
    assert offer.label == "Q4_0"
    QTest.keyClick(files.table, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: rows(page)["Q4_0"].state == State.RUNNING, timeout=PATIENCE)
    panel = panel_of(page.window())
    assert panel.tabs.tabText(2) == "Downloads (1)"
    assert files.button.text() == "Show downloads"
    hub.faults.clear()
    qtbot.waitUntil(lambda: rows(page)["Q4_0"].state == State.HERE, timeout=PATIENCE)
    qtbot.waitUntil(lambda: panel.tabs.tabText(2) == "Downloads", timeout=PATIENCE)
    fetched = paths.models_dir() / REPO / f"{FETCHED}.gguf"
    assert rows(page)["Q4_0"].path == str(fetched)
    window = page.window()
    qtbot.waitUntil(lambda: str(fetched) in {m.path for m in window._library.models}, timeout=PATIENCE)  # type: ignore[attr-defined]
    assert rows(page)["Q4_0"].state == State.HERE
    assert files.button.text() == "Chat with Q4_0"
    QTest.keyClick(files.button, Qt.Key.Key_Space)
    assert window._settings.settings.last_model == str(fetched)  # type: ignore[attr-defined]
    assert window._stack.currentWidget() is window.chat  # type: ignore[attr-defined]


def test_the_downloads_page_has_it_too(hub: HubServer, discover: Callable[..., DiscoverPage], qtbot: QtBot) -> None:
    hub.fault(f"{REPO}/{FETCHED}.gguf", rate=600)
    page = discover()
    open_repo(qtbot, page, f"{REPO}:Q4_0")
    files = page.repo.files
    cell = files.table.cell(files.table.currentIndex().row())
    assert cell is not None
    QTest.mouseClick(cell.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: rows(page)["Q4_0"].state == State.RUNNING, timeout=PATIENCE)
    QTest.keyClick(files.button, Qt.Key.Key_Space)
    downloads = panel_of(page.window())._stack.currentWidget()
    assert isinstance(downloads, DownloadsPage)
    (row,) = downloads.list.rows.values()
    assert row.title.text() == "Tiny-GGUF · Q4_0"
    row.first.click()
    qtbot.waitUntil(lambda: rows(page)["Q4_0"].state == State.PAUSED, timeout=PATIENCE)
    assert files.button.text() == "Resume"


def test_offline_mode_touches_nothing_and_lets_downloads_wait(
    hub: HubServer, discover: Callable[..., DiscoverPage], qtbot: QtBot
) -> None:
    hub.fault(f"{REPO}/{FETCHED}.gguf", rate=600)
    page = discover()
    open_repo(qtbot, page, f"{REPO}:Q4_0")
    QTest.keyClick(page.repo.files.table, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: rows(page)["Q4_0"].state == State.RUNNING, timeout=PATIENCE)
    panel = panel_of(page.window())
    panel.offline.setFocus()
    QTest.keyClick(panel.offline, Qt.Key.Key_Space)
    assert page.message.isVisible()
    assert page.message.title.text() == "Offline mode is on"
    jobs = page._context.jobs
    qtbot.waitUntil(lambda: [r.state for r in jobs.records()] == [JobState.QUEUED], timeout=PATIENCE)
    qtbot.wait(300)
    asked = len(hub.requests)
    type_in(page, "x", enter=True)
    qtbot.wait(900)
    assert len(hub.requests) == asked
    assert json.loads((paths.config_dir() / "settings.json").read_text())["offline"] is True
    hub.faults.clear()
    QTest.keyClick(page.message.button, Qt.Key.Key_Space)
    assert not panel.offline.isChecked()
    qtbot.waitUntil(lambda: [r.state for r in jobs.records()] == [JobState.DONE], timeout=PATIENCE)


def test_what_was_typed_offline_is_searched_for_when_online_again(
    hub: HubServer, discover: Callable[..., DiscoverPage], qtbot: QtBot
) -> None:
    """The worker reads the setting from the disk, where it must be before the worker is asked."""
    page = discover()
    panel = panel_of(page.window())
    for _ in range(5):
        QTest.keyClick(panel.offline, Qt.Key.Key_Space)
        type_in(page, "tiny", enter=True)
        assert page.message.title.text() == "Offline mode is on"
        QTest.keyClick(panel.offline, Qt.Key.Key_Space)
        qtbot.waitUntil(page.results.isVisible, timeout=PATIENCE)


def test_offline_by_the_environment_can_not_be_switched_off(
    hub: HubServer, discover: Callable[..., DiscoverPage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    page = discover()
    panel = panel_of(page.window())
    assert panel.offline.isChecked()
    assert not panel.offline.isEnabled()
    assert "HF_HUB_OFFLINE" in page.message.text.text()
    assert not page.message.button.isVisible()


def test_a_hub_that_is_not_there_can_be_tried_again(
    hub: HubServer, discover: Callable[..., DiscoverPage], qtbot: QtBot
) -> None:
    hub.fault("/api/models", status=503)
    page = discover()
    type_in(page, "tiny", enter=True)
    qtbot.waitUntil(lambda: page.message.button.text() == "Try again", timeout=PATIENCE)
    assert "503" in page.message.title.text()
    hub.faults.clear()
    QTest.keyClick(page.message.button, Qt.Key.Key_Space)
    wait_for_hits(qtbot, page, REPO)


def test_a_repository_that_does_not_exist(
    hub: HubServer, discover: Callable[..., DiscoverPage], qtbot: QtBot
) -> None:
    page = discover()
    type_in(page, "org/nothing", enter=True)
    qtbot.waitUntil(page.repo.message.button.isVisible, timeout=PATIENCE)
    assert page.repo.message.title.text() == "There is no repository org/nothing on the hub."
    qtbot.waitUntil(page.repo.access.isVisible, timeout=PATIENCE)
    QTest.keyClick(page.repo.head.back, Qt.Key.Key_Space)
    assert page.message.isVisible()


def test_a_gated_repository_takes_a_token_and_keeps_it_in_the_keyring(
    hub: HubServer, discover: Callable[..., DiscoverPage], qtbot: QtBot, home: Path
) -> None:
    page = discover()
    open_repo(qtbot, page, "org/Gated-GGUF")
    access = page.repo.access
    qtbot.waitUntil(access.isVisible, timeout=PATIENCE)
    assert "org/Gated-GGUF is gated" in access.text.text()
    assert hub.endpoint in access.page.toolTip()
    assert rows(page)["Q8_0"].needs is not None
    assert rows(page)["Q8_0"].needs.about  # type: ignore[union-attr]
    assert access.field.echoMode() == QLineEdit.EchoMode.Password
    QTest.keyClicks(access.field, hub.token)
    QTest.keyClick(access.field, Qt.Key.Key_Return)
    assert access.field.text() == ""
    qtbot.waitUntil(access.outcome.isVisible, timeout=PATIENCE)
    assert access.outcome.text() == "The token is in the system's keyring now."
    assert keyring_file.place().read_text() == hub.token
    qtbot.waitUntil(lambda: rows(page)["Q8_0"].needs.about is False, timeout=PATIENCE)  # type: ignore[union-attr]
    texts = [label.text() for label in page.findChildren(QLabel)]
    assert not any(hub.token in text for text in texts)
    written = [f for f in home.rglob("*") if f.is_file() and hub.token.encode() in f.read_bytes()]
    assert written == []
    assert hub.leaks == []


def stops(widget: QWidget) -> list[QWidget]:
    found = [w for w in widget.findChildren(QWidget) if w.isVisible() and w.focusPolicy() & Qt.FocusPolicy.TabFocus]
    return [w for w in found if w.isEnabled()]


def test_everything_has_a_name_and_is_reached_by_tab(
    hub: HubServer, discover: Callable[..., DiscoverPage], qtbot: QtBot
) -> None:
    page = discover()
    open_repo(qtbot, page, "org/Gated-GGUF")
    qtbot.waitUntil(page.repo.access.isVisible, timeout=PATIENCE)
    panel = panel_of(page.window())
    nameless = [w for w in stops(panel) if not (w.accessibleName() or getattr(w, "text", str)())]
    assert nameless == []
    reached = set()
    for _ in range(60):
        page.window().focusNextChild()
        reached.add(QApplication.focusWidget())
    assert set(stops(panel)) <= reached
    files = page.repo.files
    assert {files.table, files.button, files.context, page.repo.access.field, panel.offline} <= reached


@pytest.mark.parametrize("points", [10, 16])
def test_it_works_at_800_by_600_also_with_large_letters(
    hub: HubServer, discover: Callable[..., DiscoverPage], qtbot: QtBot, qapp: QApplication, points: int
) -> None:
    font, larger = qapp.font(), qapp.font()
    larger.setPointSizeF(points)
    qapp.setFont(larger)
    theme.choose("dark")
    try:
        page = discover()
        window = page.window()
        window.resize(800, 600)
        open_repo(qtbot, page)
        qtbot.wait(50)
        assert (window.width(), window.height()) == (800, 600)
        panel, files = panel_of(window), page.repo.files
        for widget in (
            panel.offline,
            page.head.sorts,
            page.repo.head.back,
            files.context,
            files.button,
        ):
            widget.setFocus(Qt.FocusReason.TabFocusReason)
            page.repo._area.ensureWidgetVisible(widget, 0, 0)
            corner = widget.mapTo(window, QPoint(widget.width(), widget.height()))
            assert corner.x() <= 800
            assert corner.y() <= 600
        assert files.table.viewport().height() > 2.5 * files.table.rowHeight(0)
        if points == 10:
            assert page.repo._area.verticalScrollBar().maximum() == 0
    finally:
        qapp.setFont(font)
        theme.choose("system")
