"""Which folders the library looks into: ours, those of other applications, and the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from q8chat.gui import place_text, theme
from q8chat.gui.widgets.icon_button import IconButton
from q8chat.gui.widgets.model_details_facts import clear, heading, wrapping_label
from q8chat.library.types import KnownFolder, ScanResult

MOST = 50  # problems that are listed


class FolderDialog(QDialog):
    """Each change counts at once; `changed` gives all chosen folders, without ours."""

    changed = Signal(tuple)

    def __init__(self, ours: str, chosen: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Model folders")
        self._chosen = list(chosen)
        self._known: tuple[KnownFolder, ...] = ()
        self.boxes: dict[str, QCheckBox] = {}
        self.own: dict[str, IconButton] = {}
        self._apps_note = wrapping_label("Looking for them…", "muted")
        self._apps, self._own, self._problems = QVBoxLayout(), QVBoxLayout(), QVBoxLayout()
        self.add = QPushButton("Add a folder…")
        self.add.clicked.connect(self._ask)
        self._frame(self._make_page(ours))
        self._refresh()

    def _make_page(self, ours: str) -> QWidget:
        u = theme.unit()
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(3 * u, 3 * u, 3 * u, u)
        column.setSpacing(u)
        title = QLabel("Model folders")
        title.setProperty("role", "title")
        kept = "Models you get are kept here. Only here are files renamed or deleted."
        for label in (
            title,
            heading("Q8 Chat's own folder"),
            wrapping_label(place_text.place(ours)),
            wrapping_label(kept, "muted"),
        ):
            column.addWidget(label)
        column.addSpacing(u)
        column.addWidget(heading("Models of other applications"))
        column.addWidget(self._apps_note)
        column.addLayout(self._apps)
        column.addSpacing(u)
        column.addWidget(heading("Other folders"))
        column.addWidget(wrapping_label("Q8 Chat reads models there and changes nothing.", "muted"))
        column.addLayout(self._own)
        column.addWidget(self.add, 0, Qt.AlignmentFlag.AlignLeft)
        column.addSpacing(u)
        column.addLayout(self._problems)
        column.addStretch(1)
        return page

    def _frame(self, page: QWidget) -> None:
        u = theme.unit()
        area = QScrollArea(widgetResizable=True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(page)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        self._close = buttons.button(QDialogButtonBox.StandardButton.Close)
        buttons.setContentsMargins(3 * u, u, 3 * u, 2 * u)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(area, 1)
        column.addWidget(buttons)
        self.resize(68 * u, 60 * u)

    def show_known(self, known: Sequence[KnownFolder]) -> None:
        """The folders of other applications that exist here."""
        self._known = tuple(known)
        clear(self._apps)
        self.boxes = {}
        for folder in self._known:
            box = QCheckBox(folder.app)
            box.setChecked(folder.path in self._chosen)
            box.setAccessibleDescription(f"{place_text.place(folder.path)}, read only")
            box.toggled.connect(lambda on, path=folder.path: self._set(path, on))
            self.boxes[folder.path] = box
            self._apps.addWidget(box)
            path = wrapping_label(place_text.place(folder.path), "muted")
            path.setContentsMargins(3 * theme.unit(), 0, 0, 0)
            self._apps.addWidget(path)
        found = "Q8 Chat reads what you tick and changes nothing there."
        self._apps_note.setText(found if known else "None were found.")
        self._refresh()

    def show_scan(self, result: ScanResult) -> None:
        """What could not be read in the last scan."""
        problems = result.problems
        clear(self._problems)
        if problems:
            self._problems.addWidget(heading("Could not be read"))
        for problem in problems[:MOST]:
            self._problems.addWidget(
                wrapping_label(place_text.in_words(f"{problem.message} {problem.hint}".strip()), "warning")
            )
        if len(problems) > MOST:
            self._problems.addWidget(wrapping_label(f"and {len(problems) - MOST} more", "muted"))

    def show_failure(self, text: str) -> None:
        """The other applications' folders could not be looked for."""
        self._apps_note.setText(text)

    def add_folder(self, path: str) -> None:
        """Read this folder too."""
        self._set(path, True)

    def _ask(self) -> None:
        dialog = QFileDialog(self, "Add a folder with models")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.add_folder)
        dialog.open()

    def _set(self, path: str, wanted: bool) -> None:
        if wanted == (path in self._chosen):
            return
        if wanted:
            self._chosen.append(path)
        else:
            self._chosen.remove(path)
        if path in self.boxes:
            self.boxes[path].setChecked(wanted)
        self._refresh()
        self.changed.emit(tuple(self._chosen))

    def _refresh(self) -> None:
        """The rows of the user's own folders, made anew only if they are others, so that the focus stays."""
        known = {folder.path for folder in self._known}
        wanted = [path for path in self._chosen if path not in known]
        if wanted != list(self.own):
            clear(self._own)
            self.own = {path: self._own_row(path) for path in wanted}
        stops = [*self.boxes.values(), *self.own.values(), self.add, self._close]
        for before, after in pairwise(stops):
            self.setTabOrder(before, after)

    def _own_row(self, path: str) -> IconButton:
        remove = IconButton("close", f"Do not read {place_text.place(path)} any more")
        remove.clicked.connect(lambda: self._remove(path))
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(wrapping_label(place_text.place(path)), 1)
        row.addWidget(remove)
        self._own.addWidget(holder)
        return remove

    def _remove(self, path: str) -> None:
        self._set(path, False)
        self.add.setFocus()
