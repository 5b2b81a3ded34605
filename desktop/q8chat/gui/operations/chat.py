"""Events of the chat service as Qt signals."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal, Slot

from q8chat.chat import events


class ChatOperations(QObject):
    """Events of the chat service, one signal per type; `listen` may be called on any thread."""

    engine_state = Signal(events.EngineState)
    conversation_list = Signal(events.ConversationList)
    conversation_opened = Signal(events.ConversationOpened)
    conversation_changed = Signal(events.ConversationChanged)
    conversation_deleted = Signal(events.ConversationDeleted)
    message_text = Signal(events.MessageText)
    message_finished = Signal(events.MessageFinished)
    unsent = Signal(events.Unsent)
    usage_changed = Signal(events.UsageChanged)
    search_results = Signal(events.SearchResults)
    presets_changed = Signal(events.PresetsChanged)
    problem = Signal(events.Problem)
    _arrived = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._routes = {
            events.EngineState: self.engine_state,
            events.ConversationList: self.conversation_list,
            events.ConversationOpened: self.conversation_opened,
            events.ConversationChanged: self.conversation_changed,
            events.ConversationDeleted: self.conversation_deleted,
            events.MessageText: self.message_text,
            events.MessageFinished: self.message_finished,
            events.Unsent: self.unsent,
            events.UsageChanged: self.usage_changed,
            events.SearchResults: self.search_results,
            events.PresetsChanged: self.presets_changed,
            events.Problem: self.problem,
        }
        self._arrived.connect(self._dispatch, Qt.ConnectionType.QueuedConnection)

    def listen(self, event: events.ChatEvent) -> None:
        """Take an event on a worker thread; its signal is emitted later on the GUI thread."""
        self._arrived.emit(event)

    @Slot(object)
    def _dispatch(self, event: events.ChatEvent) -> None:
        self._routes[type(event)].emit(event)
