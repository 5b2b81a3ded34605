"""What every panel may use: the service and its signals, settings, models, problems, the worker and the jobs."""

from __future__ import annotations

from dataclasses import dataclass

from q8chat.chat.service import ChatService
from q8chat.gui.errors import ErrorPresenter
from q8chat.gui.library import Library
from q8chat.gui.models import ModelChoice
from q8chat.gui.operations import ChatOperations, JobOperations, SettingsKeeper, WorkerOperations


@dataclass(frozen=True, slots=True)
class AppContext:
    """Handed to each panel when it is made."""

    service: ChatService
    operations: ChatOperations
    settings: SettingsKeeper
    models: ModelChoice
    errors: ErrorPresenter
    worker: WorkerOperations
    jobs: JobOperations
    library: Library
