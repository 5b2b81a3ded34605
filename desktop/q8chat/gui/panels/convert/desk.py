"""What happens in the Convert panel: from a source over the plans of its levels to a job."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QObject, QTimer, Signal

from q8chat.chat.events import Problem
from q8chat.core import units
from q8chat.core.errors import JobError, Q8Error
from q8chat.gui import convert_text
from q8chat.gui.context import AppContext
from q8chat.gui.convert_draft import KINDS, USUAL, Order, Wishes, asked
from q8chat.gui.operations.questions import Questions
from q8chat.gui.panels.convert.remote import RemoteSource
from q8chat.gui.widgets.convert_destination import DestinationSection
from q8chat.gui.widgets.convert_levels import LevelSection
from q8chat.gui.widgets.convert_options import OptionsForm
from q8chat.gui.widgets.convert_source import SourceSection
from q8chat.jobs.convert_types import Levels, Place, Source
from q8chat.jobs.types import JobRecord, JobState

PAUSE_MS = 250  # of typing a file name, before the disk is looked at


class Sections(NamedTuple):
    """Of the panel, from top to bottom."""

    source: SourceSection
    levels: LevelSection
    options: OptionsForm
    destination: DestinationSection


class ConvertDesk(QObject):
    """Connects the sections; answers to old questions never arrive."""

    source_changed = Signal(bool)  # whether there is one
    submitted = Signal(str)  # id of the job

    def __init__(self, context: AppContext, sections: Sections, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._source, self._levels, self._options, self._destination = sections
        self._questions = Questions(context.worker, self)
        self._remote = RemoteSource(context, self._source, self)
        self.source: Source | None = None
        self.levels: Levels | None = None
        self._place: Place | None = None
        self._n_ctx = 0
        self._seen: set[str] = set()  # jobs that were done before
        self._placing = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._placing.timeout.connect(self._look_at_place)
        self._connect()

    def _connect(self) -> None:
        self._source.chosen.connect(self.choose)
        self._remote.fetched.connect(self.choose)
        self._levels.chosen.connect(self._on_level)
        self._levels.context_chosen.connect(self._on_context)
        self._levels.all_wanted.connect(lambda _: self._plan())
        self._levels.table.entered.connect(self._destination.go)
        self._options.changed.connect(self._plan)
        self._destination.changed.connect(self._placing.start)
        self._destination.started.connect(self.start)
        self._context.jobs.changed.connect(self._on_job)

    def choose(self, text: str) -> None:
        """Take a path, or publisher/name on the hub, as the source."""
        self._remote.leave()
        self._forget()
        if self._remote.is_remote(text):
            self._questions.drop("convert.inspect")
            self._source.set_text(text)
            self._remote.look_up(text)
            return
        path = Path(text).expanduser()
        self._source.set_text(convert_text.short(path))
        self._source.show_busy("Looking at it…")
        self._questions.ask("convert.inspect", {"path": str(path)}, self._on_source, self._on_bad_source)

    def close(self) -> None:
        """Nobody wants any answer."""
        self._questions.drop()
        self._remote.leave()

    def look_again(self) -> None:
        """The page is shown again: memory and disk may have changed."""
        self._plan()
        self._look_at_place()

    # ---- the source --------------------------------------------------------------------------------------------

    def _forget(self) -> None:
        self.source = self.levels = self._place = None
        self._n_ctx = 0
        self._levels.begin(0)
        self._questions.drop("convert.levels", "convert.place")
        self.source_changed.emit(False)

    def _on_source(self, source: Source) -> None:
        self.source = source
        self._source.show_source(source)
        self._destination.begin()
        self._levels.begin(source.context_length)
        self.source_changed.emit(True)
        self._plan()

    def _on_bad_source(self, error: Q8Error) -> None:
        self._source.show_failure(*convert_text.failure(error))

    # ---- levels ------------------------------------------------------------------------------------------------

    def _plan(self) -> None:
        """Ask for the table anew; the old one stays until the answer is there."""
        wishes = self._options.wishes()
        self._refresh()
        if self.source is None or wishes.problem:
            return
        engine = self._context.library.engine.loaded
        freed = max(0, engine.memory - engine.n_bytes) if engine else 0
        names = convert_text.ALL_LEVELS if self._levels.all.isChecked() else USUAL
        question = asked(self.source, names, wishes, self._n_ctx, freed)
        self._questions.ask("convert.levels", {"asked": question}, self._on_levels, self._on_no_levels)

    def _on_levels(self, found: Levels) -> None:
        self.levels = found
        self._levels.show_levels(found)
        self._refresh()

    def _on_no_levels(self, error: Q8Error) -> None:
        self.levels = None
        self._levels.show_failure(str(error))
        self._refresh()

    def _on_context(self, tokens: int) -> None:
        self._n_ctx = tokens
        self._plan()

    def _on_level(self, _level: object) -> None:
        level = self._levels.level()
        if level is not None:
            self._destination.propose(level.row.target)
            if self._place is None:  # the same path as that of another source
                self._placing.start()
        self._refresh()

    # ---- the destination ---------------------------------------------------------------------------------------

    def _look_at_place(self) -> None:
        if self.source is not None and self._levels.level() is not None:
            params = {"path": str(self._destination.path)}
            self._questions.ask("convert.place", params, self._on_place, lambda _: None)

    def _on_place(self, place: Place) -> None:
        self._place = place
        self._refresh()

    def _refresh(self) -> None:
        """The button and what is said around it."""
        level, wishes = self._levels.level(), self._options.wishes()
        self._destination.show_warnings(level.row.warnings if level else ())
        if level is not None and self._place is not None:
            self._destination.show_place(self._place, level.row.size)
        label = f"Convert to {level.row.level} ({units.size(level.row.size)})" if level else "Convert"
        self._destination.show_start(label, self._why_not(wishes))

    def _why_not(self, wishes: Wishes) -> str:
        level, place = self._levels.level(), self._place
        if wishes.problem:
            return wishes.problem
        if level is None:
            return "Choose a level." if self._levels.table.level() is None else "This level can't be made."
        if place is None:
            return ""
        if place.problem:
            return place.problem
        return "There is not enough room on this disk." if level.row.size > place.free else ""

    # ---- the job -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Look at the place once more, ask if something is there, and go."""
        if self.source is None or self._levels.level() is None or self._why_not(self._options.wishes()):
            return
        params = {"path": str(self._destination.path)}
        self._questions.ask("convert.place", params, self._on_place_to_start, lambda _: None)

    def _on_place_to_start(self, place: Place) -> None:
        self._on_place(place)
        order = self._order(overwrite=False)
        if order is None or self._why_not(order.wishes):
            return
        if place.exists:
            box = self._destination.ask_to_replace(order.target)
            box.accepted.connect(lambda: self._submit(self._order(overwrite=True)))
            box.open()
        else:
            self._submit(order)

    def _order(self, *, overwrite: bool) -> Order | None:
        level, wishes = self._levels.level(), self._options.wishes()
        if self.source is None or level is None:
            return None
        target = self._destination.path
        return Order(source=self.source, row=level.row, wishes=wishes, target=target, overwrite=overwrite)

    def _submit(self, order: Order | None) -> None:
        if order is None:
            return
        try:
            job = self._context.jobs.submit(order.kind, order.title, order.params)
        except JobError as e:  # a path that is no valid text
            self._context.errors.show(Problem(e.code, e.message, e.hint))
        else:
            self.submitted.emit(job)

    def _on_job(self, record: JobRecord) -> None:
        """What was made is looked for at once, and it may be where the next would go."""
        if record.kind in KINDS and record.state == JobState.DONE and record.id not in self._seen:
            self._seen.add(record.id)
            self._context.library.scan()
            self._look_at_place()
