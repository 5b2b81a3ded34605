"""The errors a user can meet. Each says what happened, to what, and what to do now.

They cross the pipe between the engine child and the window by `code`, so every class has its own.
"""

from __future__ import annotations

from typing import ClassVar


class Q8Error(Exception):
    """Base of all expected errors.

    `message`: one sentence, what happened to what. `hint`: one sentence, what the user can do now.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(Q8Error):
    """The command line does not make sense (exit code 2)."""

    code = "usage"


class ModelFileError(Q8Error):
    """The file is not a GGUF model that can be loaded."""

    code = "model_file"


class NotEnoughMemoryError(Q8Error):
    """The model with this context does not fit into memory."""

    code = "memory"


class TemplateError(Q8Error):
    """The model's chat template is absent, broken, endless or refuses the messages."""

    code = "template"


class ContextOverflowError(Q8Error):
    """The prompt does not fit into the context window."""

    code = "context"


class EngineError(Q8Error):
    """The engine process died or answered something it should not."""

    code = "engine"


class StoreError(Q8Error):
    """The chat database can't be read or written."""

    code = "store"


class NotFoundError(StoreError):
    """The conversation or message is no longer in the chat database, e.g. deleted in another window."""

    code = "store_not_found"


class StoreDamagedError(StoreError):
    """The chat database is damaged or no database; it can be set aside."""

    code = "store_damaged"


class StoreTooNewError(StoreError):
    """The chat database was written by a newer version of the application."""

    code = "store_too_new"


class DiskFullError(Q8Error):
    """There is no space left for something of the user's."""

    code = "disk_full"


class HubError(Q8Error):
    """The hub answered something that can't be used."""

    code = "hub"


class HubUnreachableError(HubError):
    """No connection to the hub, or it does not answer."""

    code = "hub_unreachable"


class OfflineError(HubError):
    """Offline mode is on, so the network is not touched."""

    code = "offline"


class RepoNotFoundError(HubError):
    """The repository does not exist, is private or was disabled."""

    code = "repo_not_found"


class RevisionNotFoundError(HubError):
    """The repository has no such branch, tag or commit."""

    code = "revision_not_found"


class RemoteFileNotFoundError(HubError):
    """The repository has no such file or quantization."""

    code = "remote_file_not_found"


class GatedRepoError(HubError):
    """The repository's terms must be accepted first, or the token does not allow it."""

    code = "repo_gated"


class DownloadError(HubError):
    """A download could not be finished; what was fetched is kept unless the message says otherwise."""

    code = "download"


class DownloadDamagedError(DownloadError):
    """What was fetched has another checksum than the hub's; it was discarded."""

    code = "download_damaged"


class LibraryError(Q8Error):
    """A file of the library can't be read, renamed, deleted or verified."""

    code = "library"


class CheckpointError(Q8Error):
    """A checkpoint can't be converted: files missing, damaged, pickled, or of an unknown architecture."""

    code = "checkpoint"


class QuantizeError(Q8Error):
    """A model can't be quantized as asked."""

    code = "quantize"


class EvaluateError(Q8Error):
    """A model can't be measured: with this text, these tasks, or against this reference."""

    code = "evaluate"


class OutputFileError(Q8Error):
    """A model file can't be written there: the name is taken or the folder read-only."""

    code = "output_file"


class JobError(Q8Error):
    """A job's process died or its record can't be read or written."""

    code = "job"


class MissingStarterError(Q8Error):
    """The model that comes with the application is not where it should be."""

    code = "starter"


def _all_classes(base: type[Q8Error]) -> list[type[Q8Error]]:
    return [base, *(c for sub in base.__subclasses__() for c in _all_classes(sub))]


def from_code(code: str, message: str, hint: str) -> Q8Error:
    """Rebuild an error that crossed a pipe; an unknown code becomes the base class.

    A class without a code of its own is for the inside of a module and arrives as the one it is derived from.
    """
    by_code = {cls.code: cls for cls in _all_classes(Q8Error) if "code" in vars(cls)}
    return by_code.get(code, Q8Error)(message, hint)
