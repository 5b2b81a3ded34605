"""The right column: settings of the conversation in view."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QComboBox, QFrame, QLabel, QPlainTextEdit, QScrollArea, QVBoxLayout, QWidget

from q8chat.chat.presets import DEFAULT
from q8chat.chat.types import Conversation, Preset
from q8chat.gui import theme
from q8chat.gui.widgets.preset_row import PresetRow
from q8chat.gui.widgets.sampling_form import SamplingForm
from q8chat.runtime.sampling import Sampling

PAUSE_MS = 400
_OVERFLOW = (("drop_oldest", "Leave out the oldest messages"), ("stop", "Stop and say so"))


class SettingsPane(QFrame):
    """Emits `configured` with the changed conversation when the user pauses."""

    configured = Signal(Conversation)
    preset_saved = Signal(str, Sampling)
    preset_deleted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("settingsPane")
        self._conversation: Conversation | None = None
        self._quiet = self._changed = False
        self.presets, self.form = PresetRow(), SamplingForm()
        self.system_prompt = QPlainTextEdit(tabChangesFocus=True)
        self.system_prompt.setPlaceholderText("For example: Answer briefly and in simple words.")
        self.system_prompt.setAccessibleName("System prompt")
        self.system_prompt.setToolTip("Instructions that the model gets before the first message.")
        self.overflow = QComboBox()
        self.overflow.setMinimumContentsLength(8)
        self.overflow.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.overflow.setAccessibleName("When the context is full")
        self.overflow.setToolTip("What happens when the conversation no longer fits into the model's context.")
        for value, label in _OVERFLOW:
            self.overflow.addItem(label, value)
        self._timer = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._timer.timeout.connect(self.flush)
        self._lay_out()
        self._connect()
        self.show_conversation(None)

    def _lay_out(self) -> None:
        u = theme.unit()
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(2 * u, 2 * u, 2 * u, 2 * u)
        column.setSpacing(u)
        title = QLabel("Settings of this conversation", wordWrap=True)
        title.setProperty("role", "heading")
        column.addWidget(title)
        for label, widget in (
            ("Preset", self.presets),
            ("", self.form),
            ("System prompt", self.system_prompt),
            ("When the context is full", self.overflow),
        ):
            if label:
                column.addSpacing(u)
                caption = QLabel(label)
                caption.setProperty("role", "muted")
                caption.setBuddy(widget)
                column.addWidget(caption)
            column.addWidget(widget)
        column.addStretch(1)
        self.system_prompt.setFixedHeight(12 * u)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(inner)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)

    def _connect(self) -> None:
        self.presets.chosen.connect(self._on_preset)
        self.presets.save_requested.connect(self._on_save_preset)
        self.presets.delete_requested.connect(self._on_delete_preset)
        self.form.changed.connect(self._on_numbers)
        self.system_prompt.textChanged.connect(self._touch)
        self.overflow.activated.connect(self._touch)

    def minimumSizeHint(self) -> QSize:
        """No label is cut at this width."""
        return QSize(27 * theme.unit(), 0)

    def sizeHint(self) -> QSize:
        """A little air."""
        return QSize(36 * theme.unit(), 60 * theme.unit())

    def set_presets(self, presets: tuple[Preset, ...]) -> None:
        """All presets, in the order to show."""
        self.presets.set_presets(presets)

    def show_conversation(self, conversation: Conversation | None) -> None:
        """Show another conversation, or the same one as stored. What was typed before is saved first."""
        same = self._conversation and conversation and self._conversation.id == conversation.id
        if same and self._changed:
            return  # the user is ahead of what is stored
        self.flush()
        self._conversation = conversation
        self.setEnabled(conversation is not None)
        shown = conversation or Conversation(0, "", 0, 0, preset=DEFAULT.name)
        self._quiet = True
        if shown.system_prompt != self.system_prompt.toPlainText():
            self.system_prompt.setPlainText(shown.system_prompt)
        if shown.sampling != self.form.value():
            self.form.set_value(shown.sampling)
        self.overflow.setCurrentIndex(self.overflow.findData(shown.overflow))
        if shown.preset != self.presets.current():
            self.presets.set_current(shown.preset)
        self._quiet = False

    def flush(self) -> None:
        """Emit what has changed now instead of after the pause."""
        if not self._changed or self._conversation is None:
            return
        self._changed = False
        self._timer.stop()
        self._conversation = replace(
            self._conversation,
            system_prompt=self.system_prompt.toPlainText(),
            sampling=self.form.value(),
            preset=self.presets.current(),
            overflow=self.overflow.currentData(),
        )
        self.configured.emit(self._conversation)

    def _touch(self) -> None:
        if not self._quiet and self._conversation is not None:
            self._changed = True
            self._timer.start()

    def _on_numbers(self) -> None:
        self.presets.set_current("")
        self._touch()

    def _on_preset(self, preset: Preset) -> None:
        self.form.set_value(preset.sampling)
        self._touch()

    def _on_save_preset(self, name: str) -> None:
        self.preset_saved.emit(name, self.form.value())
        self.presets.set_current(name)
        self._touch()

    def _on_delete_preset(self, name: str) -> None:
        self.presets.set_current("")
        self._touch()
        self.preset_deleted.emit(name)
