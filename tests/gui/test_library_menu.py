"""The models of the library in the chat's menu, and what the choice remembers when files move."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QAction
from pytestqt.qtbot import QtBot

from q8chat.chat.service import ChatService
from q8chat.core.settings import Settings
from q8chat.gui.models import ModelChoice
from q8chat.gui.operations import SettingsKeeper
from q8chat.gui.widgets.model_bar import FEW, MANY, ModelBar
from q8chat.library.types import LibraryModel


def model(name: str, used: str = "", problem: str = "") -> LibraryModel:
    path = f"/m/{name}.gguf"
    return LibraryModel(
        path=path, files=(path,), name=name, size=1, source="Q8 Chat", folder="/m", last_used=used, problem=problem
    )


@pytest.fixture
def choice(qtbot: QtBot) -> ModelChoice:
    settings = Settings(
        last_model="/m/b.gguf", recent_models=("/m/b.gguf", "/m/a.gguf"), context_lengths={"/m/b.gguf": 4096}
    )
    return ModelChoice(ChatService(lambda _: None), SettingsKeeper(settings))


def test_the_last_used_come_first_without_recent_and_broken_ones(choice: ModelChoice) -> None:
    models = (
        model("a"),
        model("new", "2026-11-20"),
        model("never"),
        model("newer", "2026-11-21"),
        model("x", problem="!"),
    )
    choice.set_library(models)
    assert [name for _, name in choice.others()] == ["newer", "new", "never"]


def test_a_renamed_model_keeps_its_place_and_context_length(choice: ModelChoice) -> None:
    choice.moved("/m/b.gguf", "/m/c.gguf")
    assert choice.recent() == ("/m/c.gguf", "/m/a.gguf")
    assert dict(choice.context_lengths()) == {"/m/c.gguf": 4096}
    assert choice._settings.settings.last_model == "/m/c.gguf"


def test_a_deleted_model_is_forgotten(choice: ModelChoice) -> None:
    choice.forget("/m/b.gguf")
    assert choice.recent() == ("/m/a.gguf",)
    assert choice._settings.settings.last_model == ""


def entries(bar: ModelBar) -> list[QAction]:
    bar.menu.aboutToShow.emit()
    return bar.menu.actions()


@pytest.mark.parametrize(("count", "direct"), [(FEW, FEW), (FEW + 1, 0), (MANY + 5, 0)])
def test_many_models_get_a_menu_of_their_own(qtbot: QtBot, count: int, direct: int) -> None:
    bar = ModelBar()
    qtbot.addWidget(bar)
    others = tuple((f"/m/{n}.gguf", f"other {n}") for n in range(count))
    bar.set_models("", (), {}, others)
    actions = entries(bar)
    assert len([a for a in actions if a.text().startswith("other")]) == direct
    assert any(a.text().startswith("All models") for a in actions)
    if not direct:
        menu = next(a.menu() for a in actions if a.text() == "More models")
        assert len(menu.actions()) == min(count, MANY)  # type: ignore[attr-defined]
        actions = menu.actions()  # type: ignore[attr-defined]
    with qtbot.waitSignal(bar.model_chosen) as chosen:
        next(a for a in actions if a.text() == "other 1").trigger()
    assert chosen.args == ["/m/1.gguf"]


def test_without_a_library_the_menu_is_as_before(qtbot: QtBot) -> None:
    bar = ModelBar()
    qtbot.addWidget(bar)
    bar.set_models("/s.gguf", (), {})
    assert [a.text().split("\t")[0] for a in entries(bar) if a.text()] == ["Starter model: s", "Open a GGUF file…"]
