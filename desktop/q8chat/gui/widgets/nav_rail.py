"""The narrow column on the far left: one button per panel, and the menu of the application."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QMenu, QSizePolicy, QVBoxLayout, QWidget

from q8chat.gui import theme
from q8chat.gui.widgets.icon_button import IconButton


class NavRail(QFrame):
    """Emits `chosen` with the number of the panel."""

    chosen = Signal(int)

    def __init__(self, panels: list[tuple[str, str]], menu: QMenu, parent: QWidget | None = None) -> None:
        """`panels`: (icon, title) in order."""
        super().__init__(parent)
        self.setObjectName("rail")
        u = theme.unit()
        column = QVBoxLayout(self)
        column.setContentsMargins(u // 2, u, u // 2, u)
        column.setSpacing(u // 2)
        self._group = QButtonGroup(self)
        for number, (icon, title) in enumerate(panels):
            button = self._button(icon, title, f"Ctrl+{number + 1}")
            button.setCheckable(True)
            button.setChecked(number == 0)
            self._group.addButton(button, number)
            column.addWidget(button)
        self._group.idClicked.connect(self.chosen)
        column.addStretch(1)
        self.more = self._button("more", "More", "")
        self.more.setPopupMode(self.more.ToolButtonPopupMode.InstantPopup)
        self.more.setMenu(menu)
        column.addWidget(self.more)

    def choose(self, number: int) -> None:
        """Mark the button of a panel."""
        self._group.button(number).setChecked(True)

    def _button(self, icon: str, title: str, shortcut: str) -> IconButton:
        button = IconButton(icon, title, shortcut=shortcut)
        button.setProperty("kind", "rail")
        button.setText(title.replace(" ", "\n"))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        return button
