"""A checkpoint on the hub as the source: it is downloaded first, by a job of its own."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from q8chat.core.errors import Q8Error
from q8chat.gui import convert_text, job_text
from q8chat.gui.context import AppContext
from q8chat.gui.operations.questions import Questions
from q8chat.gui.widgets.convert_source import SourceSection
from q8chat.hub.types import Selection
from q8chat.jobs.types import JobRecord, JobState

DOWNLOAD = "download"  # the kind of job
_REPO = re.compile(r"[\w.-]+/[\w.-]+")


class RemoteSource(QObject):
    """`fetched` brings the folder when all of it is there."""

    fetched = Signal(str)

    def __init__(self, context: AppContext, section: SourceSection, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context, self._section = context, section
        self._questions = Questions(context.worker, self)
        self._selection: Selection | None = None
        self._job = ""
        section.fetch_wanted.connect(self._fetch)
        context.jobs.changed.connect(self._on_job)

    def is_remote(self, text: str) -> bool:
        """Whether it can be meant as publisher/name; what exists here is a path."""
        path = Path(text).expanduser()
        return bool(_REPO.fullmatch(text)) and not text.startswith(".") and not path.exists()

    def look_up(self, repo: str) -> None:
        """Ask the hub what there is to fetch."""
        self._section.show_busy(f"Asking the hub about {repo}…")
        self._questions.ask("convert.repo_checkpoint", {"repo": repo}, self._on_selection, self._on_error)

    def leave(self) -> None:
        """Another source is wanted; a download under way goes on."""
        self._questions.drop()
        self._selection, self._job = None, ""

    def _on_selection(self, selection: Selection) -> None:
        self._selection = selection
        under_way = next((r for r in self._context.jobs.records() if self._is_of(r) and not r.is_finished), None)
        if under_way is not None:
            self._job = under_way.id
            self._on_job(under_way)
        else:
            self._section.show_remote(convert_text.repo(selection))

    def _is_of(self, record: JobRecord) -> bool:
        chosen = record.params.get("selection", {})
        wanted = self._selection
        return wanted is not None and (chosen.get("repo"), chosen.get("name")) == (wanted.repo, wanted.name)

    def _on_error(self, error: Q8Error) -> None:
        self._section.show_failure(*convert_text.failure(error))

    def _fetch(self) -> None:
        if self._selection is not None:
            title = f"{self._selection.name} · Checkpoint"
            self._job = self._context.jobs.submit(DOWNLOAD, title, {"selection": self._selection})
            self._section.show_busy("Waiting for the download to begin…")

    def _on_job(self, record: JobRecord) -> None:
        if not self._job or record.id != self._job:
            return
        if record.state == JobState.DONE:
            files = [Path(file) for file in record.result.get("files", ())]
            folder = next((file.parent for file in files if file.name == "config.json"), None)
            if folder is not None:
                self.fetched.emit(str(folder))
        elif record.error is not None:
            self._section.show_failure(record.error.message, record.error.hint)
        else:
            self._section.show_busy(f"Downloading {record.title}: {job_text.status(record)}")
