"""Where the result goes, how much room there is, what to know before, and the button that starts."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from q8chat.gui import convert_text, theme
from q8chat.gui.widgets.model_details_facts import heading, set_text, wrapping_label
from q8chat.jobs.convert_types import Place


class DestinationSection(QWidget):
    """`changed`: another path. What the user has typed or chosen stays when the level changes."""

    changed = Signal()
    started = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = QLineEdit()
        self.name.setAccessibleName("File name")
        self.folder = wrapping_label()
        self.choose = QPushButton("Change…")
        self.choose.setAccessibleName("Change the folder")
        self.room = wrapping_label(role="muted")
        self.warning = wrapping_label(role="warning")
        self.start = QPushButton("Start")
        self.start.setProperty("kind", "primary")
        self.reason = wrapping_label(role="muted")
        self._folder = Path()
        self._own_name = self._own_folder = False
        self.name.textEdited.connect(self._on_typed)
        self.name.returnPressed.connect(self.started)
        self.choose.clicked.connect(self._ask_folder)
        self.start.clicked.connect(self.started)
        self._lay_out()

    def _lay_out(self) -> None:
        u = theme.unit()
        top = Qt.AlignmentFlag.AlignVCenter
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * u)
        grid.setVerticalSpacing(u)
        grid.setColumnStretch(1, 1)
        for row, (text, widget) in enumerate((("File name", self.name), ("Folder", self.folder))):
            label = QLabel(text)
            label.setBuddy(widget)
            grid.addWidget(label, row, 0, top)
            grid.addWidget(widget, row, 1, top)
        grid.addWidget(self.choose, 1, 2)
        below = QHBoxLayout()
        below.setSpacing(2 * u)
        below.addWidget(self.start)
        below.addWidget(self.reason, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(u)
        column.addWidget(heading("Destination"))
        column.addLayout(grid)
        column.addWidget(self.room)
        column.addWidget(self.warning)
        column.addLayout(below)

    def begin(self) -> None:
        """Another source: its own name and folder again."""
        self._own_name = self._own_folder = False
        self.show_warnings(())

    @property
    def path(self) -> Path:
        """Where the result goes."""
        return self._folder / (self.name.text().strip() or "model.gguf")

    def propose(self, target: str) -> None:
        """Where it would go by itself."""
        wanted = Path(target)
        before = self.path
        if not self._own_folder:
            self._set_folder(wanted.parent)
        if not self._own_name:
            self.name.setText(wanted.name)
        if self.path != before:
            self.changed.emit()

    def use_folder(self, folder: str) -> None:
        """The user's own choice."""
        self._own_folder = True
        self._set_folder(Path(folder))
        self.changed.emit()

    def go(self) -> None:
        """To the button, past what is to be known before."""
        (self.start if self.start.isEnabled() else self.name).setFocus()

    def show_place(self, place: Place, size: int) -> None:
        """Room on the disk, or why nothing can go there."""
        bad = bool(place.problem) or size > place.free
        set_text(self.room, convert_text.room(place, size))
        self.room.setProperty("role", "danger" if bad else "muted")
        self.room.style().polish(self.room)

    def show_warnings(self, warnings: tuple[str, ...]) -> None:
        """What to know before."""
        set_text(self.warning, "\n".join(f"!  {text}" for text in warnings))
        self.warning.setVisible(bool(warnings))

    def show_start(self, label: str, why_not: str) -> None:
        """What the button does, or why it can't."""
        self.start.setText(label)
        self.start.setEnabled(not why_not)
        self.start.setAccessibleDescription(why_not)
        set_text(self.reason, why_not)

    def ask_to_replace(self, path: Path) -> QMessageBox:
        """The file is there already; `accepted` means that it may go."""
        box = QMessageBox(self.window())
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("Replace")
        box.setText(f"Replace ‘{path.name}’?")
        box.setInformativeText("A file of this name is there already. It stays until the new one is complete.")
        box.addButton("Replace", QMessageBox.ButtonRole.AcceptRole)
        keep = box.addButton("Keep it", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(keep)
        box.setEscapeButton(keep)
        return box

    def _set_folder(self, folder: Path) -> None:
        self._folder = folder
        set_text(self.folder, convert_text.short(folder))

    def _on_typed(self) -> None:
        self._own_name = True
        self.changed.emit()

    def _ask_folder(self) -> None:
        start = next((str(p) for p in (self._folder, *self._folder.parents) if p.is_dir()), str(Path.home()))
        dialog = QFileDialog(self.window(), "The folder the result goes to", start)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.use_folder)
        dialog.open()
