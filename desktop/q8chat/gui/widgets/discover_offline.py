"""The switch for offline mode."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QWidget

LONG, SHORT = "Offline: nothing touches the network", "Offline"


class OfflineSwitch(QCheckBox):
    """`wanted` tells what the user wants. Where there is little room its text is short."""

    wanted = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(LONG)
        self.setToolTip("While this is on, nothing touches the network: no search, and downloads wait.")
        self.set_short(False)
        self.toggled.connect(self.wanted)

    def set_short(self, short: bool) -> None:
        """With little room."""
        self.setText(SHORT if short else LONG)

    def show_offline(self, offline: bool, *, forced: bool) -> None:
        """As the settings are; `forced`: the environment says so, and it can't be changed here."""
        self.blockSignals(True)
        self.setChecked(offline or forced)
        self.blockSignals(False)
        self.setEnabled(not forced)
        if forced:
            self.setToolTip("HF_HUB_OFFLINE is set. Start Q8 Chat without it to go online.")
