"""The report on the machine as plain text for a terminal."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from q8chat.core import units
from q8chat.hardware.topology import Topology

if TYPE_CHECKING:
    from q8chat.hardware.report import MachineReport

_WIDTH = 100
_LABEL = 14  # columns for the names on the left


def render(report: MachineReport) -> str:
    """All sections, wrapped."""
    memory, topology = report.memory, report.topology
    facts = [
        ("CPU", report.cpu.name + (" (in a virtual machine)" if report.cpu.virtual else "")),
        ("Architecture", _architecture(report)),
        ("Cores", cores(topology)),
        ("Caches", caches(topology)),
        ("NUMA nodes", str(topology.numa_nodes)),
        ("Memory", memory_line(memory.total, memory.available, memory.limit)),
        ("Swap", f"{_size(memory.swap_total)}, {_size(memory.swap_free)} free" if memory.swap_total else "none"),
        ("May use", allowance(topology)),
        ("Threads", f"{report.threads.threads} to begin with. {report.threads.reason}"),
    ]
    sections = ["\n".join(_fact(*fact) for fact in facts)]
    sections.append("\n".join(_table(report)))
    sections.append("\n".join(_notes(report)))
    sections.append("\n".join(_paragraph(advice, "! ") for advice in report.advice))
    return "\n\n".join(filter(None, sections))


def _fact(name: str, text: str) -> str:
    unbroken = text.replace(" x ", "\xa0x\xa0").replace(" KiB", "\xa0KiB").replace(" MiB", "\xa0MiB")
    filled = textwrap.fill(unbroken, _WIDTH, initial_indent=name.ljust(_LABEL), subsequent_indent=" " * _LABEL)
    return filled.replace("\xa0", " ")


def _architecture(report: MachineReport) -> str:
    found = report.microarchitecture
    label = found.describe(virtual=report.cpu.virtual)
    return f"{report.cpu.architecture}, {label} (archspec: {found.name})"


def cores(topology: Topology) -> str:
    """Cores by kind and hardware threads: "8 performance (2 threads each), 8 efficiency"."""
    parts = []
    small = topology.of_kind("efficiency")
    for kind in ("performance", "efficiency"):
        group = topology.of_kind(kind)
        if not group:
            continue
        smt = max(len(c.cpus) for c in group)
        threads = f" with {smt} hardware threads each" if smt > 1 else ""
        parts.append(f"{len(group)}{f' {kind}' if small else ''}{threads}")
    text = ", ".join(parts)
    if topology.packages > 1:
        text += f"; {topology.packages} processors"
    return text if topology.threads_per_core > 1 else f"{text}, no SMT"


def memory_line(total: int, available: int, limit: int | None) -> str:
    """Total, available, and the container's limit if there is one."""
    limited = f"; a container limit allows {_size(limit)}" if limit is not None else ""
    return f"{_size(total)}, {_size(available)} available{limited}"


def allowance(topology: Topology) -> str:
    """The CPUs and the CPU time this process may use."""
    n, total = len(topology.allowed), len(topology.cpus)
    text = ("the only CPU" if total == 1 else f"all {total} CPUs") if n == total else f"{n} of {total} CPUs"
    if topology.quota is not None:
        text += f", for the time of {topology.quota:.3g} CPUs (container limit)"
    return text


def caches(topology: Topology) -> str:
    """Caches by level: "L1d 8 x 48 KiB + 8 x 32 KiB, L3 30 MiB"; equal ones counted."""
    by_name: dict[str, list[str]] = {}
    for cache in topology.caches:
        size = f"{cache.size / 2**20:.6g} MiB" if cache.size >= 2**20 else f"{cache.size / 2**10:.6g} KiB"
        count = f"{cache.instances} x " if cache.instances > 1 else ""
        by_name.setdefault(cache.name, []).append(count + size)
    return ", ".join(f"{name} {' + '.join(sizes)}" for name, sizes in by_name.items()) or "not known"


def _size(n_bytes: int) -> str:
    return units.size(n_bytes).replace(".0 ", " ")


def _table(report: MachineReport) -> list[str]:
    heads = ("CPU has it", "system allows it", "llama.cpp uses it")
    lines = [" " * _LABEL + "  ".join(heads)] if report.features else []
    for row in report.features:
        states = (row.has.state, row.allowed.state if row.has.state != "no" else "-", row.used.state)
        cells = "  ".join(s.ljust(len(h)) for s, h in zip(states, heads, strict=True))
        lines.append(f"{row.name.ljust(_LABEL)}{cells}".rstrip())
    return lines


def _notes(report: MachineReport) -> list[str]:
    """One line for each reason, with the features it is about."""
    about: dict[str, list[str]] = {}
    for row in report.features:
        about.setdefault(row.summary, []).append(row.name)
    return [_paragraph(f"{', '.join(names)}: {reason}", "") for reason, names in about.items()]


def _paragraph(text: str, mark: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=mark, subsequent_indent="  ")
