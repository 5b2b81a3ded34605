"""How the leaves of a message look: fonts, colours and distances, all relative to the font in use."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontInfo,
    QFontMetrics,
    QTextBlockFormat,
    QTextCharFormat,
    QTextFormat,
    QTextListFormat,
)

from q8chat.gui import theme
from q8chat.gui.widgets.markdown_leaves import BOLD, CODE, ITALIC, STRIKE, Code, Leaf, Rule, Table, Text

LINE_HEIGHT = 140  # per cent
RULE = QTextFormat.Property.UserProperty + 1  # a block that is drawn as a line
QUOTE = QTextFormat.Property.UserProperty + 2  # how many quotations a block stands in
TASK = QTextFormat.Property.UserProperty + 3  # the marker of an item with a check box
TASKS = ("☐", "☑")
_HEADING = {1: 1.5, 2: 1.28, 3: 1.12}


def space_before(previous: Leaf | None, leaf: Leaf) -> float:
    """Distance between two leaves, in units of the font size."""
    goes_on = (leaf.joined or leaf.plain) if isinstance(leaf, Text) else isinstance(leaf, Table) and leaf.part
    if previous is None or goes_on:
        return 0.0
    if isinstance(leaf, Rule) or not isinstance(previous, Text):
        return 1.0
    if isinstance(leaf, Text) and leaf.level:
        return 1.35 if leaf.level < 3 else 1.1
    if isinstance(leaf, Text) and leaf.marker and (previous.marker or previous.depth):
        return 0.3
    return 0.5 if previous.level or (previous.marker and leaf.depth) else 0.8


@dataclass(slots=True)
class Styles:
    """Formats for one font and one colour scheme; made once, used for every piece of text."""

    font: QFont
    colors: theme.Colors
    muted: bool = False
    _chars: dict[tuple[int, int, str], QTextCharFormat] = field(default_factory=dict)

    em: int = field(init=False)  # the font size in pixels
    lead: int = field(init=False)  # half of what LINE_HEIGHT adds to a line; all of it stands below the text
    indent: int = field(init=False)  # pixels per list level

    def __post_init__(self) -> None:
        self.em = QFontInfo(self.font).pixelSize()
        self.lead = round(QFontMetrics(self.font).height() * (LINE_HEIGHT - 100) / 200)
        self.indent = round(self.em * 1.75)

    def char(self, style: int = 0, level: int = 0, href: str = "") -> QTextCharFormat:
        """Format of a span."""
        key = (style, level, href)
        if key not in self._chars:
            self._chars[key] = self._char(style, level, href)
        return self._chars[key]

    def _char(self, style: int, level: int, href: str) -> QTextCharFormat:
        fmt = QTextCharFormat()
        c = self.colors
        fmt.setForeground(QColor(c.muted if self.muted or level == 6 else c.text))
        size = self.font.pointSizeF() * _HEADING.get(level, 1.0)
        if style & CODE:
            fmt.setFontFamilies(theme.mono_font().families())
            fmt.setFontFixedPitch(True)
            fmt.setBackground(QColor(c.code_header))
            size *= 0.92
        fmt.setFontPointSize(size)
        if style & BOLD or level:
            fmt.setFontWeight(QFont.Weight.DemiBold if level else QFont.Weight.Bold)
        fmt.setFontItalic(bool(style & ITALIC))
        fmt.setFontStrikeOut(bool(style & STRIKE))
        if href:
            fmt.setAnchor(True)
            fmt.setAnchorHref(href)
            fmt.setForeground(QColor(c.accent))
            fmt.setFontUnderline(True)
            fmt.setToolTip(f"<p style='white-space:pre-wrap'>{escape(href)}</p>")
        return fmt

    def block(self, leaf: Text | Rule, space: float) -> QTextBlockFormat:
        """Format of the block of a leaf, `space` font sizes below the one before."""
        fmt = QTextBlockFormat()
        fmt.setTopMargin(round(space * self.em))
        fmt.setLineHeight(LINE_HEIGHT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        if isinstance(leaf, Rule):
            fmt.setProperty(RULE, True)
            return fmt
        if leaf.level:
            fmt.setLineHeight(120, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
            fmt.setHeadingLevel(leaf.level)
        if leaf.quote:
            fmt.setLeftMargin(leaf.quote * self.em)
            fmt.setProperty(QUOTE, leaf.quote)
        if not leaf.marker or leaf.marker in TASKS:
            fmt.setIndent(leaf.depth)
        if leaf.marker in TASKS:
            fmt.setProperty(TASK, leaf.marker)
        return fmt

    def list_item(self, leaf: Text) -> QTextListFormat:
        """A list of just this item: numbers are known, and long lists stay cheap."""
        fmt = QTextListFormat()
        fmt.setIndent(leaf.depth)
        if leaf.marker.endswith("."):
            fmt.setStyle(QTextListFormat.Style.ListDecimal)
            fmt.setStart(int(leaf.marker[:-1]))
        elif leaf.depth % 2:
            fmt.setStyle(QTextListFormat.Style.ListDisc)
        else:
            fmt.setStyle(QTextListFormat.Style.ListCircle)
        return fmt


def alignment(name: str) -> Qt.AlignmentFlag:
    """Alignment of a table column."""
    flags = Qt.AlignmentFlag
    return {"center": flags.AlignHCenter, "right": flags.AlignRight}.get(name, flags.AlignLeading)


def left_margin(leaf: Leaf, styles: Styles) -> int:
    """How far a code block or a table inside of a list is moved in."""
    return leaf.depth * styles.indent if isinstance(leaf, Code | Table) else 0
