"""Colours, icons and fonts, light and dark after the system. The only place that knows a colour."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from string import Template

from PySide6.QtCore import QByteArray, QObject, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QFontInfo,
    QGuiApplication,
    QIcon,
    QPainter,
    QPalette,
    QPixmap,
)
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from q8chat.core import paths


@dataclass(frozen=True, slots=True)
class Colors:
    """One colour scheme, as #rrggbb."""

    window: str  # behind everything
    sidebar: str  # navigation and conversation list
    surface: str  # panels, cards, fields
    raised: str  # hovered or selected rows
    border: str
    text: str
    muted: str  # secondary text; at least 4.5:1 on window
    accent: str
    accent_hover: str
    on_accent: str  # text on accent
    user_bubble: str
    code_background: str
    code_header: str
    danger: str
    warning: str
    good: str


LIGHT = Colors(
    window="#fbfbfa",
    sidebar="#f3f3f1",
    surface="#ffffff",
    raised="#ececea",
    border="#dcdcd8",
    text="#1f2023",
    muted="#63656b",
    accent="#2f5fd0",
    accent_hover="#254eb0",
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
    sidebar="#17181b",
    surface="#232428",
    raised="#2e3036",
    border="#3a3c43",
    text="#e8e8ea",
    muted="#a2a5ae",
    accent="#86a8ff",
    accent_hover="#a3bdff",
    on_accent="#10131c",
    user_bubble="#2b3550",
    code_background="#17181b",
    code_header="#2a2b30",
    danger="#ff8a80",
    warning="#f0bf66",
    good="#7bd69a",
)


class _Notifier(QObject):
    about_to_change = Signal()
    changed = Signal()


@cache
def notifier() -> _Notifier:
    """Emits `changed` after the scheme changed and the palette was applied.

    And `about_to_change` before: Qt takes half a millisecond to dress a widget anew, so whatever can be made again
    later is better thrown away.
    """
    return _Notifier()


_chosen = Qt.ColorScheme.Unknown


def is_dark() -> bool:
    """Whether the dark scheme is in use: the user's choice, else the system's."""
    if _chosen != Qt.ColorScheme.Unknown:
        return _chosen == Qt.ColorScheme.Dark
    return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark


def colors() -> Colors:
    """The scheme in use."""
    return DARK if is_dark() else LIGHT


def unit() -> int:
    """One step of the layout grid in pixels: 8 at the usual font size, larger with larger fonts."""
    return max(6, round(em() * 8 / 13))


def em() -> int:
    """Size of the interface font in pixels."""
    return QFontInfo(QGuiApplication.font()).pixelSize()


def start(app: QApplication, appearance: str = "system") -> None:
    """Dress the application and keep following the system's scheme and font size."""
    app.setStyle("Fusion")
    font = app.font()
    if font.family() == "Sans Serif":  # no desktop has set a font: Qt's own default of 9 pt is too small
        font.setFamilies(["Inter", "Cantarell", "Noto Sans", "DejaVu Sans"])
        font.setPointSizeF(10)
        app.setFont(font)
    choose(appearance)
    app.styleHints().colorSchemeChanged.connect(_refresh)


def choose(appearance: str) -> None:
    """Use "light" or "dark", or "system" for whatever the desktop says."""
    global _chosen  # noqa: PLW0603
    schemes = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
    _chosen = schemes.get(appearance, Qt.ColorScheme.Unknown)
    _refresh()


def _refresh() -> None:
    app = QApplication.instance()
    if isinstance(app, QApplication):
        notifier().about_to_change.emit()
        app.setPalette(palette(colors()))
        app.setStyleSheet(style_sheet(colors()))
        notifier().changed.emit()


def style_sheet(c: Colors) -> str:
    """`resources/style/*.qss` with this scheme's colours and sizes that follow the font."""
    u, px = unit(), em()
    folder = paths.resources_dir() / "style"
    sizes = {"h": u // 2, "u": u, "u2": 2 * u, "u3": 3 * u, "r": round(u * 0.75), "r2": round(u * 1.5)}
    sizes |= {"small": round(px * 0.9), "big": round(px * 1.5), "line": round(px * 1.4)}
    text = "".join(f.read_text(encoding="utf-8") for f in sorted(folder.glob("*.qss")))
    return Template(text).substitute(asdict(c), style_dir=folder.as_posix(), **sizes)


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


# Colours of highlighted code by the name of the Pygments token, without its leading "Token.".
_CODE_LIGHT = {
    "Keyword": "#8a2b96",
    "Keyword.Constant": "#a04a00",
    "Operator.Word": "#8a2b96",
    "Name.Builtin": "#0b6a84",
    "Name.Function": "#1f55b5",
    "Name.Class": "#8a5a00",
    "Name.Decorator": "#8a5a00",
    "Name.Tag": "#1f55b5",
    "Name.Attribute": "#8a5a00",
    "Name.Variable": "#a04a00",
    "Literal.String": "#1d7a3d",
    "Literal.Number": "#a04a00",
    "Comment": "#6b6d73",
    "Generic.Deleted": "#b3261e",
    "Generic.Inserted": "#1d7a3d",
    "Generic.Heading": "#1f55b5",
}
_CODE_DARK = {
    "Keyword": "#d6a0e8",
    "Keyword.Constant": "#f0a875",
    "Operator.Word": "#d6a0e8",
    "Name.Builtin": "#7fd3e6",
    "Name.Function": "#8fb4ff",
    "Name.Class": "#f0cf8a",
    "Name.Decorator": "#f0cf8a",
    "Name.Tag": "#8fb4ff",
    "Name.Attribute": "#f0cf8a",
    "Name.Variable": "#f0a875",
    "Literal.String": "#9bd9a5",
    "Literal.Number": "#f0a875",
    "Comment": "#979aa3",
    "Generic.Deleted": "#ff8a80",
    "Generic.Inserted": "#9bd9a5",
    "Generic.Heading": "#8fb4ff",
}


def code_colors() -> dict[str, str]:
    """Colours of highlighted code in the scheme in use; what is not named has the text colour."""
    return _CODE_DARK if is_dark() else _CODE_LIGHT


# Parts of a whole beside each other, the largest first; each at least 3:1 on the surface.
_SERIES_LIGHT = ("#2f5fd0", "#1d7a3d", "#a04a00", "#8a2b96", "#0b6a84", "#63656b")
_SERIES_DARK = ("#86a8ff", "#7bd69a", "#f0a875", "#d6a0e8", "#7fd3e6", "#a2a5ae")


def series_colors() -> tuple[str, ...]:
    """Colours for the parts of a whole in the scheme in use; the last one is for all the rest."""
    return _SERIES_DARK if is_dark() else _SERIES_LIGHT
