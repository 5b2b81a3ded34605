"""The importance matrix: none, a file, or one made from texts that never leave this machine."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from q8chat.gui import theme
from q8chat.gui.widgets.model_details_facts import set_text, wrapping_label

NONE, FILE, MAKE = range(3)
CHOICES = ("None", "From a file", "Make one from texts")
WHY = (
    "Which weights matter most is measured with real text, so that fewer bits go further. Worth it at 4 bits and"
    " below; some hundred kilobytes of text like yours are enough. Nothing leaves this machine."
)
MATRICES = "Importance matrices (*.gguf *.dat *.imatrix);;All files (*)"
TEXTS = "Texts (*.txt *.md *.raw *.rst);;All files (*)"


class ImatrixForm(QWidget):
    """`changed` tells each change. What is hidden counts for nothing."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind = QComboBox()
        self.kind.addItems(CHOICES)
        self.kind.setAccessibleName("Importance matrix")
        self.kind.setAccessibleDescription(WHY)
        self.kind.currentIndexChanged.connect(self._show)
        self.path: Path | None = None
        self.file = wrapping_label("No file is chosen yet.", role="muted")
        self.choose = QPushButton("Choose the matrix…")
        self.choose.clicked.connect(self._ask_matrix)
        self.texts = QListWidget()
        self.texts.setObjectName("textList")
        self.texts.setAccessibleName("Texts the matrix is made from")
        self.texts.setFixedHeight(4 * self.texts.fontMetrics().lineSpacing() + 2 * theme.unit())
        self.add, self.add_folder = QPushButton("Add a text…"), QPushButton("Add a folder of texts…")
        self.remove = QPushButton("Remove")
        self.remove.setAccessibleName("Remove the chosen text from the list")
        self.add.clicked.connect(self._ask_text)
        self.add_folder.clicked.connect(self._ask_folder)
        self.remove.clicked.connect(self._remove)
        self.texts.currentRowChanged.connect(lambda row: self.remove.setEnabled(row >= 0))
        self.own = QCheckBox("My own conversations")
        self.own.setToolTip("Everything in your list of conversations that has an answer")
        self.own.toggled.connect(self.changed)
        self._lay_out()
        self._show(NONE)

    def _lay_out(self) -> None:
        u = theme.unit()
        label = QLabel("Importance matrix")
        label.setBuddy(self.kind)
        top = QHBoxLayout()
        top.setSpacing(u)
        top.addWidget(label)
        top.addWidget(self.kind)
        top.addStretch(1)
        self._of_file, self._of_texts = QWidget(), QWidget()
        row = QHBoxLayout(self._of_file)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(u)
        row.addWidget(self.choose)
        row.addWidget(self.file, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(u)
        for button in (self.add, self.add_folder, self.remove):
            buttons.addWidget(button)
        buttons.addStretch(1)
        inner = QVBoxLayout(self._of_texts)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(u)
        inner.addWidget(wrapping_label(WHY, role="muted"))
        inner.addWidget(self.texts)
        inner.addLayout(buttons)
        inner.addWidget(self.own, 0, Qt.AlignmentFlag.AlignLeft)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(u)
        column.addLayout(top)
        column.addWidget(self._of_file)
        column.addWidget(self._of_texts)

    @property
    def makes(self) -> bool:
        """Whether one is to be made."""
        return self.kind.currentIndex() == MAKE

    def matrix(self) -> Path | None:
        """The chosen file."""
        return self.path if self.kind.currentIndex() == FILE else None

    def paths(self) -> tuple[Path, ...]:
        """Texts and folders of texts."""
        return tuple(Path(self.texts.item(n).text()) for n in range(self.texts.count())) if self.makes else ()

    def problem(self) -> str:
        """What is missing, in words; "" if nothing."""
        if self.kind.currentIndex() == FILE and self.path is None:
            return "Choose the file of the importance matrix, or none."
        if self.makes and not self.paths() and not self.own.isChecked():
            return "Choose what the importance matrix is made from: texts, or your own conversations."
        return ""

    def set_matrix(self, path: str) -> None:
        """Use this file."""
        self.path = Path(path)
        set_text(self.file, self.path.name)
        self.changed.emit()

    def add_text(self, path: str) -> None:
        """One more text or folder of texts; each once."""
        if Path(path) not in self.paths():
            self.texts.addItem(path)
            self.changed.emit()

    def _remove(self) -> None:
        self.texts.takeItem(self.texts.currentRow())
        self.remove.setEnabled(self.texts.count() > 0)
        self.changed.emit()

    def _show(self, kind: int) -> None:
        self._of_file.setVisible(kind == FILE)
        self._of_texts.setVisible(kind == MAKE)
        self.remove.setEnabled(self.texts.currentRow() >= 0)
        self.changed.emit()

    def _ask_matrix(self) -> None:
        self._dialog("An importance matrix", MATRICES).fileSelected.connect(self.set_matrix)

    def _ask_text(self) -> None:
        self._dialog("A text", TEXTS).fileSelected.connect(self.add_text)

    def _ask_folder(self) -> None:
        dialog = self._dialog("A folder of texts", "")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self.add_text)

    def _dialog(self, title: str, names: str) -> QFileDialog:
        dialog = QFileDialog(self.window(), title, str(Path.home()), names)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
        return dialog
