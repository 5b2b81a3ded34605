"""The pages of the Models panel in the order of their tabs. A new page is a file of its own and a line in PAGES."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from PySide6.QtWidgets import QWidget

from q8chat.gui.context import AppContext
from q8chat.gui.panels.models.discover_page import DiscoverPage
from q8chat.gui.panels.models.downloads_page import DownloadsPage
from q8chat.gui.panels.models.library_page import LibraryPage

LIBRARY, DISCOVER, DOWNLOADS = "On this machine", "Discover", "Downloads"


@runtime_checkable
class PageSearch(Protocol):
    """A page with a search field of its own: Ctrl+F and / lead there."""

    def focus_search(self) -> None:
        """Ready to type."""


@runtime_checkable
class PageRenaming(Protocol):
    """A page in which the chosen row can be renamed: F2."""

    def rename(self) -> None:
        """Begin to rename it."""


@runtime_checkable
class PageFocus(Protocol):
    """A page that was reached by keys: what one wants to use first gets the focus."""

    def take_focus(self) -> None:
        """Ready for keys."""


@runtime_checkable
class PageLinks(Protocol):
    """A page that leads to others: `page_requested` is a signal with the title of the page wanted."""

    page_requested: Any


@dataclass(frozen=True, slots=True)
class PageSpec:
    """`create` is called when the page is first shown; the page is closed together with the window."""

    title: str
    create: Callable[[AppContext], QWidget]


PAGES = (
    PageSpec(LIBRARY, LibraryPage),
    PageSpec(DISCOVER, DiscoverPage),
    PageSpec(DOWNLOADS, DownloadsPage),
)
