"""The numbers that decide how an answer is drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QLocale, QRegularExpression, Qt, Signal
from PySide6.QtGui import QRegularExpressionValidator, QWheelEvent
from PySide6.QtWidgets import QDoubleSpinBox, QFormLayout, QLabel, QLineEdit, QWidget

from q8chat.gui import theme
from q8chat.runtime.sampling import LIMITS, RANDOM_SEED, Sampling


@dataclass(frozen=True, slots=True)
class Field:
    """A row of the form. `decimals` None: a whole number that may be left empty, which means `empty`."""

    name: str
    label: str
    tip: str
    decimals: int | None
    step: float = 1
    empty: int = 0
    placeholder: str = ""


FIELDS = (
    Field(
        "temperature",
        "Temperature",
        "Higher is more varied, lower more predictable, 0 always the same.",
        2,
        0.05,
    ),
    Field("top_k", "Top-k", "Only this many of the likeliest tokens are considered; 0 considers all.", 0),
    Field("top_p", "Top-p", "Only the likeliest tokens that together reach this probability; 1 is off.", 2, 0.01),
    Field("min_p", "Min-p", "Drops tokens less likely than this share of the likeliest one; 0 is off.", 2, 0.01),
    Field("repeat_penalty", "Repeat penalty", "Makes repeated words less likely above 1; 1 is off.", 2, 0.01),
    Field(
        "seed",
        "Seed",
        "The same seed gives the same answer again; empty draws a new one each time.",
        None,
        empty=RANDOM_SEED,
        placeholder="random",
    ),
    Field(
        "max_tokens",
        "Max tokens",
        "Longest answer in tokens; empty lets the model end by itself.",
        None,
        placeholder="until it stops",
    ),
)


class _Number(QDoubleSpinBox):
    """Scrolling the pane over it must not change it."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class SamplingForm(QWidget):
    """Emits `changed` when the user changed a number."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.fields: dict[str, _Number | QLineEdit] = {}
        self._value = Sampling()
        self._quiet = False
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(2 * theme.unit())
        form.setVerticalSpacing(theme.unit())
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for field in FIELDS:
            widget = self._make(field)
            widget.setMinimumWidth(6 * theme.unit())
            widget.setToolTip(field.tip)
            widget.setAccessibleName(field.label)
            widget.setAccessibleDescription(field.tip)
            label = QLabel(field.label)
            label.setToolTip(field.tip)
            label.setBuddy(widget)
            form.addRow(label, widget)
            self.fields[field.name] = widget
        self.set_value(Sampling())

    def _make(self, field: Field) -> _Number | QLineEdit:
        low, high = LIMITS[field.name]
        if field.decimals is None:
            line = QLineEdit(placeholderText=field.placeholder)
            line.setValidator(QRegularExpressionValidator(QRegularExpression("[0-9]{0,10}"), line))
            line.textEdited.connect(self._on_changed)
            return line
        number = _Number(decimals=field.decimals, singleStep=field.step, minimum=low, maximum=high)
        number.lineEdit().setTextMargins(theme.unit() - 1, 0, 0, 0)
        number.setLocale(QLocale.c())
        number.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        number.setKeyboardTracking(True)
        number.valueChanged.connect(self._on_changed)
        return number

    def set_value(self, sampling: Sampling) -> None:
        """Show these numbers without emitting `changed`."""
        self._quiet = True
        self._value = sampling
        for field in FIELDS:
            widget, value = self.fields[field.name], getattr(sampling, field.name)
            if isinstance(widget, QLineEdit):
                widget.setText("" if value == field.empty else str(value))
                self._mark(widget, True)
            else:
                widget.setValue(value)
        self._quiet = False

    def value(self) -> Sampling:
        """The numbers shown; one that is out of range keeps its last good value."""
        return self._value

    def _on_changed(self) -> None:
        if self._quiet:
            return
        changes: dict[str, float] = {}
        for field in FIELDS:
            widget = self.fields[field.name]
            if not isinstance(widget, QLineEdit):
                changes[field.name] = int(widget.value()) if field.decimals == 0 else round(widget.value(), 4)
                continue
            value = int(widget.text()) if widget.text() else field.empty
            low, high = LIMITS[field.name]
            good = low <= value <= high
            self._mark(widget, good)
            if good:
                changes[field.name] = value
        new = replace(self._value, **changes)  # type: ignore[arg-type]
        if new != self._value:
            self._value = new
            self.changed.emit()

    @staticmethod
    def _mark(widget: QLineEdit, good: bool) -> None:
        if bool(widget.property("wrong")) == good:
            widget.setProperty("wrong", not good)
            widget.style().polish(widget)
