"""The last cell of a row: a button, or how far its download is."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from q8chat.gui import quant_text, theme
from q8chat.gui.offers import ACTIONS, Offer, State

STEPS = 1000  # of the bar
_WITH_BAR = (State.RUNNING, State.PAUSED)
_WITH_BUTTON = (State.AVAILABLE, State.HERE, State.PAUSED, State.FAILED)


class StateCell(QWidget):
    """For the mouse: keys act on the chosen row (Enter, or the button below the table)."""

    clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.button = QPushButton()
        self.button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.button.setObjectName("cellButton")
        self.button.setCursor(Qt.CursorShape.PointingHandCursor)
        self.button.clicked.connect(self.clicked)
        self.label = QLabel()
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.bar = QProgressBar(maximum=STEPS, textVisible=False)
        u = theme.unit()
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addStretch(1)
        texts.addWidget(self.label)
        texts.addWidget(self.bar)
        texts.addStretch(1)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(u, 2, u, 2)
        self._row.setSpacing(u)
        self._row.addLayout(texts)
        self._row.addWidget(self.button)
        self._row.addStretch(1)

    def show_offer(self, offer: Offer) -> None:
        """What is known now."""
        has_button = offer.state in _WITH_BUTTON and bool(offer.action)
        self.button.setVisible(has_button)
        self.label.setVisible(offer.state not in (State.AVAILABLE, State.UNUSABLE))
        self.label.setText(_short(offer))
        self.label.setProperty("role", {State.HERE: "good", State.FAILED: "danger"}.get(offer.state, "muted"))
        self.label.style().polish(self.label)
        self.bar.setVisible(offer.state in _WITH_BAR)
        self._row.setStretch(0, 100 if offer.state in _WITH_BAR else 0)
        if offer.record is not None:
            self.bar.setValue(round(offer.record.progress.fraction * STEPS))
        if has_button:
            word = ACTIONS[offer.state][1]
            self.button.setText(word)
            self.button.setAccessibleName(f"{word} {offer.label}")


def _short(offer: Offer) -> str:
    if offer.state == State.HERE:
        return "✓ here" if offer.action else "✓ on this machine"
    text = quant_text.state(offer)
    return text.replace("Downloading ", "").replace("Paused at ", "") if offer.state in _WITH_BAR else text
