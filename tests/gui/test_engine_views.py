"""The model's state at the top, the figures at the bottom, the template hint, the crash notice, the empty page."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from q8chat.chat.events import EngineState, EngineStatus
from q8chat.gui import engine_text, theme
from q8chat.gui.widgets.crash_notice import CrashNotice
from q8chat.gui.widgets.empty_state import EXAMPLES, EmptyState
from q8chat.gui.widgets.model_bar import ModelBar
from q8chat.gui.widgets.status_line import StatusLine
from q8chat.gui.widgets.template_hint import TemplateHint
from q8chat.runtime.fallback_templates import FALLBACKS
from q8chat.runtime.messages import Loaded, Prefill, Usage

PATH = "/models/lab/tiny/Tiny-1B.Q4_0.gguf"
LOADED = Loaded(PATH, "Tiny 1B", "llama 1B Q4_0", 4096, 8192, 10**9, 600 * 2**20, True, "", 1.25, 700 * 2**20)
READY = EngineState(EngineStatus.READY, PATH, 1.0, LOADED)
DEAD = EngineState(EngineStatus.DEAD, PATH, problem="The system ended it.", hint="Load it again.")
USAGE = Usage(1500, 1200, 30, 0.085, 190.0, 81.26, 1234, 8192, 0, 300 * 2**20, 2, 1)


@pytest.mark.parametrize(
    ("state", "name", "label", "fraction"),
    [
        (EngineState(EngineStatus.NONE), "Choose a model", "No model loaded", None),
        (EngineState(EngineStatus.LOADING, PATH, 0.45), "Tiny-1B.Q4_0", "Loading 45%", 0.45),
        (READY, "Tiny 1B", "Ready", None),
        (
            replace(READY, status=EngineStatus.READING, prefill=Prefill(1, 30, 100, 10)),
            "Tiny 1B",
            "Reading prompt 30%",
            0.3,
        ),
        (
            replace(READY, status=EngineStatus.READING, prefill=Prefill(1, 0, 0, 0)),
            "Tiny 1B",
            "Reading prompt 0%",
            0.0,
        ),
        (replace(READY, status=EngineStatus.WRITING), "Tiny 1B", "Writing", None),
        (DEAD, "Tiny-1B.Q4_0", "Not running", None),
    ],
)
def test_the_bar_says_what_the_model_does(
    qtbot: QtBot, state: EngineState, name: str, label: str, fraction: float | None
) -> None:
    bar = ModelBar()
    qtbot.addWidget(bar)
    bar.resize(900, 60)
    bar.set_engine(state)
    assert bar.button.text() == f"{name} ▾"
    assert bar.button.accessibleName() == f"Model: {name}"
    assert bar.label.text() == label
    assert bar.progress.isHidden() == (fraction is None)
    assert bar.progress.value() == round(1000 * (fraction or 0))


def entries(menu: QMenu) -> dict[str, QAction]:
    menu.aboutToShow.emit()
    return {action.text(): action for action in menu.actions() if not action.isSeparator()}


def test_the_menu_offers_starter_recent_and_files(qtbot: QtBot) -> None:
    bar = ModelBar()
    qtbot.addWidget(bar)
    bar.set_models("/starter/Small.gguf", (PATH, "/starter/Small.gguf"), {})
    bar.set_engine(READY)
    menu = entries(bar.menu)
    assert list(menu) == [
        "Starter model: Small",
        "Tiny-1B.Q4_0",
        "Open a GGUF file…\tCtrl+O",
        "Context length",
        "Chat template",
    ]
    assert menu["Tiny-1B.Q4_0"].isChecked()
    assert not menu["Starter model: Small"].isChecked()
    with qtbot.waitSignal(bar.model_chosen) as chosen:
        menu["Starter model: Small"].trigger()
    assert chosen.args == ["/starter/Small.gguf"]
    with qtbot.waitSignal(bar.open_requested):
        menu["Open a GGUF file…\tCtrl+O"].trigger()


def context_menu(bar: ModelBar) -> dict[str, QAction]:
    menu = entries(bar.menu)["Context length"].menu()
    assert isinstance(menu, QMenu)
    return entries(menu)


def test_the_context_length_goes_up_to_what_the_model_was_trained_with(qtbot: QtBot) -> None:
    bar = ModelBar()
    qtbot.addWidget(bar)
    bar.set_engine(READY)
    menu = context_menu(bar)
    assert list(menu) == ["Automatic (4,096)", "2,048 tokens", "4,096 tokens", "8,192 tokens"]
    assert [text for text, action in menu.items() if action.isChecked()] == ["Automatic (4,096)"]
    with qtbot.waitSignal(bar.context_chosen) as chosen:
        menu["8,192 tokens"].trigger()
    assert chosen.args == [PATH, 8192]


def test_a_length_that_does_not_fit_can_be_changed_back(qtbot: QtBot) -> None:
    """The model did not load with it: the menu is the way out."""
    bar = ModelBar()
    qtbot.addWidget(bar)
    bar.set_models("", (), {PATH: 32768})
    bar.set_engine(DEAD)
    menu = context_menu(bar)
    assert [text for text, action in menu.items() if action.isChecked()] == ["32,768 tokens"]
    with qtbot.waitSignal(bar.context_chosen) as chosen:
        menu["Automatic"].trigger()
    assert chosen.args == [PATH, 0]


@pytest.mark.parametrize(
    ("trained", "chosen", "offered"),
    [
        (0, 0, []),
        (1024, 0, [1024]),
        (40960, 0, [2048, 4096, 8192, 16384, 32768, 40960]),
        (4096, 8192, [2048, 4096, 8192]),
    ],
)
def test_lengths_on_offer(trained: int, chosen: int, offered: list[int]) -> None:
    assert engine_text.context_choices(trained, chosen) == offered


@pytest.mark.parametrize(
    ("loaded", "template", "visible"),
    [
        (LOADED, "", False),
        (replace(LOADED, has_template=False), "", True),
        (replace(LOADED, template_error="It never ends."), "", True),
        (replace(LOADED, template_error="It never ends."), "chatml", False),
        (None, "", False),
    ],
)
def test_a_template_is_asked_for_only_when_needed(
    qtbot: QtBot, loaded: Loaded | None, template: str, visible: bool
) -> None:
    hint = TemplateHint()
    qtbot.addWidget(hint)
    hint.set_engine(replace(READY, loaded=loaded, template=template))
    assert hint.isHidden() != visible
    assert ("It never ends." in hint.label.text()) == bool(loaded and loaded.template_error)


def test_the_template_menu_offers_the_built_in_ones(qtbot: QtBot) -> None:
    hint = TemplateHint()
    qtbot.addWidget(hint)
    hint.set_engine(replace(READY, loaded=replace(LOADED, has_template=False)))
    menu = entries(hint.menu)
    assert list(menu) == ["The model's own", *FALLBACKS]
    name = next(iter(FALLBACKS))
    with qtbot.waitSignal(hint.template_chosen) as chosen:
        menu[name].trigger()
    assert chosen.args == [name]


def test_a_crash_says_why_and_loads_again_with_one_click(qtbot: QtBot) -> None:
    notice = CrashNotice()
    qtbot.addWidget(notice)
    notice.set_engine(READY)
    assert notice.isHidden()
    notice.set_engine(DEAD)
    assert not notice.isHidden()
    assert notice.label.text() == "The system ended it. Load it again."
    with qtbot.waitSignal(notice.reload_requested):
        notice.button.click()


def test_the_empty_page_greets_and_sends_examples(qtbot: QtBot) -> None:
    page = EmptyState()
    qtbot.addWidget(page)
    assert not any(b.isEnabled() for b in page.examples)
    page.set_engine(READY)
    assert "Tiny 1B is ready" in page.model.text()
    assert "Nothing you write leaves this machine" in page.model.text()
    with qtbot.waitSignal(page.example_chosen) as chosen:
        page.examples[1].click()
    assert chosen.args == [EXAMPLES[1]]
    page.set_engine(DEAD)
    assert not any(b.isEnabled() for b in page.examples)


def test_the_status_line_tells_speed_context_and_memory(qtbot: QtBot) -> None:
    status = StatusLine()
    qtbot.addWidget(status)
    status.resize(900, 30)
    status.show()
    status.set_usage(USAGE)
    assert status.speed.text() == "81.3 tokens/s  ·  first token 85 ms"
    assert status.context.text() == "context 1,234 / 8,192 (1,200 reused)"
    assert status.memory.text() == "300 MiB memory"


def test_before_an_answer_it_tells_the_models_context_and_memory(qtbot: QtBot) -> None:
    status = StatusLine()
    qtbot.addWidget(status)
    status.resize(900, 30)
    status.show()
    status.set_engine(READY)
    assert (status.speed.text(), status.context.text()) == ("", "context 0 / 4,096")
    assert status.memory.text() == "700 MiB memory"


def test_in_a_narrow_window_it_says_less_and_cuts_nothing(qtbot: QtBot) -> None:
    status = StatusLine()
    qtbot.addWidget(status)
    status.resize(360, 30)
    status.show()
    qtbot.waitExposed(status)
    status.set_usage(USAGE)
    assert status.speed.text() == "81.3 tokens/s"
    assert status.context.text() == "context 1,234 / 8,192"
    for label in (status.speed, status.context):
        assert label.fontMetrics().horizontalAdvance(label.text()) <= label.width()


@pytest.mark.parametrize(("used", "warns"), [(6553, False), (6554, True), (8192, True)])
def test_the_gauge_warns_at_eighty_percent(qtbot: QtBot, used: int, warns: bool) -> None:
    status = StatusLine()
    qtbot.addWidget(status)
    status.set_usage(replace(USAGE, context_used=used))
    assert (status.gauge.color() == theme.colors().warning) == warns
    assert ("will happen soon" in status.gauge.toolTip()) == warns


def test_the_gauge_explains_what_happens_when_it_is_full() -> None:
    assert "oldest messages are left out" in engine_text.context_tip(USAGE, "drop_oldest")
    assert "the answer stops" in engine_text.context_tip(USAGE, "stop")
    assert "3 messages" in engine_text.context_tip(replace(USAGE, dropped_turns=3), "drop_oldest")


def test_what_the_answer_says_of_the_crash_is_not_said_twice(qtbot: QtBot) -> None:
    notice = CrashNotice()
    qtbot.addWidget(notice)
    notice.set_engine(DEAD)
    notice.set_told("The system ended it.")
    assert notice.label.text() == "The model is not running."
    assert not notice.button.isHidden()
    notice.set_told("")
    assert notice.label.text() == "The system ended it. Load it again."


def test_there_is_no_empty_status_line_without_a_model(qtbot: QtBot) -> None:
    line = StatusLine()
    qtbot.addWidget(line)
    line.set_engine(DEAD)
    assert line.isHidden()
    line.set_engine(READY)
    assert not line.isHidden()
    assert line.context.text() == "context 0 / 4,096"
