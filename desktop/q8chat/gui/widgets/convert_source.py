"""What is to be converted: a field for everything, buttons to choose with, and what it turned out to be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from q8chat.gui import convert_text, theme
from q8chat.gui.widgets.model_details_facts import heading, set_text, wrapping_label
from q8chat.jobs.convert_types import Source

FILES = "Models and checkpoints (*.gguf *.safetensors config.json);;All files (*)"


class SourceSection(QFrame):
    """`chosen`: a path or publisher/name. `fetch_wanted`: download what `show_remote` told of."""

    chosen = Signal(str)
    fetch_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("dropZone")
        self.field, self.line = QComboBox(), QLineEdit()
        self.field.setEditable(True)
        self.field.setLineEdit(self.line)
        self.field.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.field.setAccessibleName("Source")
        self.field.setAccessibleDescription(convert_text.SOURCE_HINT)
        self.field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.line.setPlaceholderText(convert_text.SOURCE_HINT)
        self.line.returnPressed.connect(self._on_return)
        self.field.activated.connect(lambda n: self.chosen.emit(self.field.itemData(n)))
        self._completer = QCompleter(self.field.model(), self)
        self._completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self._completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        popup = QListView()
        popup.setObjectName("completions")
        self._completer.setPopup(popup)
        self.field.setCompleter(self._completer)
        self.folder, self.file = QPushButton("Choose a folder…"), QPushButton("Choose a file…")
        self.folder.clicked.connect(lambda: self._ask(QFileDialog.FileMode.Directory))
        self.file.clicked.connect(lambda: self._ask(QFileDialog.FileMode.ExistingFile))
        self.hint = QLabel(convert_text.DROP_HINT, wordWrap=True)
        self.hint.setProperty("role", "muted")
        self.status, self.note = wrapping_label(), wrapping_label(role="muted")
        self.problem, self.advice = wrapping_label(role="danger"), wrapping_label()
        self.fetch = QPushButton("Download the checkpoint")
        self.fetch.setProperty("kind", "primary")
        self.fetch.clicked.connect(self.fetch_wanted)
        self.intro = wrapping_label(convert_text.INTRO)
        self.name, self.about = wrapping_label(role="heading"), wrapping_label(role="muted")
        self._lay_out()
        self._only()

    def _lay_out(self) -> None:
        u = theme.unit()
        row = QHBoxLayout()
        row.setSpacing(u)
        row.addWidget(self.folder)
        row.addWidget(self.file)
        row.addWidget(self.hint, 100)
        row.addStretch(1)
        below = QHBoxLayout()
        below.addWidget(self.fetch)
        below.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * u, 2 * u, 2 * u, 2 * u)
        column.setSpacing(u)
        column.addWidget(heading("Source"))
        column.addWidget(self.intro)
        column.addWidget(self.field)
        column.addLayout(row)
        for widget in (self.status, self.problem, self.advice, self.name, self.about, self.note):
            column.addWidget(widget)
        column.addLayout(below)

    def set_offers(self, offers: Sequence[tuple[str, str]]) -> None:
        """Text and path of what the list offers; what is typed stays."""
        if [(self.field.itemText(n), self.field.itemData(n)) for n in range(self.field.count())] == list(offers):
            return
        typed = self.field.currentText()
        self.field.clear()
        for text, path in offers:
            self.field.addItem(text, path)
        self.field.setCurrentIndex(-1)
        self.field.setEditText(typed)

    def set_text(self, text: str) -> None:
        """What the field says."""
        self.field.setEditText(text)
        self.line.setCursorPosition(0)

    def show_busy(self, text: str) -> None:
        """Something is being found out, or fetched."""
        set_text(self.status, text)
        self._only(self.status)

    def show_source(self, source: Source) -> None:
        """What it is."""
        set_text(self.name, source.name)
        set_text(self.about, convert_text.source_line(source))
        set_text(self.note, "\n".join(source.notes))
        self._only(self.name, self.about, *([self.note] if source.notes else []))

    def show_remote(self, text: str) -> None:
        """It is on the hub and can be fetched."""
        had_focus = self.field.hasFocus()
        set_text(self.status, text)
        self._only(self.status, self.fetch)
        if had_focus:
            self.fetch.setFocus()

    def show_failure(self, message: str, hint: str) -> None:
        """Why it can't be used, and what to do."""
        set_text(self.problem, f"✕  {message}")
        set_text(self.advice, hint)
        self._only(self.problem, *([self.advice] if hint else []))

    def set_dragged(self, dragged: bool) -> None:
        """Something that can be dropped is above the page."""
        self.setProperty("dragged", dragged)
        self.style().polish(self)

    def _only(self, *shown: QWidget) -> None:
        for widget in (self.status, self.problem, self.advice, self.name, self.about, self.note, self.fetch):
            widget.setVisible(widget in shown)
        has_source = self.name in shown
        self.intro.setVisible(not has_source)
        self.hint.setVisible(not has_source)
        if self.property("filled") != has_source:
            self.setProperty("filled", has_source)
            self.style().polish(self)

    def _on_return(self) -> None:
        text = self.field.currentText().strip()
        number = self.field.findText(text)
        if text:
            self.chosen.emit(self.field.itemData(number) if number >= 0 else text)

    def _ask(self, mode: QFileDialog.FileMode) -> None:
        titles = {QFileDialog.FileMode.Directory: "The folder of a checkpoint"}
        dialog = QFileDialog(self.window(), titles.get(mode, "A model to convert"), str(Path.home()))
        dialog.setFileMode(mode)
        if mode == QFileDialog.FileMode.ExistingFile:
            dialog.setNameFilter(FILES)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.chosen)
        dialog.open()
