"""What the Discover page asks the worker. Answers to old questions never arrive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal

from q8chat.core.errors import Q8Error
from q8chat.gui.operations import OperationHandle, WorkerOperations
from q8chat.hub.types import Kind, RepoPage, SearchPage, Sort
from q8chat.jobs.access_calls import Access
from q8chat.jobs.repo_calls import AskedRepo, RepoNeeds

LIMIT = 30  # hits at a time


class DiscoverWork(QObject):
    """One question of each kind at a time: a new one takes the place of the old one."""

    found = Signal(SearchPage)
    found_more = Signal(SearchPage)
    search_failed = Signal(object)  # Q8Error
    page = Signal(RepoPage)
    page_failed = Signal(str, object)  # repository, Q8Error
    needs = Signal(RepoNeeds)
    needs_failed = Signal(object)  # Q8Error
    access = Signal(Access)
    stored = Signal(Access)
    store_failed = Signal(object)  # Q8Error
    busy = Signal(bool)

    def __init__(self, worker: WorkerOperations, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._under_way: dict[str, OperationHandle] = {}

    def search(self, text: str, kind: Kind, sort: Sort, cursor: str = "") -> None:
        """The first hits, or with a cursor the next ones."""
        params = {"text": text, "kind": kind, "sort": sort, "limit": LIMIT, "cursor": cursor}
        self._ask("hub.search", params, (self.found_more if cursor else self.found).emit, self.search_failed.emit)

    def open(self, repo: str) -> None:
        """A repository's page."""
        self._ask("hub.repo_page", {"repo": repo}, self.page.emit, lambda e: self.page_failed.emit(repo, e))

    def rate(self, asked: AskedRepo) -> None:
        """Memory and kernels of everything it offers."""
        self._ask("hub.repo_needs", {"asked": asked}, self.needs.emit, self.needs_failed.emit)

    def look_up_access(self, repo: str) -> None:
        """Whether there is a token."""
        self._ask("hub.access", {"repo": repo}, self.access.emit, _ignore)

    def store_token(self, token: str, repo: str) -> None:
        """Into the system's keyring."""
        params = {"secret": token, "repo": repo}
        self._ask("hub.store_token", params, self.stored.emit, self.store_failed.emit)

    def stop(self) -> None:
        """Nobody wants any answer."""
        for method in list(self._under_way):
            self._drop(method)
        self.busy.emit(False)

    def _ask(
        self,
        method: str,
        params: dict[str, Any],
        on_result: Callable[[Any], None],
        on_error: Callable[[Q8Error], None],
    ) -> None:
        self._drop(method)

        def over(then: Callable[[Any], None]) -> Callable[[Any], None]:
            def run(value: Any) -> None:
                self._under_way.pop(method, None)
                self.busy.emit(bool(self._under_way))
                then(value)

            return run

        self._under_way[method] = self._worker.call(method, params, over(on_result), over(on_error), owner=self)
        self.busy.emit(True)

    def _drop(self, method: str) -> None:
        handle = self._under_way.pop(method, None)
        if handle is not None:
            handle.cancel()


def _ignore(_error: Q8Error) -> None:
    """The page says what is wrong anyway."""
