"""What to do about a gated or private repository: its page, and a token for the system's keyring."""

from __future__ import annotations

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent, QDesktopServices
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from q8chat.gui import theme
from q8chat.gui.widgets.markdown_leaves import may_open


class AccessBox(QFrame):
    """The token is shown as dots, handed on once, and cleared at once. Hidden at first."""

    token_given = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.setProperty("tone", "warning")
        self.text, self.outcome = QLabel(wordWrap=True), QLabel(wordWrap=True)
        for label in (self.text, self.outcome):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.page = QPushButton("Open its page")
        self.page.setToolTip("In the browser")
        self.page.clicked.connect(self._open_page)
        self.field = QLineEdit(echoMode=QLineEdit.EchoMode.Password)
        self.field.setPlaceholderText("Token (hf_…)")
        self.field.setAccessibleName("Token for the hub")
        self.field.setInputMethodHints(Qt.InputMethodHint.ImhSensitiveData | Qt.InputMethodHint.ImhHiddenText)
        self.field.returnPressed.connect(self._store)
        self.store = QPushButton("Store in the keyring")
        self.store.clicked.connect(self._store)
        self._address = ""
        u = theme.unit()
        row = QHBoxLayout()
        row.setSpacing(u)
        row.addWidget(self.page)
        row.addWidget(self.field, 1)
        row.addWidget(self.store)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * u, u, 2 * u, u)
        column.setSpacing(u)
        for widget in (self.text, self.outcome):
            column.addWidget(widget)
        column.insertLayout(1, row)
        self.hide()

    def show_words(self, text: str, address: str) -> None:
        """What to do; `address` of the page for people, "" if it is not known."""
        self.text.setText(text)
        self._address = address if may_open(address) else ""
        self.page.setVisible(bool(self._address))
        self.page.setToolTip(f"In the browser: {self._address}")
        self.outcome.hide()
        self.setAccessibleName(text)
        self.show()

    def show_outcome(self, text: str, *, good: bool) -> None:
        """How the storing went."""
        self.outcome.setText(text)
        self.outcome.setProperty("role", "good" if good else "danger")
        self.outcome.style().polish(self.outcome)
        self.outcome.show()
        self.store.setEnabled(True)
        self.outcome.setAccessibleName(text)
        QAccessible.updateAccessibility(QAccessibleEvent(self.outcome, QAccessible.Event.Alert))

    def _store(self) -> None:
        token = self.field.text().strip()
        self.field.clear()
        if token:
            self.store.setEnabled(False)
            self.token_given.emit(token)
        else:
            self.field.setFocus()

    def _open_page(self) -> None:
        QDesktopServices.openUrl(QUrl(self._address))
