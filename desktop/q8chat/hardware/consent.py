"""Does the CPU have a feature, and does the operating system let programs use it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from q8chat.hardware.amx import explain
from q8chat.hardware.cpu import CpuDescription

State = Literal["yes", "no", "unknown"]


@dataclass(frozen=True, slots=True)
class Answer:
    """yes, no or unknown, and one sentence that says why."""

    state: State
    reason: str

    @property
    def yes(self) -> bool:
        return self.state == "yes"


def cpu_has(cpu: CpuDescription, flag: str) -> Answer:
    """Whether the CPU has the feature behind a flag."""
    if cpu.os_flags is None and cpu.cpuid_flags is None:
        return Answer("unknown", "Neither the CPU nor the operating system could be asked.")
    if cpu.cpuid_flags is not None and flag in cpu.cpuid_flags:
        return Answer("yes", "The CPU reports it.")
    if flag in cpu.flags:
        return Answer("yes", "The operating system reports it.")
    if cpu.virtual:
        return Answer("no", "Not in this virtual CPU.")
    return Answer("no", "Not in this CPU.")


def os_allows(cpu: CpuDescription, flag: str) -> Answer:
    """Whether programs may use the feature behind a flag.

    Vector features need registers that the system must save when it switches programs; it consents by enabling them
    (XCR0). Linux then lists `avx` or `avx512f`, and drops them from its list if the registers stay off. So the two
    stand for all features of their width, also for those a kernel is too old to know by name.
    """
    has = cpu_has(cpu, flag)
    if has.state == "unknown":
        return has
    if not has.yes:
        return Answer("no", "There is nothing to allow.")
    if flag.startswith("amx"):
        return _amx(cpu)
    if cpu.os_flags is None:
        return Answer("unknown", f"{cpu.system} was not asked.")
    return _registers(cpu.os_flags, flag)


def _registers(os_flags: frozenset[str], flag: str) -> Answer:
    if not flag.startswith(("avx", "fma", "f16c")):
        return Answer("yes", "The operating system offers it to programs.")
    needed, bits = ("avx512f", 512) if flag.startswith("avx512") else ("avx", 256)
    if needed in os_flags:
        return Answer("yes", f"The operating system has switched on the {bits}-bit registers.")
    return Answer(
        "no", f"The operating system or the hypervisor keeps the {bits}-bit registers of this CPU switched off."
    )


def _amx(cpu: CpuDescription) -> Answer:
    if cpu.amx is None:
        return Answer("unknown", f"{cpu.system} can't be asked about AMX.")
    return Answer("yes" if cpu.amx.granted else "no", explain(cpu.amx))


def usable(cpu: CpuDescription, *flags: str) -> bool:
    """Whether the CPU has all of them and the operating system is not known to forbid any."""
    return all(cpu_has(cpu, f).yes and os_allows(cpu, f).state != "no" for f in flags)
