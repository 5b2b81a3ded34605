"""The panels of the window in the order of the navigation. A new panel is a file here and a line in PANELS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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


PANELS = (
    PanelSpec("Chat", "chat", ChatPanel),
    PanelSpec("This machine", "cpu", MachinePanel),
)
