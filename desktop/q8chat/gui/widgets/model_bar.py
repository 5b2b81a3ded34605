"""The top of the chat: which model, what it is doing, and how to change it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QMenu,
    QProgressBar,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from q8chat.chat.events import EngineState, EngineStatus
from q8chat.core import units
from q8chat.gui import engine_text, place_text, theme
from q8chat.gui.widgets.elided_label import ElidedLabel
from q8chat.gui.widgets.icon_button import IconButton
from q8chat.gui.widgets.template_hint import fill_template_menu

FEW, MANY = 6, 25  # models of the library in the menu itself, and in a menu below it


class ModelBar(QFrame):
    """Emits what the user chooses; `set_models` says what can be chosen."""

    model_chosen = Signal(str)
    context_chosen = Signal(str, int)  # path; tokens, 0 = automatic
    open_requested = Signal()
    library_requested = Signal()
    template_chosen = Signal(str)
    settings_toggled = Signal(bool)
    sidebar_toggled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("modelBar")
        self._starter = ""
        self._recent: tuple[str, ...] = ()
        self._contexts: Mapping[str, int] = {}
        self._others: tuple[tuple[str, str], ...] = ()
        self._trained: dict[str, int] = {}  # by path; known also while the model is not running
        self._state = EngineState(EngineStatus.NONE)
        self._view = engine_text.describe(self._state)
        self.button = IconButton("model", "Model")
        self.button.setObjectName("modelButton")
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setPopupMode(self.button.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.button)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.menu.setToolTipsVisible(True)
        self.button.setMenu(self.menu)
        self.sidebar = IconButton("sidebar", "Show or hide the conversations", shortcut="Ctrl+B")
        self.sidebar.clicked.connect(self.sidebar_toggled)
        self.label = ElidedLabel()
        self.settings = IconButton("sliders", "Settings of this conversation", shortcut="Ctrl+,")
        self.settings.setCheckable(True)
        self.settings.toggled.connect(self.settings_toggled)
        self.progress = QProgressBar(maximum=1000, textVisible=False)
        self.progress.setAccessibleName("Progress")
        policy = self.progress.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.progress.setSizePolicy(policy)
        self._lay_out()
        self.set_engine(self._state)

    def _lay_out(self) -> None:
        u = theme.unit()
        row = QHBoxLayout()
        row.setContentsMargins(u, u // 2, u, 0)
        row.setSpacing(u)
        row.addWidget(self.sidebar)
        row.addWidget(self.button)
        row.addWidget(self.label, 1)
        row.addWidget(self.settings)
        self.button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(u // 2 - 3)
        column.addLayout(row)
        column.addWidget(self.progress)

    def set_models(
        self,
        starter: str,
        recent: tuple[str, ...],
        contexts: Mapping[str, int],
        others: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Paths for the menu; starter "" when there is none. contexts: chosen lengths in tokens by path.

        others: path and name of further models, the best guess first.
        """
        self._starter, self._recent, self._contexts, self._others = starter, recent, contexts, others

    def set_engine(self, state: EngineState) -> None:
        """Show the state."""
        self._state = state
        if state.loaded is not None:
            self._trained[state.path] = state.loaded.n_ctx_train
        view = engine_text.describe(state)
        self._view = view
        self._fit_name()
        self.button.setAccessibleName(f"Model: {view.name}")
        self.button.setToolTip(view.detail or "Choose a model")
        self.label.setText(view.label)
        if self.label.property("role") != view.tone:
            self.label.setProperty("role", view.tone)
            self.label.style().polish(self.label)
        self.progress.setVisible(view.fraction is not None)
        self.progress.setValue(round(1000 * (view.fraction or 0)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A long name is shortened, so that what the model does can be read."""
        super().resizeEvent(event)
        self._fit_name()

    def _fit_name(self) -> None:
        u = theme.unit()
        others = sum(w.sizeHint().width() for w in (self.sidebar, self.settings))
        others += self.label.fontMetrics().horizontalAdvance(self._view.label) + 13 * u  # icon, arrow, distances
        room = max(6 * u, min(self.width() // 2, self.width() - others))
        name = self.button.fontMetrics().elidedText(self._view.name, Qt.TextElideMode.ElideMiddle, room)
        self.button.setText(f"{name} ▾")

    def _fill_menu(self) -> None:
        self.menu.clear()
        if self._starter:
            self._add_model(self._starter, "Starter model: ")
        for path in self._recent:
            if path != self._starter:
                self._add_model(path, "")
        self._add_others()
        self.menu.addSeparator()
        self.menu.addAction("Open a GGUF file…\tCtrl+O", self.open_requested.emit)
        self._add_contexts()
        if self._state.loaded is not None:
            templates = self.menu.addMenu("Chat template")
            templates.aboutToShow.connect(
                lambda: fill_template_menu(templates, self._state.template, self.template_chosen.emit)
            )

    def _add_contexts(self) -> None:
        path, loaded = self._state.path, self._state.loaded
        chosen = self._contexts.get(path, 0)
        lengths = engine_text.context_choices(self._trained.get(path, 0), chosen)
        if not lengths:
            return
        menu = self.menu.addMenu("Context length")
        now = f" ({units.count(loaded.n_ctx)})" if loaded is not None and not chosen else ""
        for tokens in (0, *lengths):
            action = menu.addAction(f"{units.count(tokens)} tokens" if tokens else f"Automatic{now}")
            action.setCheckable(True)
            action.setChecked(tokens == chosen)
            action.triggered.connect(lambda _checked=False, n=tokens: self.context_chosen.emit(path, n))

    def _add_others(self) -> None:
        """A few at once; where there are many, the best in a menu of their own."""
        menu = self.menu if len(self._others) <= FEW else self.menu.addMenu("More models")
        menu.setToolTipsVisible(True)
        for path, name in self._others[:MANY]:
            action = menu.addAction(name)
            action.setToolTip(place_text.place(path))
            action.triggered.connect(lambda _checked=False, path=path: self.model_chosen.emit(path))
        if self._others:
            self.menu.addAction("All models…\tCtrl+2", self.library_requested.emit)

    def _add_model(self, path: str, prefix: str) -> None:
        action = self.menu.addAction(prefix + Path(path).stem)
        action.triggered.connect(lambda: self.model_chosen.emit(path))
        action.setToolTip(place_text.place(path))
        action.setCheckable(True)
        action.setChecked(path == self._state.path)
