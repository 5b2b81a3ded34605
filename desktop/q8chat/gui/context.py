"""What every panel may use: the service, its signals, the settings, the models and the way to show a problem."""

from __future__ import annotations

from dataclasses import dataclass

from q8chat.chat.service import ChatService
from q8chat.gui.errors import ErrorPresenter
from q8chat.gui.models import ModelChoice
from q8chat.gui.operations import ChatOperations, SettingsKeeper


@dataclass(frozen=True, slots=True)
class AppContext:
    """Handed to each panel when it is made."""

    service: ChatService
    operations: ChatOperations
    settings: SettingsKeeper
    models: ModelChoice
    errors: ErrorPresenter
