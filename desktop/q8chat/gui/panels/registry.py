"""The panels of the window in the order of the navigation. A new panel is a file here and a line in PANELS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from PySide6.QtWidgets import QWidget

from q8chat.gui.context import AppContext
from q8chat.gui.panels.chat_panel import ChatPanel
from q8chat.gui.panels.machine_panel import MachinePanel


@dataclass(frozen=True, slots=True)
class PanelSpec:
    """`create` is called when the panel is first shown."""

    title: str
    icon: str
    create: Callable[[AppContext], QWidget]


def _models(context: AppContext) -> QWidget:
    from q8chat.gui.panels.models_panel import ModelsPanel  # imports much that the first prompt does not need

    return ModelsPanel(context)


def _convert(context: AppContext) -> QWidget:
    from q8chat.gui.panels.convert_panel import ConvertPanel

    return ConvertPanel(context)


@runtime_checkable
class Searchable(Protocol):
    """A panel with a search field of its own: Ctrl+F."""

    def focus_search(self) -> None:
        """Ready to type."""


@runtime_checkable
class Renaming(Protocol):
    """A panel in which something chosen can be renamed: F2."""

    def rename(self) -> None:
        """Begin to rename it."""


@runtime_checkable
class ShowsModel(Protocol):
    """A panel that can be sent to a model: to choose it, or to work with it."""

    def show_model(self, path: str) -> None:
        """Show this one."""


PANELS = (
    PanelSpec("Chat", "chat", ChatPanel),
    PanelSpec("Models", "library", _models),
    PanelSpec("Convert", "convert", _convert),
    PanelSpec("This machine", "cpu", MachinePanel),
)


def number_of(title: str) -> int:
    """Where the panel of that title is in PANELS. Raises StopIteration if there is none."""
    return next(n for n, panel in enumerate(PANELS) if panel.title == title)
