"""Where work in other threads and processes becomes Qt signals on the GUI thread. Nowhere else."""

from q8chat.gui.operations.chat import ChatOperations
from q8chat.gui.operations.command import JsonCommand
from q8chat.gui.operations.jobs import JobOperations
from q8chat.gui.operations.settings import SettingsKeeper
from q8chat.gui.operations.worker import OperationHandle, WorkerOperations

__all__ = [
    "ChatOperations",
    "JobOperations",
    "JsonCommand",
    "OperationHandle",
    "SettingsKeeper",
    "WorkerOperations",
]
