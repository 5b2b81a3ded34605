"""What happens on a repository's page: memory at a context, downloads, tokens."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from q8chat.chat.events import Problem
from q8chat.core.errors import GatedRepoError, Q8Error, RemoteFileNotFoundError, RepoNotFoundError
from q8chat.gui import discover_text, offers
from q8chat.gui.context import AppContext
from q8chat.gui.offers import Offer, Surroundings
from q8chat.gui.panels.models.discover_work import DiscoverWork
from q8chat.gui.widgets.repo_page import RepoView
from q8chat.hub.resolve import select
from q8chat.hub.types import RepoPage
from q8chat.jobs.access_calls import Access
from q8chat.jobs.repo_calls import AskedRepo, RepoNeeds
from q8chat.jobs.types import JobRecord, JobState

DOWNLOAD = "download"  # the kind of job
NEEDS_ACCESS = (GatedRepoError, RepoNotFoundError)  # a private repository is not found without a token


class DiscoverRepo(QObject):
    """Keeps what is known about the open repository and shows it; one method per action of `Offer.action`."""

    page_requested = Signal(str)

    def __init__(self, context: AppContext, work: DiscoverWork, view: RepoView, parent: QWidget) -> None:
        super().__init__(parent)
        self._context, self._work, self._view = context, work, view
        self.repo = self._what = self._marked = ""  # marked: the row chosen by us
        self._needs: RepoNeeds | None = None
        self._n_ctx = 0  # tokens, as the user chose; 0 the usual one
        self._fresh: set[str] = set()
        self._does: dict[str, Callable[[Offer], None]] = {
            "download": self._download,
            "show": lambda _: self.page_requested.emit("Downloads"),
            "resume": lambda o: context.jobs.resume(o.record.id if o.record else ""),
            "retry": lambda o: context.jobs.retry(o.record.id if o.record else ""),
            "chat": lambda o: context.models.chat_with(o.path, loaded=context.library.engine.path == o.path),
        }
        view.files.acted.connect(lambda offer: self._does[offer.action](offer))
        view.files.context_chosen.connect(self._on_context)
        view.access.token_given.connect(self._on_token)
        view.retry_requested.connect(lambda: self.open(self.repo, self._what))
        work.page.connect(self._on_page)
        work.page_failed.connect(self._on_page_failed)
        work.needs.connect(self._on_needs)
        work.needs_failed.connect(self._on_needs_failed)
        work.access.connect(self._show_access)
        work.stored.connect(self._on_stored)
        work.store_failed.connect(lambda e: view.access.show_outcome(str(e), good=False))
        context.jobs.changed.connect(self._on_job)
        context.jobs.removed.connect(lambda _: self._show())
        context.library.changed.connect(self._on_library)

    def open(self, repo: str, what: str = "") -> None:
        """Ask for a page; `what`: the quantization or file to choose on it, "" for the recommended."""
        self.repo, self._what = repo, what
        self._needs = None
        self._view.show_loading(repo)
        self._work.open(repo)

    def chosen(self) -> str:
        """Name of the chosen row, "" if there is none."""
        offer = self._view.files.table.offer() if self.repo and self._view.page else None
        return "" if offer is None or offer.is_checkpoint else offer.name

    def leave(self) -> None:
        """The page is not looked at any more."""
        self.repo = ""
        self._work.stop()

    # ---- what came ---------------------------------------------------------------------------------------------

    def _on_page(self, page: RepoPage) -> None:
        self._context.jobs.start()
        self._view.show_page(page, self._n_ctx)
        self._show()
        self._mark(self._named(page) or page.recommended)
        self._view.focus_table()
        if page.gated or page.private:
            self._work.look_up_access(page.repo)
        self._rate()

    def _on_page_failed(self, repo: str, error: Q8Error) -> None:
        self._view.show_failure(discover_text.failed(error))
        if isinstance(error, NEEDS_ACCESS):
            self._work.look_up_access(repo)

    def _rate(self) -> None:
        page = self._view.page
        if page is None or not page.quantizations:
            return
        loaded = self._context.library.engine.loaded
        freed = max(0, loaded.memory - loaded.n_bytes) if loaded else 0
        self._work.rate(
            AskedRepo(
                repo=page.repo,
                revision=page.revision,
                quantizations=page.quantizations,
                n_ctx=self._n_ctx,
                freed=freed,
                gated=bool(page.gated or page.private),
            )
        )

    def _on_needs(self, needs: RepoNeeds) -> None:
        self._needs = needs
        page = self._view.page
        if page is not None:
            self._view.files.set_contexts(needs.trained or page.context_length, needs.n_ctx)
        self._show()
        if not self._what and needs.recommended:
            self._mark(needs.recommended)

    def _on_needs_failed(self, error: Q8Error) -> None:
        self._needs = RepoNeeds(n_ctx=0, trained=0, available=0, rows=(), note=str(error))
        self._show()

    def _on_context(self, tokens: int) -> None:
        self._n_ctx = tokens
        self._rate()

    def _on_job(self, record: JobRecord) -> None:
        if record.kind != DOWNLOAD or self._view.page is None:
            return
        if record.state == JobState.DONE:
            self._fresh.add(record.id)
        if record.params.get("selection", {}).get("repo") == self._view.page.repo:
            self._show()

    def _on_library(self) -> None:
        self._fresh.clear()
        self._show()

    # ---- showing -----------------------------------------------------------------------------------------------

    def _show(self) -> None:
        page, library = self._view.page, self._context.library
        if page is None:
            return
        around = Surroundings(library.models, tuple(self._context.jobs.records()), library.own_folder, self._fresh)
        self._view.show_offers(offers.offers(page, self._needs, around), self._needs)

    def _named(self, page: RepoPage) -> str:
        """The row the user has named."""
        if not self._what:
            return ""
        try:
            return select(page, self._what).name
        except RemoteFileNotFoundError as e:
            self._context.errors.show(Problem(e.code, e.message, e.hint))
            return ""

    def _mark(self, name: str) -> None:
        """Choose a row, unless the user has chosen another one."""
        now = self._view.files.table.offer()
        if now is None or now.name == self._marked or self._marked not in (o.name for o in self._rows()):
            self._view.files.table.choose(name)
            self._marked = name

    def _rows(self) -> tuple[Offer, ...]:
        return self._view.files.table.rows.offers

    # ---- doing -------------------------------------------------------------------------------------------------

    def _download(self, offer: Offer) -> None:
        page = self._view.page
        if page is not None:
            params = {"selection": offers.selection(page, offer)}
            self._context.jobs.submit(DOWNLOAD, offers.title(page, offer), params)

    def _on_token(self, token: str) -> None:
        self._work.store_token(token, self.repo)

    def _on_stored(self, access: Access) -> None:
        self._show_access(access)
        self._view.access.show_outcome("The token is in the system's keyring now.", good=True)
        if self._view.page is None:
            self._work.open(self.repo)
        else:
            self._rate()

    def _show_access(self, access: Access) -> None:
        page = self._view.page
        if page is not None:
            words = discover_text.gated_words(page, bool(access.token))
        else:
            words = discover_text.hidden_words(self.repo, bool(access.token))
        self._view.access.show_words(words, access.page)
