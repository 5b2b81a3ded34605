"""Colours, icons and fonts, light and dark after the system. The only place that knows a colour."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from PySide6.QtCore import QByteArray, QObject, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer

from q8chat.core import paths


@dataclass(frozen=True, slots=True)
class Colors:
    """One colour scheme, as #rrggbb."""

    window: str  # behind everything
    surface: str  # panels, cards, fields
    raised: str  # hovered or selected rows
    border: str
    text: str
    muted: str  # secondary text; at least 4.5:1 on window
    accent: str
    on_accent: str  # text on accent
    user_bubble: str
    code_background: str
    code_header: str
    danger: str
    warning: str
    good: str


LIGHT = Colors(
    window="#f7f7f5",
    surface="#ffffff",
    raised="#ececea",
    border="#dcdcd8",
    text="#1f2023",
    muted="#63656b",
    accent="#2f5fd0",
    on_accent="#ffffff",
    user_bubble="#e6ecfa",
    code_background="#f3f3f0",
    code_header="#e7e7e3",
    danger="#b3261e",
    warning="#8a5a00",
    good="#1d7a3d",
)
DARK = Colors(
    window="#1b1c1f",
    surface="#232428",
    raised="#2e3036",
    border="#3a3c43",
    text="#e8e8ea",
    muted="#a2a5ae",
    accent="#86a8ff",
    on_accent="#10131c",
    user_bubble="#2b3550",
    code_background="#17181b",
    code_header="#2a2b30",
    danger="#ff8a80",
    warning="#f0bf66",
    good="#7bd69a",
)


class _Notifier(QObject):
    changed = Signal()


@cache
def notifier() -> _Notifier:
    """Emits `changed` after the scheme changed and the palette was applied."""
    return _Notifier()


def is_dark() -> bool:
    """Whether the dark scheme is in use."""
    return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark


def colors() -> Colors:
    """The scheme in use."""
    return DARK if is_dark() else LIGHT


def palette(c: Colors) -> QPalette:
    """The Qt palette of a scheme, for everything the style sheet does not name."""
    p = QPalette()
    roles = QPalette.ColorRole
    for role, name in (
        (roles.Window, c.window),
        (roles.WindowText, c.text),
        (roles.Base, c.surface),
        (roles.AlternateBase, c.raised),
        (roles.Text, c.text),
        (roles.Button, c.surface),
        (roles.ButtonText, c.text),
        (roles.ToolTipBase, c.surface),
        (roles.ToolTipText, c.text),
        (roles.PlaceholderText, c.muted),
        (roles.Highlight, c.accent),
        (roles.HighlightedText, c.on_accent),
        (roles.Link, c.accent),
    ):
        p.setColor(role, QColor(name))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        p.setColor(QPalette.ColorGroup.Disabled, role, QColor(c.muted))
    return p


def mono_font() -> QFont:
    """The system's fixed-width font at the size of the interface font."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    font.setPointSizeF(QGuiApplication.font().pointSizeF())
    return font


def icon(name: str, color: str = "") -> QIcon:
    """`resources/icons/<name>.svg` drawn in `color` (default: the text colour). The SVGs use currentColor."""
    return _icon(name, color or colors().text)


@cache
def _icon(name: str, color: str) -> QIcon:
    svg = (paths.resources_dir() / "icons" / f"{name}.svg").read_text(encoding="utf-8")
    renderer = QSvgRenderer(QByteArray(svg.replace("currentColor", color).encode()))
    result = QIcon()
    for side in (16, 20, 32, 48):
        pixmap = QPixmap(QSize(side, side))
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        renderer.render(painter)
        painter.end()
        result.addPixmap(pixmap)
    return result
