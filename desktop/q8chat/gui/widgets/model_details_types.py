"""Tensor types by share of bytes: a bar and its legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from q8chat.core import units
from q8chat.gui import theme
from q8chat.gui.widgets.model_details_facts import clear, heading, wrapping_label
from q8chat.library.types import TypeShare


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the bar; `detail` is for the legend's right side."""

    name: str
    share: float
    detail: str


def parts(types: Sequence[TypeShare], most: int) -> list[Part]:
    """The largest types; what does not get a colour of its own is one part, "others"."""
    ordered = sorted(types, key=lambda t: -t.n_bytes)
    shown = ordered if len(ordered) <= most else ordered[: most - 1]
    rest = ordered[len(shown) :]
    result = [Part(t.name, t.share, f"{t.share:.1%}, {units.size(t.n_bytes)}") for t in shown]
    if rest:
        n_bytes = sum(t.n_bytes for t in rest)
        share = sum(t.share for t in rest)
        result.append(Part(", ".join(t.name for t in rest), share, f"{share:.1%}, {units.size(n_bytes)}"))
    return result


class _Bar(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[Part] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        u = theme.unit()
        return QSize(20 * u, round(1.5 * u))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Pieces beside each other, with a gap that shows where one ends even without colours."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(self.rect()), self.height() / 3, self.height() / 3)
        painter.setClipPath(outline)
        gap, x = 2.0, 0.0
        room = self.width() - gap * max(0, len(self.parts) - 1)
        for part, color in zip(self.parts, theme.series_colors(), strict=False):
            width = max(1.0, room * part.share)
            painter.fillRect(QRectF(x, 0, width, self.height()), QColor(color))
            x += width + gap


class _Swatch(QWidget):
    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number
        side = round(1.25 * theme.unit())
        self.setFixedSize(side, side)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.series_colors()[self._number]))
        painter.drawRoundedRect(QRectF(self.rect()), 2, 2)


class TypesSection(QWidget):
    """Hidden while nothing is known. Below the legend one line says what this CPU does with the types."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bar = _Bar()
        self.kernels = wrapping_label(role="muted")
        self._legend = QGridLayout()
        u = theme.unit()
        self._legend.setHorizontalSpacing(u)
        self._legend.setVerticalSpacing(u // 2)
        self._legend.setColumnStretch(1, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(u)
        column.addWidget(heading("Weights"))
        column.addWidget(self.bar)
        column.addLayout(self._legend)
        column.addWidget(self.kernels)
        self.show_types(())
        self.show_kernels("")

    def show_types(self, types: Sequence[TypeShare]) -> None:
        """The shares of one model."""
        self.bar.parts = parts(types, len(theme.series_colors()))
        words = "; ".join(f"{p.name} {p.detail}" for p in self.bar.parts)
        self.bar.setAccessibleName(f"Tensor types by share of bytes: {words}")
        clear(self._legend)
        for row, part in enumerate(self.bar.parts):
            detail = QLabel(part.detail, alignment=Qt.AlignmentFlag.AlignRight)
            detail.setProperty("role", "muted")
            self._legend.addWidget(_Swatch(row), row, 0)
            self._legend.addWidget(wrapping_label(part.name), row, 1)
            self._legend.addWidget(detail, row, 2)
        self.bar.update()
        self.setVisible(bool(types))

    def show_kernels(self, text: str) -> None:
        """What llama.cpp's kernels on this CPU make of it; "" while not known."""
        self.kernels.setText(text)
        self.kernels.setVisible(bool(text))
