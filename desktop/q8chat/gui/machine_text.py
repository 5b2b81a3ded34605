"""The "This machine" page in words: from the JSON of `q8chat cpu --json` to labels and values."""

from __future__ import annotations

from typing import Any

from q8chat.core import units

MARKS = {"yes": "✓", "no": "–", "unknown": "?"}
WORDS = {"yes": "yes", "no": "no", "unknown": "not known"}
COLUMNS = (  # key, heading, what it means
    ("has", "CPU has it", "The processor has these instructions."),
    ("allowed", "Allowed", "The operating system lets programs use them."),
    ("used", "In use", "The loaded llama.cpp kernels use them."),
)


def facts(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Label and value, in the order to show; what is unknown is left out."""
    rows = [
        ("Processor", _processor(report["cpu"])),
        ("Cores", _cores(report["cores"])),
        ("Caches", _caches(report["caches"])),
        ("Memory", _memory(report["memory"])),
        ("Threads for chat", f"{report['threads']['threads']}. {report['threads']['reason']}"),
    ]
    return [(label, value) for label, value in rows if value]


def mark(state: str) -> str:
    """A sign and a word, so that nothing depends on colour."""
    return f"{MARKS[state]}  {WORDS[state]}"


def _processor(cpu: dict[str, Any]) -> str:
    hidden = "hidden by the virtual machine" in cpu["label"]
    virtual = ", in a virtual machine" if cpu["virtual_machine"] and not hidden else ""
    return f"{cpu['name']} ({cpu['label']}{virtual})"


def _cores(cores: dict[str, Any]) -> str:
    parts = [_plural(cores["physical"], "core")]
    if cores["efficiency"]:
        parts[0] += f" ({cores['performance']} performance, {cores['efficiency']} efficiency)"
    if cores["logical"] != cores["physical"]:
        parts.append(f"{cores['logical']} threads (SMT)")
    else:
        parts.append("no SMT")
    if cores["packages"] > 1:
        parts.append(f"{cores['packages']} sockets")
    if cores["numa_nodes"] > 1:
        parts.append(f"{cores['numa_nodes']} NUMA nodes")
    if len(cores["allowed_cpus"]) < cores["logical"]:
        parts.append(f"{len(cores['allowed_cpus'])} usable by this process")
    if cores["cpu_quota"]:
        parts.append(f"a container limit of {cores['cpu_quota']:.1f} CPUs")
    return ", ".join(parts)


def _caches(caches: list[dict[str, Any]]) -> str:
    return ", ".join(
        f"{cache['name']} {f'{n} × ' if (n := cache['instances']) > 1 else ''}{_whole(cache['size'])}"
        for cache in caches
    )


def _memory(memory: dict[str, Any]) -> str:
    text = f"{_whole(memory['total'])}, {_whole(memory['available'])} available"
    if memory["limit"] is not None:
        text += f", a container limit of {_whole(memory['limit'])}"
    return text


def _whole(n_bytes: int) -> str:
    """A size without the ".0" that means nothing for hardware."""
    return units.size(n_bytes).replace(".0 ", " ")


def _plural(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n} {word}s"
