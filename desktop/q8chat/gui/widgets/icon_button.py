"""A tool button whose icon follows the colour scheme."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import QToolButton, QWidget

from q8chat.gui import theme


class IconButton(QToolButton):
    """Icon only, or icon and text. `label` is the accessible name and, with the shortcut, the tooltip."""

    def __init__(
        self, icon: str, label: str, *, shortcut: str = "", color: str = "text", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._icon, self._color = icon, color
        self._shown: tuple[str, str, int] | None = None
        self.setAccessibleName(label)
        self.setToolTip(f"{label} ({shortcut})" if shortcut else label)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setProperty("kind", "flat")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._refresh()

    def set_icon(self, icon: str, color: str = "text") -> None:
        """Show another icon, in the named colour of the scheme."""
        self._icon, self._color = icon, color
        self._refresh()

    def changeEvent(self, event: QEvent) -> None:
        """Redraw the icon when the colours or the font change."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self._refresh()

    def _refresh(self) -> None:
        side = round(theme.unit() * 2.25)
        shown = (self._icon, getattr(theme.colors(), self._color), side)
        if shown == self._shown:  # polishing sends several changes to each of hundreds of buttons
            return
        self._shown = shown
        self.setIcon(theme.icon(*shown[:2]))
        self.setIconSize(QSize(side, side))
