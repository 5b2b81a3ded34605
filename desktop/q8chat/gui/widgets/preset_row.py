"""Choose, save and delete named sampling settings."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QInputDialog, QWidget

from q8chat.chat.types import Preset
from q8chat.gui import theme
from q8chat.gui.widgets.icon_button import IconButton

CUSTOM = "Custom"


class PresetRow(QWidget):
    """A combo box with the presets ("Custom" after a change by hand), "save as" and "delete"."""

    chosen = Signal(Preset)
    save_requested = Signal(str)
    delete_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._presets: dict[str, Preset] = {}
        self._current = ""
        self.combo = QComboBox()
        self.combo.setAccessibleName("Preset")
        self.combo.setToolTip("Named settings for sampling; choosing one sets all numbers below.")
        self.combo.setMinimumContentsLength(6)
        self.combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.combo.activated.connect(self._on_activated)
        self.save = IconButton("save", "Save these settings as a preset…")
        self.save.clicked.connect(self._ask_name)
        self.delete = IconButton("trash", "Delete this preset")
        self.delete.clicked.connect(lambda: self.delete_requested.emit(self._current))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.unit() // 2)
        row.addWidget(self.combo, 1)
        row.addWidget(self.save)
        row.addWidget(self.delete)
        self._refresh()

    def set_presets(self, presets: tuple[Preset, ...]) -> None:
        """All presets, in the order to show."""
        self._presets = {p.name: p for p in presets}
        self._refresh()

    def set_current(self, name: str) -> None:
        """The preset in use, "" for numbers changed by hand."""
        self._current = name
        self._refresh()

    def current(self) -> str:
        """The preset in use, "" for numbers changed by hand."""
        return self._current

    def _refresh(self) -> None:
        known = self._current in self._presets
        self.combo.clear()
        for name in self._presets:
            self.combo.addItem(name)
        if not known:
            self.combo.insertItem(0, CUSTOM)
            self.combo.setCurrentIndex(0)
        else:
            self.combo.setCurrentIndex(list(self._presets).index(self._current))
        self.delete.setEnabled(known and not self._presets[self._current].builtin)

    def _on_activated(self, index: int) -> None:
        preset = self._presets.get(self.combo.itemText(index))
        if preset is not None:
            self._current = preset.name
            self._refresh()
            self.chosen.emit(preset)

    def _ask_name(self) -> None:
        dialog = QInputDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle("Save preset")
        dialog.setLabelText("Name of the preset:")
        dialog.setOkButtonText("Save")
        dialog.textValueSelected.connect(self._on_named)
        dialog.open()

    def _on_named(self, text: str) -> None:
        name = " ".join(text.split())
        preset = self._presets.get(name)
        if name and name != CUSTOM and not (preset and preset.builtin):
            self.save_requested.emit(name)
