"""Settings of a conversation: changes are saved once, to the right conversation, and only if allowed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDoubleSpinBox, QInputDialog, QLineEdit
from pytestqt.qtbot import QtBot

from q8chat.chat.types import Conversation, Preset
from q8chat.gui.widgets.sampling_form import FIELDS
from q8chat.gui.widgets.settings_pane import SettingsPane
from q8chat.runtime.sampling import LIMITS, Sampling

TALK = Conversation(1, "Talk", 0, 0, "Be brief.", Sampling(temperature=0.5, seed=7), "Mine", "stop")
PRESETS = (Preset("Balanced", Sampling(), True), Preset("Mine", Sampling(temperature=0.5, seed=7)))


@pytest.fixture
def pane(qtbot: QtBot) -> SettingsPane:
    widget = SettingsPane()
    qtbot.addWidget(widget)
    widget.resize(320, 700)
    widget.set_presets(PRESETS)
    widget.show_conversation(TALK)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def number(pane: SettingsPane, name: str) -> QDoubleSpinBox:
    field = pane.form.fields[name]
    assert isinstance(field, QDoubleSpinBox)
    return field


def line(pane: SettingsPane, name: str) -> QLineEdit:
    field = pane.form.fields[name]
    assert isinstance(field, QLineEdit)
    return field


def test_every_setting_has_a_field_with_an_explanation_and_its_limits(pane: SettingsPane) -> None:
    assert {f.name for f in FIELDS} == set(LIMITS)
    for field in FIELDS:
        widget = pane.form.fields[field.name]
        assert widget.toolTip().endswith(".")
        assert widget.accessibleName() == field.label
        if isinstance(widget, QDoubleSpinBox):
            assert (widget.minimum(), widget.maximum()) == LIMITS[field.name]


def test_it_shows_the_conversation(pane: SettingsPane) -> None:
    assert pane.system_prompt.toPlainText() == "Be brief."
    assert number(pane, "temperature").value() == 0.5
    assert line(pane, "seed").text() == "7"
    assert line(pane, "max_tokens").text() == ""
    assert pane.overflow.currentData() == "stop"
    assert pane.presets.combo.currentText() == "Mine"


def test_the_numbers_can_be_read(pane: SettingsPane) -> None:
    for name in ("temperature", "top_k"):
        field = number(pane, name).lineEdit()
        assert field.width() > field.fontMetrics().horizontalAdvance("0.00")


def test_showing_saves_nothing(pane: SettingsPane, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(pane.configured, wait=500):
        pane.show_conversation(replace(TALK, id=2, system_prompt="Other"))
        pane.set_presets(PRESETS[:1])


def test_changes_are_saved_once_after_a_pause(pane: SettingsPane, qtbot: QtBot) -> None:
    saved: list[Conversation] = []
    pane.configured.connect(saved.append)
    number(pane, "temperature").setValue(1.25)
    number(pane, "top_k").setValue(12)
    QTest.keyClicks(pane.system_prompt, "Oh. ")
    assert saved == []
    qtbot.waitUntil(lambda: bool(saved))
    expected = Sampling(temperature=1.25, top_k=12, seed=7)
    assert saved == [replace(TALK, sampling=expected, system_prompt="Oh. Be brief.", preset="")]
    assert pane.presets.combo.currentText() == "Custom"


def test_switching_saves_what_was_typed_to_where_it_was_typed(pane: SettingsPane) -> None:
    saved: list[Conversation] = []
    pane.configured.connect(saved.append)
    pane.system_prompt.setPlainText("New")
    pane.show_conversation(Conversation(2, "Other", 0, 0))
    assert [(c.id, c.system_prompt) for c in saved] == [(1, "New")]
    assert pane.system_prompt.toPlainText() == ""


def test_what_is_stored_does_not_overwrite_what_is_being_typed(pane: SettingsPane) -> None:
    pane.system_prompt.setPlainText("I am still typ")
    pane.show_conversation(replace(TALK, title="A new title"))
    assert pane.system_prompt.toPlainText() == "I am still typ"


def test_an_empty_seed_is_random_and_empty_max_tokens_is_no_limit(pane: SettingsPane) -> None:
    saved: list[Conversation] = []
    pane.configured.connect(saved.append)
    line(pane, "seed").selectAll()
    QTest.keyClick(line(pane, "seed"), Qt.Key.Key_Backspace)
    QTest.keyClicks(line(pane, "max_tokens"), "25")
    pane.flush()
    assert (saved[0].sampling.seed, saved[0].sampling.max_tokens) == (-1, 25)


def test_a_number_out_of_range_is_marked_and_not_saved(pane: SettingsPane) -> None:
    saved: list[Conversation] = []
    pane.configured.connect(saved.append)
    QTest.keyClicks(line(pane, "max_tokens"), "9999999abc")
    assert line(pane, "max_tokens").property("wrong")
    assert line(pane, "max_tokens").text() == "9999999"
    pane.flush()
    assert all(c.sampling.validated().max_tokens == 999999 for c in saved)
    QTest.keyClick(line(pane, "max_tokens"), Qt.Key.Key_Backspace)
    assert not line(pane, "max_tokens").property("wrong")


def test_choosing_a_preset_sets_all_numbers(pane: SettingsPane, qtbot: QtBot) -> None:
    with qtbot.waitSignal(pane.configured) as configured:
        pane.presets.combo.setCurrentIndex(0)
        pane.presets.combo.activated.emit(0)
    assert configured.args[0] == replace(TALK, sampling=Sampling(), preset="Balanced")
    assert number(pane, "temperature").value() == 0.8


def test_built_in_presets_cannot_be_deleted(pane: SettingsPane, qtbot: QtBot) -> None:
    with qtbot.waitSignal(pane.preset_deleted) as deleted:
        pane.presets.delete.click()
    assert deleted.args == ["Mine"]
    pane.show_conversation(Conversation(2, "Other", 0, 0, preset="Balanced"))
    assert not pane.presets.delete.isEnabled()


def test_saving_a_preset_asks_for_its_name(pane: SettingsPane, qtbot: QtBot) -> None:
    number(pane, "temperature").setValue(1.5)
    pane.presets.save.click()
    dialog = pane.presets.findChild(QInputDialog)
    assert dialog is not None
    dialog.setTextValue("  Wild ")
    with qtbot.waitSignal(pane.preset_saved) as saved:
        dialog.accept()
    assert saved.args == ["Wild", Sampling(temperature=1.5, seed=7)]
    pane.set_presets((*PRESETS, Preset("Wild", Sampling(temperature=1.5, seed=7))))
    assert pane.presets.combo.currentText() == "Wild"


def test_scrolling_the_pane_over_a_number_does_not_change_it(pane: SettingsPane) -> None:
    field = number(pane, "temperature")
    assert not field.hasFocus()
    event = QWheelEvent(
        QPointF(5, 5),
        field.mapToGlobal(QPointF(5, 5)),
        QPoint(0, 120),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(field, event)
    assert field.value() == 0.5
    assert not event.isAccepted()


def test_without_a_conversation_it_is_disabled(pane: SettingsPane) -> None:
    pane.show_conversation(None)
    assert not pane.isEnabled()
    assert pane.system_prompt.toPlainText() == ""
