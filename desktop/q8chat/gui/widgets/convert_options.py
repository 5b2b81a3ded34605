"""What few people need: importance matrix, types of single tensors, threads, weights that are no numbers."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QPlainTextEdit,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from q8chat.gui import convert_text, theme
from q8chat.gui.convert_draft import Wishes
from q8chat.gui.widgets.convert_imatrix import ImatrixForm
from q8chat.gui.widgets.model_details_facts import set_text, wrapping_label

PAUSE_MS = 300  # of typing, before it counts
LINES = 3
MOST_THREADS = 512


class OptionsForm(QWidget):
    """`changed` when typing pauses, or at once for what is not typed."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.imatrix = ImatrixForm()
        self.overrides = QPlainTextEdit()
        self.overrides.setPlaceholderText("attn_v=q8_0\nblk\\.0\\.ffn_down=q6_k")
        self.overrides.setAccessibleName("Types of single tensors")
        self.overrides.setAccessibleDescription("One PATTERN=TYPE in each line; the first that matches counts.")
        self.overrides.setFont(theme.mono_font())
        self.overrides.setTabChangesFocus(True)
        self.overrides.setFixedHeight(LINES * self.overrides.fontMetrics().lineSpacing() + 3 * theme.unit())
        self.error = wrapping_label(role="danger")
        self.output, self.embedding = _types("output"), _types("token embeddings")
        self.keep = QCheckBox("Keep the output tensor as it is")
        self.pure = QCheckBox("One type for all tensors")
        self.pure.setToolTip("No mix: sensitive tensors get no more bits than the others")
        self.zero = QCheckBox("Set weights that are no numbers to zero")
        self.zero.setToolTip("Otherwise NaN and infinite weights stop the work, with the tensor's name")
        self.threads = QSpinBox(minimum=0, maximum=MOST_THREADS)
        self.threads.setSpecialValueText("All cores")
        self.threads.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.threads.setAccessibleName("Threads")
        self._typing = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._typing.timeout.connect(self.changed)
        self._lay_out()
        self._connect()
        self._check()

    def _lay_out(self) -> None:
        u = theme.unit()
        form = QFormLayout()
        form.setHorizontalSpacing(2 * u)
        form.setVerticalSpacing(u)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.FieldsStayAtSizeHint)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.addRow("Type of the output tensor", self.output)
        form.addRow("Type of the token embeddings", self.embedding)
        form.addRow("Threads", self.threads)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * u, 0, 0, u)
        column.setSpacing(u)
        column.addWidget(self.imatrix)
        column.addWidget(wrapping_label("Types of single tensors, one PATTERN=TYPE in each line", role="muted"))
        column.addWidget(self.overrides)
        column.addWidget(self.error)
        column.addLayout(form)
        for box in (self.keep, self.pure, self.zero):
            box.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
            column.addWidget(box)

    def _connect(self) -> None:
        self.imatrix.changed.connect(self.changed)
        self.overrides.textChanged.connect(self._check)
        self.threads.valueChanged.connect(lambda _: self._typing.start())
        for box in (self.keep, self.pure, self.zero):
            box.toggled.connect(lambda _: self.changed.emit())
        for combo in (self.output, self.embedding):
            combo.currentIndexChanged.connect(lambda _: self.changed.emit())

    def wishes(self) -> Wishes:
        """What is chosen now."""
        pairs, wrong = convert_text.overrides(self.overrides.toPlainText())
        return Wishes(
            imatrix=self.imatrix.matrix(),
            make=self.imatrix.makes,
            texts=self.imatrix.paths(),
            conversations=self.imatrix.makes and self.imatrix.own.isChecked(),
            overrides=pairs,
            output_type=self.output.currentData(),
            embedding_type=self.embedding.currentData(),
            pure=self.pure.isChecked(),
            keep_output=self.keep.isChecked(),
            zero_bad=self.zero.isChecked(),
            threads=self.threads.value(),
            problem=wrong or self.imatrix.problem(),
        )

    def _check(self) -> None:
        """What is typed is checked with each letter; it counts when typing pauses."""
        _pairs, wrong = convert_text.overrides(self.overrides.toPlainText())
        set_text(self.error, wrong)
        self.error.setVisible(bool(wrong))
        self._typing.start()


def _types(what: str) -> QComboBox:
    combo = QComboBox()
    combo.setAccessibleName(f"Type of the {what}")
    combo.addItem("As the level has it", "")
    for name in convert_text.tensor_types():
        combo.addItem(name, name)
    return combo
