"""The window: navigation, panels, shortcuts, and files dropped on it."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QEvent, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import (
    QActionGroup,
    QCloseEvent,
    QDesktopServices,
    QDragEnterEvent,
    QDropEvent,
    QKeyEvent,
    QKeySequence,
    QShortcut,
)
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QMenu, QStackedWidget, QVBoxLayout, QWidget

from q8chat.chat.events import Problem
from q8chat.chat.service import ChatService
from q8chat.core import paths
from q8chat.gui import dialogs, theme
from q8chat.gui.context import AppContext
from q8chat.gui.errors import ErrorPresenter
from q8chat.gui.library import Library
from q8chat.gui.models import ModelChoice
from q8chat.gui.operations import ChatOperations, JobOperations, SettingsKeeper, WorkerOperations
from q8chat.gui.panels.chat_panel import ChatPanel
from q8chat.gui.panels.registry import PANELS, Renaming, Searchable, ShowsModel, number_of
from q8chat.gui.widgets.banner import Banner
from q8chat.gui.widgets.nav_rail import NavRail

WARM_UP_MS = 300  # after the start
SCAN_MS = 2500  # after the start: the models for the menu, when nobody waits for the processor any more


class MainWindow(QMainWindow):
    """Closing it stops the answer, saves and ends the engine."""

    closed = Signal()

    def __init__(self, service: ChatService, operations: ChatOperations, settings: SettingsKeeper) -> None:
        super().__init__()
        self.setWindowTitle("Q8 Chat")
        self.setAcceptDrops(True)
        self._service, self._settings = service, settings
        self.banner = Banner()
        errors = ErrorPresenter(self.banner, service.set_aside_database)
        self._models = ModelChoice(service, settings, self)
        self._worker, self._jobs = WorkerOperations(parent=self), JobOperations(self)
        self._library = Library(self._worker, settings, self)
        self._context = AppContext(
            service, operations, settings, self._models, errors, self._worker, self._jobs, self._library
        )
        self._started = False
        self._panels: dict[int, QWidget] = {}
        self.rail = NavRail([(p.icon, p.title) for p in PANELS], self._make_menu())
        self._stack = QStackedWidget()
        self._lay_out()
        self.chat = self._panel(0)
        operations.problem.connect(errors.show)
        operations.conversation_list.connect(lambda _: errors.store_works())
        settings.failed.connect(errors.show)
        self._jobs.problem.connect(errors.show)
        operations.engine_state.connect(self._library.on_engine)
        self._library.changed.connect(lambda found: self._models.set_library(found.models))
        self._models.library_wanted.connect(lambda: self.show_panel(number_of("Models")))
        self._models.location_wanted.connect(lambda path: self._show_model("Models", path))
        self._models.conversion_wanted.connect(lambda path: self._show_model("Convert", path))
        self._models.chat_wanted.connect(self._write_message)
        self.rail.chosen.connect(self.show_panel)
        self._add_shortcuts()
        self._restore_geometry()

    def start(self, model: str = "") -> None:
        """Open the store and load a model: the given one, else the last one, else the starter."""
        assert isinstance(self.chat, ChatPanel)
        self._service.start()
        self._started = True
        self.chat.composer.setFocus()  # only now: showing the window gave the focus to its first button
        self._load_model(model)
        QTimer.singleShot(WARM_UP_MS, self.chat.transcript.warm_up)
        QTimer.singleShot(WARM_UP_MS, self._jobs.start)
        QTimer.singleShot(SCAN_MS, self._library.scan_first)

    def _load_model(self, model: str) -> None:
        if model:
            self._models.load(model)
        elif not self._models.load_first():
            message = "The model that comes with Q8 Chat was not found."
            self._context.errors.show(Problem("starter", message, "Choose a GGUF file at the top to begin."))

    def show_panel(self, number: int) -> None:
        """Bring a panel to the front; it is made when first shown."""
        self._stack.setCurrentWidget(self._panel(number))
        self.rail.choose(number)

    # ---- making ------------------------------------------------------------------------------------------------

    def _panel(self, number: int) -> QWidget:
        if number not in self._panels:
            self._panels[number] = PANELS[number].create(self._context)
            self._stack.addWidget(self._panels[number])
        return self._panels[number]

    def _lay_out(self) -> None:
        u = theme.unit()
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        frame = QWidget()  # hidden together with the banner, or its margins would stay
        self.banner.shown_changed.connect(frame.setVisible)
        banner_row = QHBoxLayout(frame)
        banner_row.setContentsMargins(u, u, u, u)
        banner_row.addWidget(self.banner)
        frame.hide()
        right.addWidget(frame)
        right.addWidget(self._stack, 1)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.rail)
        row.addLayout(right, 1)
        center = QWidget()
        center.setLayout(row)
        self.setCentralWidget(center)
        self.setMinimumSize(min(800, 72 * u), min(600, 52 * u))

    def _make_menu(self) -> QMenu:
        menu = QMenu(self)
        appearance = menu.addMenu("Appearance")
        group = QActionGroup(appearance)
        for name in ("system", "light", "dark"):
            action = appearance.addAction("As the system" if name == "system" else name.capitalize())
            action.setCheckable(True)
            action.setChecked(name == self._settings.settings.appearance)
            action.triggered.connect(lambda _checked=False, name=name: self._set_appearance(name))
            group.addAction(action)
        menu.addAction("Keyboard shortcuts\tF1", self._show_shortcuts)
        menu.addAction("Open data folder", self._open_data_folder)
        menu.addSeparator()
        menu.addAction("About Q8 Chat", lambda: dialogs.about(self).open())
        menu.addAction("Quit\tCtrl+Q", self.close)
        return menu

    def _add_shortcuts(self) -> None:
        assert isinstance(self.chat, ChatPanel)
        chat = self.chat
        keys = {
            "Ctrl+N": (True, chat.new_conversation),
            "Ctrl+K": (True, chat.focus_search),
            "Ctrl+F": (False, self._search),
            "Ctrl+,": (True, chat.model_bar.settings.toggle),
            "F2": (False, self._rename),
            "Ctrl+B": (True, chat.toggle_sidebar),
            "Ctrl+L": (False, self._write_message),
            "Ctrl+O": (True, lambda: self._models.ask(self)),
            "F1": (False, self._show_shortcuts),
            "Ctrl+Q": (False, self.close),
        }
        for key, (in_chat, action) in keys.items():
            shortcut = QShortcut(QKeySequence(key), self)
            if in_chat:
                shortcut.activated.connect(lambda: self.show_panel(0))
            shortcut.activated.connect(action)
        for number in range(len(PANELS)):
            shortcut = QShortcut(QKeySequence(f"Ctrl+{number + 1}"), self)
            shortcut.activated.connect(lambda number=number: self.show_panel(number))

    def _search(self) -> None:
        panel = self._stack.currentWidget()
        (panel if isinstance(panel, Searchable) else self._show_chat()).focus_search()

    def _rename(self) -> None:
        panel = self._stack.currentWidget()
        (panel if isinstance(panel, Renaming) else self._show_chat()).rename()

    def _show_model(self, title: str, path: str) -> None:
        number = number_of(title)
        self.show_panel(number)
        panel = self._panel(number)
        if isinstance(panel, ShowsModel):
            panel.show_model(path)

    def _write_message(self) -> None:
        self._show_chat().composer.setFocus()

    def _show_chat(self) -> ChatPanel:
        assert isinstance(self.chat, ChatPanel)
        self.show_panel(0)
        return self.chat

    def _restore_geometry(self) -> None:
        u = theme.unit()
        saved = self._settings.settings.geometry.encode("ascii", "ignore")
        if not saved or not self.restoreGeometry(QByteArray.fromBase64(saved)):
            self.resize(150 * u, 96 * u)
            available = self.screen().availableGeometry().size()
            self.resize(self.size().boundedTo(available))

    # ---- acting ------------------------------------------------------------------------------------------------

    def _set_appearance(self, name: str) -> None:
        theme.choose(name)
        self._settings.update(appearance=name)

    def _show_shortcuts(self) -> None:
        dialogs.shortcuts(self).open()

    def _open_data_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(paths.data_dir())))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc, when no field had a use for it, stops the answer."""
        if event.key() == Qt.Key.Key_Escape and isinstance(self.chat, ChatPanel):
            self.chat.stop()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Coming back to the window shows what another window has changed meanwhile."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self._started and self.isActiveWindow():
            self._service.refresh()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take GGUF files."""
        if _dropped_model(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Load the dropped file."""
        path = _dropped_model(event)
        if path:
            event.acceptProposedAction()
            self._models.load(path)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Hide at once, then save; the service returns within two seconds."""
        assert isinstance(self.chat, ChatPanel)
        geometry = bytes(self.saveGeometry().toBase64().data()).decode()
        self._settings.update(geometry=geometry, splitter=self.chat.splitter_sizes())
        self.hide()
        for panel in self._panels.values():
            panel.close()
        self._started = False
        self._library.close()
        self._worker.close()
        self._jobs.close()
        self._service.close()
        self._settings.finish()
        super().closeEvent(event)
        self.closed.emit()


def _dropped_model(event: QDropEvent) -> str:
    files = [url.toLocalFile() for url in event.mimeData().urls()]
    return next((f for f in files if f.lower().endswith(".gguf")), "")
