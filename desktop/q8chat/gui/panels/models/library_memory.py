"""Memory of the models in the library: a verdict for each row, and the parts for the chosen one."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject

from q8chat.chat.events import EngineState
from q8chat.gui import engine_text, fit_text
from q8chat.gui.context import AppContext
from q8chat.gui.panels.models.library_work import LibraryWork
from q8chat.gui.widgets.library_model import LibraryRows
from q8chat.gui.widgets.model_details import ModelDetailsPane
from q8chat.jobs.memory_calls import MemoryReport, Needs, Wanted
from q8chat.library.types import LibraryModel

BATCH = 25  # models per call, so that the first verdicts are there early
DEFAULT_CTX = 8192  # tokens; what a model gets by itself at most


class LibraryMemory(QObject):
    """Each model is looked at once per size and context length; verdicts follow the memory that is free."""

    def __init__(
        self, context: AppContext, work: LibraryWork, rows: LibraryRows, details: ModelDetailsPane
    ) -> None:
        super().__init__(details)
        self._context, self._work, self._rows, self._details = context, work, rows, details
        self._models: tuple[LibraryModel, ...] = ()
        self._known: dict[tuple[str, int, int], int] = {}  # path, size and context -> bytes
        self._asked: dict[str, tuple[str, int, int]] = {}
        self._freed = 0  # bytes that loading another model gives back
        self._on_engine(context.library.engine)
        work.needs.connect(self._on_needs)
        work.memory.connect(self._on_report)
        work.memory_failed.connect(self._on_failed)
        details.memory.context_chosen.connect(self._on_context)
        context.operations.engine_state.connect(self._on_engine)

    def rate(self, models: Sequence[LibraryModel]) -> None:
        """Say of each how it fits."""
        self._models = tuple(m for m in models if m.usable)
        self._ask_next()

    def show(self, model: LibraryModel) -> None:
        """The parts of this model, at the context length chosen for it."""
        lengths = engine_text.context_choices(model.context_length, self.context_of(model)) if model.usable else ()
        self._details.memory.set_contexts(tuple(lengths), self.context_of(model))
        if lengths:
            self._estimate(model, self.context_of(model))

    def refresh(self) -> None:
        """What is available has changed, and chats may have shown what a model takes."""
        self._ask_next()
        entry, tokens = self._details.entry, self._details.memory.context.currentData()
        if entry is not None and tokens:
            self._work.estimate(Wanted(entry.model.files, tokens))

    def context_of(self, model: LibraryModel) -> int:
        """Tokens: as the user chose, else what the model gets by itself when memory allows."""
        lengths = self._context.models.context_lengths()
        chosen = next((lengths[file] for file in model.files if file in lengths), 0)
        return chosen or min(model.context_length or DEFAULT_CTX, DEFAULT_CTX)

    def _estimate(self, model: LibraryModel, n_ctx: int) -> None:
        self._details.memory.show_memory(None)
        self._work.estimate(Wanted(model.files, n_ctx))

    def _on_context(self, tokens: int) -> None:
        if self._details.entry is not None:
            self._estimate(self._details.entry.model, tokens)

    def _on_report(self, report: MemoryReport) -> None:
        entry = self._details.entry
        if entry is None or entry.model.path != report.path:
            return
        self._details.memory.show_memory(fit_text.memory_view(report, self._freed))
        self._details.types.show_kernels(report.kernels)

    def _on_failed(self, path: str, why: str) -> None:
        entry = self._details.entry
        if entry is not None and entry.model.path == path:
            self._details.memory.show_failure(why)

    # ---- all rows ----------------------------------------------------------------------------------------------

    def _key(self, model: LibraryModel) -> tuple[str, int, int]:
        return model.path, model.size, self.context_of(model)

    def _ask_next(self) -> None:
        """The next ones nobody has looked at; without any only what is available is asked."""
        batch = [m for m in self._models if self._key(m) not in self._known][:BATCH]
        self._asked = {m.files[0]: self._key(m) for m in batch}
        self._work.add_up(tuple(Wanted(m.files, self.context_of(m)) for m in batch))

    def _on_needs(self, needs: Needs) -> None:
        for path, total in needs.total.items():
            self._known[self._asked[path]] = total
        fits = {
            model.path: fit_text.fit(
                self._known[self._key(model)], needs.available + self._freed, self.context_of(model)
            )
            for model in self._models
            if self._key(model) in self._known
        }
        self._rows.set_fits(fits)
        if len(fits) < len(self._models):
            self._ask_next()

    def _on_engine(self, state: EngineState) -> None:
        self._freed = max(0, state.loaded.memory - state.loaded.n_bytes) if state.loaded is not None else 0
