"""The line at the bottom: speed, context and memory."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from q8chat.chat.events import EngineState
from q8chat.gui import engine_text, theme
from q8chat.gui.widgets.elided_label import ElidedLabel
from q8chat.gui.widgets.gauge import Gauge
from q8chat.runtime.messages import Overflow, Usage


class StatusLine(QFrame):
    """Shows the figures of the last answer of the conversation in view; hidden while there are none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusLine")
        self._usage = Usage()
        self._overflow: Overflow = "drop_oldest"
        self._engine_memory = 0
        self._context_size = 0
        self.speed, self.memory = ElidedLabel(), ElidedLabel()
        self.context, self.gauge = ElidedLabel(), Gauge()
        policy = self.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # the composer stays where it is
        self.setSizePolicy(policy)
        u = theme.unit()
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * u, u // 2, 2 * u, u // 2)
        row.setSpacing(u)
        row.addWidget(self.speed)
        row.addStretch(1)
        row.addWidget(self.gauge)
        row.addWidget(self.context)
        row.addSpacing(u)
        row.addWidget(self.memory)
        self.memory.setAccessibleName("Memory")
        self.speed.setAccessibleName("Speed")
        self.memory.setToolTip("Memory that the model's process uses now")
        self._refresh()

    def set_usage(self, usage: Usage | None) -> None:
        """New figures, None when the conversation has no answer yet."""
        self._usage = usage or Usage()
        self._refresh()

    def set_overflow(self, overflow: Overflow) -> None:
        """The policy that the gauge's tooltip explains."""
        self._overflow = overflow
        self._refresh()

    def set_engine(self, state: EngineState) -> None:
        """Memory and context of a freshly loaded model, before it has answered."""
        self._engine_memory = state.loaded.memory if state.loaded else 0
        self._context_size = state.loaded.n_ctx if state.loaded else 0
        self._refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Say less in a narrow window."""
        super().resizeEvent(event)
        self._refresh()

    def _refresh(self) -> None:
        usage = replace(self._usage, context_size=self._context_size or self._usage.context_size)
        self.gauge.set_share(usage.context_used / usage.context_size if usage.context_size else 0)
        self.gauge.setVisible(usage.context_size > 0)
        tip = engine_text.context_tip(usage, self._overflow)
        self.gauge.setToolTip(tip)
        self.context.setToolTip(tip)
        memory = usage.memory or self._engine_memory
        room = self.width() - self.gauge.sizeHint().width() - 10 * theme.unit()
        for texts in engine_text.figures(usage, memory):
            if sum(self.speed.fontMetrics().horizontalAdvance(t) for t in texts) <= room:
                break
        self.setVisible(any(texts))
        for label, text in zip((self.speed, self.context, self.memory), texts, strict=True):
            label.setText(text)
            label.setVisible(bool(text))
