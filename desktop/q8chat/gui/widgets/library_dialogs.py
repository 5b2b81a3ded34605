"""Questions before a model's file is renamed or deleted."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QLineEdit, QMessageBox, QVBoxLayout, QWidget

from q8chat.gui import model_text, theme
from q8chat.gui.widgets.model_details_facts import set_text, wrapping_label
from q8chat.library.types import LibraryModel


class RenameDialog(QDialog):
    """Stays open until the new name was taken; `wanted` asks for it."""

    wanted = Signal(str)

    def __init__(self, model: LibraryModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Rename the model")
        self._old = model.name
        self.field = QLineEdit(model.name)
        self.field.setAccessibleName("New name of the model")
        self.field.selectAll()
        label = QLabel("&New name, without .gguf")
        label.setBuddy(self.field)
        self.problem = wrapping_label(role="danger")
        self.problem.hide()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.ok = self.buttons.addButton("Rename", QDialogButtonBox.ButtonRole.AcceptRole)
        self.buttons.accepted.connect(self._ask)
        self.buttons.rejected.connect(self.reject)
        self.field.textChanged.connect(self._on_text)
        u = theme.unit()
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * u, 3 * u, 3 * u, 2 * u)
        column.setSpacing(u)
        for widget in (label, self.field, self.problem):
            column.addWidget(widget)
        if model.shards > 1:
            column.addWidget(wrapping_label(f"All {len(model.files)} files of it are renamed.", "muted"))
        column.addSpacing(u)
        column.addWidget(self.buttons)
        self.resize(60 * u, 0)
        self._on_text(model.name)

    def show_failure(self, text: str) -> None:
        """The name was not taken: say why and let the user try another."""
        set_text(self.problem, text)
        self.problem.show()
        self.ok.setEnabled(True)
        self.field.setFocus()
        layout = self.layout()
        if layout is not None:  # Qt takes the height of one line
            self.resize(self.width(), max(self.height(), layout.totalHeightForWidth(self.width())))

    def _on_text(self, text: str) -> None:
        self.ok.setEnabled(bool(text.strip()) and text.strip() != self._old)
        self.problem.hide()

    def _ask(self) -> None:
        self.ok.setEnabled(False)
        self.wanted.emit(self.field.text().strip())


def delete_question(model: LibraryModel, loaded: bool, parent: QWidget) -> QMessageBox:
    """Asks whether the model may go to the bin; `accepted` is the consent."""
    dialog = QMessageBox(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setIcon(QMessageBox.Icon.Question)
    dialog.setWindowTitle("Move to the bin")
    dialog.setText(f"Move ‘{model.name}’ to the bin?")
    dialog.setInformativeText(model_text.deletion(model, loaded))
    yes = dialog.addButton("Move to the bin", QMessageBox.ButtonRole.AcceptRole)
    yes.setObjectName("deleteModel")
    dialog.setDefaultButton(dialog.addButton(QMessageBox.StandardButton.Cancel))
    return dialog
