"""Everything about one model, beside the table."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QTextOption
from PySide6.QtWidgets import QFrame, QLabel, QPlainTextEdit, QScrollArea, QVBoxLayout, QWidget

from q8chat.gui import model_text, place_text, theme
from q8chat.gui.library_text import Entry
from q8chat.gui.widgets.model_details_actions import ModelActions
from q8chat.gui.widgets.model_details_check import CheckSection
from q8chat.gui.widgets.model_details_facts import Facts, FactsSection, set_text, wrapping_label
from q8chat.gui.widgets.model_details_fold import Fold
from q8chat.gui.widgets.model_details_memory import MemorySection
from q8chat.gui.widgets.model_details_types import TypesSection
from q8chat.library.types import ModelDetails

TEMPLATE_LINES = 14


class ModelDetailsPane(QScrollArea):
    """`show_entry` shows at once what the table knows; the rest follows when it has been read."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, widgetResizable=True)
        self.setObjectName("modelDetails")
        self.setAccessibleName("Details of the model")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.name, self.file = wrapping_label(role="title"), wrapping_label(role="muted")
        self.problem = wrapping_label(role="danger")
        self.action_row = ModelActions()
        self.check = CheckSection()
        self.facts, self.origin = FactsSection("About"), FactsSection("Where it came from")
        self.memory, self.types = MemorySection(), TypesSection()
        self.more = Facts()
        self.more_fold = Fold("All properties", self.more)
        self.template = QPlainTextEdit(readOnly=True)
        self.template.setAccessibleName("Chat template")
        self.template.setFont(theme.mono_font())
        self.template.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.template.setTabChangesFocus(True)
        self.template.setFixedHeight(TEMPLATE_LINES * self.template.fontMetrics().lineSpacing())
        self.template_fold = Fold("Chat template", self.template)
        self._nothing = QLabel("Choose a model to see its details.", wordWrap=True)
        self._nothing.setProperty("role", "muted")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.entry: Entry | None = None
        self._lay_out()
        self.show_entry(None)

    def _lay_out(self) -> None:
        u = theme.unit()
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(2 * u, 2 * u, 2 * u, 2 * u)
        column.setSpacing(2 * u)
        head = QVBoxLayout()
        head.setSpacing(u // 2)
        for label in (self.name, self.file, self.problem):
            head.addWidget(label)
        column.addLayout(head)
        self._sections = (self.action_row, self.check, self.facts, self.memory, self.types, self.origin)
        for section in (*self._sections, self.more_fold, self.template_fold):
            column.addWidget(section)
        column.addStretch(1)
        column.addWidget(self._nothing)
        column.addStretch(1)
        self.setWidget(page)

    def minimumSizeHint(self) -> QSize:
        """As wide as what is in it needs: it scrolls up and down only."""
        page = self.widget()
        inside = page.minimumSizeHint().width() if page is not None else 0
        return QSize(inside + self.verticalScrollBar().sizeHint().width(), 16 * theme.unit())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """What has come into the page may need more width: tell the splitter, or it would be cut off."""
        if watched is self.widget() and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def show_entry(self, entry: Entry | None) -> None:
        """Another row, or the same with newer facts; None: no row."""
        other = self.entry is None or entry is None or entry.model.path != self.entry.model.path
        self.entry = entry
        self.action_row.set_entry(entry)
        for widget in (self.name, self.file, self.action_row):
            widget.setVisible(entry is not None)
        self._nothing.setVisible(entry is None)
        self.problem.setVisible(bool(entry and entry.model.problem))
        if other:
            self._forget()
        if entry is not None:
            set_text(self.name, entry.model.name)
            set_text(self.file, model_text.subtitle(entry))
            set_text(self.problem, f"✕  {place_text.in_words(entry.model.problem)}")
            self.facts.show_facts(model_text.facts(entry.model))
            self.types.show_types(entry.model.mix)

    def show_details(self, details: ModelDetails) -> None:
        """What was read about the chosen model; about another one it is ignored."""
        if self.entry is None or details.model.path != self.entry.model.path:
            return
        self.more.show_facts(model_text.more_facts(details))
        self.more_fold.setVisible(bool(self.more.facts()))
        self.types.show_types(details.types)
        self.origin.show_facts(model_text.origin(details))
        self.template.setPlainText(details.template)
        self.template_fold.setVisible(bool(details.template))

    def _forget(self) -> None:
        self.check.clear()
        self.facts.show_facts(())
        self.origin.show_facts(())
        self.more.show_facts(())
        self.types.show_types(())
        self.types.show_kernels("")
        self.memory.set_contexts((), 0)
        self.template.clear()
        for fold in (self.template_fold, self.more_fold):
            fold.hide()
            fold.head.setChecked(False)
        self.verticalScrollBar().setValue(0)
