"""About and keyboard shortcuts."""

from __future__ import annotations

from PySide6.QtCore import Qt, qVersion
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QVBoxLayout, QWidget

from q8chat import __version__
from q8chat.gui import theme

SHORTCUTS = (
    ("Send the message", "Enter"),
    ("New line in the message", "Shift+Enter"),
    ("Stop the answer", "Esc"),
    ("New conversation", "Ctrl+N"),
    ("Search all messages", "Ctrl+K"),
    ("Search what is in view", "Ctrl+F"),
    ("Rename the conversation, or the model", "F2"),
    ("Delete the conversation, or the model", "Del"),
    ("Undo the deletion", "Ctrl+Z"),
    ("Write a message", "Ctrl+L"),
    ("Show or hide the conversations", "Ctrl+B"),
    ("Open a GGUF file", "Ctrl+O"),
    ("Settings of the conversation", "Ctrl+,"),
    ("Chat, Models, Convert, This machine", "Ctrl+1 to Ctrl+4"),
    ("Next page of the models, or the one before", "Ctrl+PgDn, Ctrl+PgUp"),
    ("Chat with the chosen model", "Enter"),
    ("Filter the models", "/"),
    ("Look for models again", "F5"),
    ("Keyboard shortcuts", "F1"),
    ("Quit", "Ctrl+Q"),
)
LICENCES = (
    ("Q8 Chat", "Apache License 2.0"),
    ("llama.cpp, ggml and llama-cpp-python", "MIT License"),
    ("Qt for Python (PySide6)", "GNU LGPL 3.0"),
    ("SmolLM2-135M-Instruct", "Apache License 2.0"),
    ("markdown-it-py, platformdirs", "MIT License"),
    ("Pygments, Jinja, psutil", "BSD licences"),
    ("archspec", "Apache License 2.0 or MIT License"),
)


def _dialog(parent: QWidget, title: str, lead: str, rows: tuple[tuple[str, str], ...]) -> QDialog:
    dialog = QDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle(title)
    u = theme.unit()
    column = QVBoxLayout(dialog)
    column.setContentsMargins(3 * u, 3 * u, 3 * u, 2 * u)
    column.setSpacing(2 * u)
    heading = QLabel(title)
    heading.setProperty("role", "title")
    column.addWidget(heading)
    if lead:
        column.addWidget(QLabel(lead))
    grid = QGridLayout()
    grid.setHorizontalSpacing(4 * u)
    grid.setVerticalSpacing(u)
    for number, (left, right) in enumerate(rows):
        grid.addWidget(QLabel(left), number, 0)
        value = QLabel(right)
        value.setProperty("role", "muted")
        grid.addWidget(value, number, 1)
    column.addLayout(grid)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.reject)
    column.addWidget(buttons)
    return dialog


def about(parent: QWidget) -> QDialog:
    """Version and licences."""
    lead = f"Version {__version__}, Qt {qVersion()}\nChat with language models on your own CPU, offline."
    return _dialog(parent, "About Q8 Chat", lead, LICENCES)


def shortcuts(parent: QWidget) -> QDialog:
    """All keys."""
    return _dialog(parent, "Keyboard shortcuts", "", SHORTCUTS)
