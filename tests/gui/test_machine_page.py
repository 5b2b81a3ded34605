"""The "This machine" page: words, marks that need no colour, and the real command behind it."""

from __future__ import annotations

import copy
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from q8chat.gui import machine_text
from q8chat.gui.panels.machine_panel import MachinePanel
from q8chat.gui.widgets.machine_report import MachineReport
from q8chat.hardware.report import machine_report

HYBRID: dict[str, Any] = {
    "cpu": {"name": "Core i7", "label": "Alder Lake", "virtual_machine": False},
    "cores": {
        "physical": 12,
        "performance": 8,
        "efficiency": 4,
        "logical": 20,
        "threads_per_core": 2,
        "packages": 1,
        "numa_nodes": 1,
        "allowed_cpus": list(range(20)),
        "cpu_quota": None,
    },
    "caches": [{"name": "L2", "size": 2**20, "instances": 8}, {"name": "L3", "size": 25 * 2**20, "instances": 1}],
    "memory": {"total": 32 * 2**30, "available": 20 * 2**30, "limit": None},
    "threads": {"threads": 8, "reason": "One for each performance core."},
    "advice": ["Rebuild llama.cpp."],
    "features": [
        {
            "name": "AMX-INT8",
            "summary": "The system does not allow it.",
            "has": {"state": "yes", "reason": "The CPU reports it."},
            "allowed": {"state": "no", "reason": "The kernel refused."},
            "used": {"state": "unknown", "reason": "Not asked."},
        }
    ],
}


def test_facts_of_a_hybrid_processor() -> None:
    assert dict(machine_text.facts(HYBRID)) == {
        "Processor": "Core i7 (Alder Lake)",
        "Cores": "12 cores (8 performance, 4 efficiency), 20 threads (SMT)",
        "Caches": "L2 8 × 1 MiB, L3 25 MiB",
        "Memory": "32 GiB, 20 GiB available",
        "Threads for chat": "8. One for each performance core.",
    }


def test_facts_of_a_limited_container() -> None:
    report = copy.deepcopy(HYBRID)
    report["cores"] |= {"physical": 1, "logical": 1, "efficiency": 0, "allowed_cpus": [0], "cpu_quota": 0.5}
    report["memory"]["limit"] = 2**30
    facts = dict(machine_text.facts(report))
    assert facts["Cores"] == "1 core, no SMT, a container limit of 0.5 CPUs"
    assert facts["Memory"].endswith("a container limit of 1 GiB")


def test_marks_are_signs_and_words_with_reasons(qtbot: QtBot) -> None:
    widget = MachineReport(HYBRID)
    qtbot.addWidget(widget)
    cells = [widget.table.item(0, column) for column in range(5)]
    assert [c.text() for c in cells if c] == [
        "AMX-INT8",
        "✓  yes",
        "–  no",
        "?  not known",
        "The system does not allow it.",
    ]
    assert cells[2] is not None
    assert cells[2].toolTip() == "The kernel refused."
    assert cells[2].data(Qt.ItemDataRole.AccessibleTextRole) == "Allowed: no. The kernel refused."
    assert "Rebuild llama.cpp." in [label.text() for label in widget.findChildren(QLabel)]


def test_all_rows_are_visible_without_a_scroll_bar_of_their_own(qtbot: QtBot) -> None:
    widget = MachineReport(machine_report("").to_dict())
    qtbot.addWidget(widget)
    widget.resize(700, 900)
    widget.show()
    table = widget.table
    qtbot.waitUntil(
        lambda: table.viewport().height() >= sum(table.rowHeight(i) for i in range(table.rowCount())) > 0
    )


def test_the_page_asks_the_real_command(qtbot: QtBot) -> None:
    panel = MachinePanel()
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitUntil(lambda: panel.report is not None, timeout=20_000)
    assert panel.report is not None
    assert panel.report.table.rowCount() >= 1
    assert panel._message.isHidden()


def test_a_failure_is_said_and_the_next_visit_asks_again(qtbot: QtBot) -> None:
    panel = MachinePanel()
    qtbot.addWidget(panel)
    panel._on_failed("It ended with code 3.")
    assert panel._message.text() == "This machine could not be examined. It ended with code 3."
    panel.show()
    qtbot.waitUntil(lambda: panel.report is not None, timeout=20_000)
