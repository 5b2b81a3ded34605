"""The chat: conversations, messages, composer and settings, wired to the service."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from q8chat.chat import events
from q8chat.chat.types import Conversation, SearchHit
from q8chat.gui import theme
from q8chat.gui.context import AppContext
from q8chat.gui.widgets.composer import Composer, Draft
from q8chat.gui.widgets.crash_notice import CrashNotice
from q8chat.gui.widgets.empty_state import EmptyState
from q8chat.gui.widgets.model_bar import ModelBar
from q8chat.gui.widgets.settings_pane import SettingsPane
from q8chat.gui.widgets.sidebar import Sidebar
from q8chat.gui.widgets.status_line import StatusLine
from q8chat.gui.widgets.template_hint import TemplateHint
from q8chat.gui.widgets.transcript import Transcript

COLUMN = 100  # average characters; as wide as the transcript's column
_ANSWERING = (events.EngineStatus.READING, events.EngineStatus.WRITING)


class ChatPanel(QWidget):
    """Holds which conversation is in view, the drafts, and whether an answer is being written."""

    def __init__(self, context: AppContext) -> None:
        super().__init__()
        self._context, self._service = context, context.service
        self._current: Conversation | None = None
        self._drafts: dict[int | None, Draft] = {}
        self._engine = events.EngineState(events.EngineStatus.NONE)
        self._asked = False  # an answer was asked for and the engine has not begun
        self._wants_sidebar: bool | None = None
        self._wanted_hit: SearchHit | None = None
        self.sidebar, self.model_bar = Sidebar(), ModelBar()
        self.template_hint, self.crash_notice = TemplateHint(), CrashNotice()
        self.transcript = Transcript()
        self.empty, self.composer = EmptyState(), Composer()
        self.status_line, self.settings_pane = StatusLine(), SettingsPane()
        self.splitter = QSplitter(Qt.Orientation.Horizontal, childrenCollapsible=False)
        self._lay_out()
        self._connect_views()
        self._connect_service()
        self._refresh_models()
        self.composer.setFocus()

    # ---- layout ------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        u = theme.unit()
        self.stack = QStackedWidget()
        self._empty_page = QScrollArea(widgetResizable=True)  # so that it never makes the window higher
        self._empty_page.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._empty_page.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._empty_page.setWidget(self.empty)
        self.stack.addWidget(self._empty_page)
        self.stack.addWidget(self.transcript)
        composer_row = QHBoxLayout()
        composer_row.setContentsMargins(2 * u, 0, 2 * u, u)
        composer_row.addStretch(0)
        composer_row.addWidget(self.composer, 1000)
        composer_row.addStretch(0)
        self.composer.setMaximumWidth(COLUMN * self.fontMetrics().averageCharWidth())
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.model_bar)
        column.addWidget(self.template_hint)
        column.addWidget(self.crash_notice)
        column.addWidget(self.stack, 1)
        column.addLayout(composer_row)
        column.addWidget(self.status_line)
        middle.setMinimumWidth(29 * u)
        for widget in (self.sidebar, middle, self.settings_pane):
            self.splitter.addWidget(widget)
        self.splitter.setHandleWidth(5)
        self.splitter.setStretchFactor(1, 1)
        sizes = self._context.settings.settings.splitter
        self._sizes = sizes if len(sizes) == 3 and all(s > 0 for s in sizes) else (32 * u, 90 * u, 36 * u)
        self.splitter.setSizes(list(self._sizes))
        self.settings_pane.hide()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.splitter)
        for before, after in (
            (self.composer.edit, self.composer.button),
            (self.composer.button, self.model_bar.button),
        ):
            self.setTabOrder(before, after)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow window the settings take the place of the list."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Unless the user has decided, the list is shown where there is room for it."""
        open_settings = self.model_bar.settings.isChecked()
        needed = (96 if open_settings else 60) * theme.unit()
        roomy = self.width() >= needed
        self.sidebar.setVisible(roomy if self._wants_sidebar is None else self._wants_sidebar)
        self.settings_pane.setVisible(open_settings)

    def toggle_sidebar(self) -> None:
        """Show or hide the list of conversations."""
        self._wants_sidebar = self.sidebar.isHidden()
        self._fit()

    # ---- wiring ------------------------------------------------------------------------------------------------

    def _connect_views(self) -> None:
        service, models = self._service, self._context.models
        self.sidebar.new_requested.connect(self.new_conversation)
        self.sidebar.search_requested.connect(service.search)
        self.sidebar.hit_opened.connect(self._open_hit)
        self.sidebar.list.opened.connect(self._open)
        self.sidebar.list.rename_requested.connect(service.rename)
        self.sidebar.list.delete_requested.connect(service.delete)
        self.sidebar.undo_bar.undone.connect(service.restore)
        self.model_bar.model_chosen.connect(models.load)
        self.model_bar.context_chosen.connect(models.choose_context_length)
        self.model_bar.library_requested.connect(models.library_wanted)
        self.model_bar.open_requested.connect(lambda: models.ask(self.window()))
        self.crash_notice.reload_requested.connect(self.reload_model)
        self.model_bar.template_chosen.connect(service.use_template)
        self.model_bar.sidebar_toggled.connect(self.toggle_sidebar)
        self.model_bar.settings_toggled.connect(self._toggle_settings)
        self.template_hint.template_chosen.connect(service.use_template)
        self.transcript.edit_requested.connect(self._edit)
        self.transcript.regenerate_requested.connect(self._regenerate)
        self.transcript.switch_requested.connect(service.switch_to)
        self.empty.example_chosen.connect(self._send_example)
        self.composer.submitted.connect(self._send_draft)
        self.composer.stop_requested.connect(service.stop)
        self.settings_pane.configured.connect(self._configure)
        self.settings_pane.preset_saved.connect(service.save_preset)
        self.settings_pane.preset_deleted.connect(service.delete_preset)
        models.changed.connect(self._refresh_models)

    def _connect_service(self) -> None:
        operations = self._context.operations
        operations.engine_state.connect(self._on_engine)
        operations.conversation_list.connect(self.sidebar.show_conversations)
        operations.conversation_opened.connect(self._on_opened)
        operations.conversation_changed.connect(self._on_changed)
        operations.conversation_deleted.connect(self._on_deleted)
        operations.message_text.connect(self._on_text)
        operations.message_finished.connect(self._on_finished)
        operations.usage_changed.connect(self._on_usage)
        operations.search_results.connect(self.sidebar.show_results)
        operations.presets_changed.connect(lambda e: self.settings_pane.set_presets(e.presets))
        operations.unsent.connect(self._on_unsent)
        operations.problem.connect(self._on_problem)

    # ---- what the user does ------------------------------------------------------------------------------------

    def new_conversation(self) -> None:
        """Begin a conversation; the one in view is reused while it is empty."""
        if self._current is not None and self.stack.currentWidget() is self.transcript:
            self._service.new_conversation()
        self.composer.setFocus()

    def stop(self) -> None:
        """Stop the answer, if there is one."""
        if self._busy():
            self._service.stop()

    def reload_model(self) -> None:
        """Load the model again whose engine is gone."""
        if self._engine.path:
            self._context.models.reload(self._engine.path)

    def rename(self) -> None:
        """Edit the title of the conversation in view, in the list."""
        if self.sidebar.isHidden():
            self.toggle_sidebar()
        self.sidebar.list.rename_current()

    def focus_search(self) -> None:
        """Ready to type a search."""
        if self.sidebar.isHidden():
            self.toggle_sidebar()
        self.sidebar.focus_search()

    def splitter_sizes(self) -> tuple[int, ...]:
        """Widths of the three columns; a hidden one keeps the width it had."""
        return tuple(now or old for now, old in zip(self.splitter.sizes(), self._sizes, strict=True))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Hand over what was typed in the settings."""
        self.settings_pane.flush()
        super().closeEvent(event)

    def _open(self, conversation_id: int) -> None:
        if self._current is None or self._current.id != conversation_id:
            self._service.open_conversation(conversation_id)

    def _open_hit(self, hit: SearchHit) -> None:
        self._wanted_hit = hit
        self._service.open_conversation(hit.conversation_id)

    def _send_draft(self) -> None:
        if not self._busy():
            self._send(self.composer.take())

    def _send_example(self, text: str) -> None:
        if not self._busy():
            self._send(Draft(text))
            self.composer.setFocus()

    def _send(self, draft: Draft) -> None:
        self.settings_pane.flush()
        self._ask()
        self._service.send(self._current.id if self._current else None, draft.message())

    def _edit(self, message_id: int, text: str) -> None:
        self._ask()
        self._service.edit(message_id, text)

    def _regenerate(self, message_id: int) -> None:
        self._ask()
        self._service.regenerate(message_id)

    def _ask(self) -> None:
        self._asked = True
        self._refresh_busy()

    def _configure(self, conversation: Conversation) -> None:
        self.status_line.set_overflow(conversation.overflow)
        self._service.configure(
            conversation.id,
            system_prompt=conversation.system_prompt,
            sampling=conversation.sampling,
            preset=conversation.preset,
            overflow=conversation.overflow,
        )

    def _toggle_settings(self, is_open: bool) -> None:
        if is_open and self._current is None:
            self._service.new_conversation()
        self._wants_sidebar = None
        self._fit()
        (self.settings_pane.presets.combo if is_open else self.composer).setFocus()

    # ---- what the service tells --------------------------------------------------------------------------------

    def _on_engine(self, state: events.EngineState) -> None:
        self._engine = state
        for view in (self.model_bar, self.template_hint, self.crash_notice, self.empty, self.status_line):
            view.set_engine(state)
        if state.status in _ANSWERING:
            self._asked = False
        self._refresh_busy()

    def _on_opened(self, event: events.ConversationOpened) -> None:
        old, new = self._current, event.conversation
        if old is None and not event.path:
            self._drafts[new.id] = self.composer.draft()  # what was begun before the conversation existed
        elif old is None or old.id != new.id:
            self._drafts[old.id if old else None] = self.composer.draft()
        self._current = new
        if old is None or old.id != new.id:
            self.composer.set_draft(self._drafts.pop(new.id, Draft()))
        self._show(event)
        self._highlight(event)
        if old is None and not event.path and self.settings_pane.isVisible():
            self.settings_pane.presets.combo.setFocus()  # it was made for them

    def _show(self, event: events.ConversationOpened) -> None:
        messages = [p.message for p in event.path]
        # Brought to the front first: while hidden it has not got its size and would lay out everything twice.
        self.stack.setCurrentWidget(self.transcript if messages else self._empty_page)
        self.transcript.show_path(event.path, event.conversation.id)
        self.crash_notice.set_told(messages[-1].error if messages else "")
        self.settings_pane.show_conversation(event.conversation)
        self.sidebar.list.select(event.conversation.id)
        self.status_line.set_overflow(event.conversation.overflow)
        self.status_line.set_usage(next((m.usage for m in reversed(messages) if m.usage), None))
        self._refresh_busy()

    def _highlight(self, event: events.ConversationOpened) -> None:
        hit = self._wanted_hit
        if hit is None or hit.conversation_id != event.conversation.id:
            return
        self._wanted_hit = None
        if any(p.message.id == hit.message_id for p in event.path):
            self.transcript.highlight_message(hit.message_id)
        else:  # it is on another branch
            self._wanted_hit = hit
            self._service.switch_to(hit.message_id)

    def _on_changed(self, event: events.ConversationChanged) -> None:
        if self._current is not None and event.conversation.id == self._current.id:
            self._current = event.conversation
            self.settings_pane.show_conversation(event.conversation)
            self.status_line.set_overflow(event.conversation.overflow)

    def _on_deleted(self, event: events.ConversationDeleted) -> None:
        self.sidebar.undo_bar.show_deleted(event.conversation)
        if self._current is not None and self._current.id == event.conversation.id:
            self._drafts[event.conversation.id] = self.composer.draft()
            self._current = None
            self.crash_notice.set_told("")
            self.composer.set_draft(self._drafts.pop(None, Draft()))
            self.stack.setCurrentWidget(self._empty_page)
            self.settings_pane.show_conversation(None)
            self.sidebar.list.select(None)
            self.status_line.set_usage(None)

    def _on_text(self, event: events.MessageText) -> None:
        if self._current is not None and event.conversation_id == self._current.id:
            self.transcript.append_text(event.message_id, event.text)

    def _on_finished(self, event: events.MessageFinished) -> None:
        self._asked = False
        if self._current is not None and event.message.conversation_id == self._current.id:
            self.transcript.finish(event.message)
            self.crash_notice.set_told(event.message.error)
            self.status_line.set_usage(event.message.usage)
        self._refresh_busy()

    def _on_usage(self, event: events.UsageChanged) -> None:
        if self._current is not None and event.conversation_id == self._current.id:
            self.status_line.set_usage(event.usage)

    def _on_unsent(self, event: events.Unsent) -> None:
        if event.conversation_id == (self._current.id if self._current else None):
            self.composer.give_back(event.text)
        else:
            self._drafts[event.conversation_id] = Draft.of(event.text)

    def _on_problem(self, _problem: events.Problem) -> None:
        self._asked = False
        self._refresh_busy()

    # ---- state shared by the views -----------------------------------------------------------------------------

    def _busy(self) -> bool:
        return self._asked or self._engine.status in _ANSWERING

    def _refresh_busy(self) -> None:
        self.composer.set_busy(self._busy())
        self.transcript.set_busy(self._busy())

    def _refresh_models(self) -> None:
        models = self._context.models
        self.model_bar.set_models(models.starter, models.recent(), models.context_lengths(), models.others())
