"""What the CPU is: name, vendor, microarchitecture, feature flags. Flags carry Linux's names everywhere."""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from typing import Any

from q8chat.hardware.amx import AmxConsent, ask_for_amx

# Flags that change what a program can compute. Hypervisors tend to hide the others (pku, flush_l1d, clwb...).
_COMPUTE = re.compile(r"avx|amx|s?sse|fma|f16c|bmi|gfni|vaes|vpcl|sha|aes|pcl|popcnt|movbe|abm|sve|asimd|i8mm|bf16")

_ARCHITECTURES = {"amd64": "x86_64", "x86_64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64"}
_VENDORS = {"GenuineIntel": "Intel", "AuthenticAMD": "AMD", "ARM": "Arm"}


@dataclass(frozen=True, slots=True)
class CpuDescription:
    """A CPU as far as programs can tell, read from the live machine or from a recorded description.

    `os_flags`: what the operating system says programs may use; None where it does not say (Windows).
    `cpuid_flags`: what the CPUID instruction reports; None where it can't be executed (Arm, strict sandboxes).
    """

    system: str  # as platform.system(): Linux, Darwin, Windows
    architecture: str  # x86_64, aarch64, or platform.machine() as it is
    vendor: str  # GenuineIntel, AuthenticAMD, ARM, Apple...
    brand: str = ""  # the maker's own product name; Arm servers have none
    os_flags: frozenset[str] | None = None
    cpuid_flags: frozenset[str] | None = None
    amx: AmxConsent | None = None
    part: str = ""  # Arm part number: 0xd0c
    model: str = ""  # archspec's name where the system tells the model and not the flags (Apple)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> CpuDescription:
        """From a recorded description: flags as one string each, `amx_error` as the kernel's errno."""
        fields = dict(data)
        for key in ("os_flags", "cpuid_flags"):
            fields[key] = frozenset(fields[key].split()) if fields.get(key) is not None else None
        error = fields.pop("amx_error", None)
        return cls(**fields, amx=None if error is None else AmxConsent(error))

    @property
    def flags(self) -> frozenset[str]:
        """Everything the CPU has, allowed or not."""
        return (self.cpuid_flags or frozenset()) | (self.os_flags or frozenset())

    @property
    def virtual(self) -> bool:
        """Whether this is known to be a virtual machine (Arm guests do not say)."""
        return "hypervisor" in self.flags

    @property
    def name(self) -> str:
        """The product name as a person writes it, or vendor and microarchitecture where there is none."""
        plain = " ".join(re.sub(r"\((R|TM)\)|\bCPU\b|@.*", " ", self.brand, flags=re.IGNORECASE).split())
        return plain or f"{_VENDORS.get(self.vendor, self.vendor)} {identify(self).label}"

    @property
    def vendor_name(self) -> str:
        return _VENDORS.get(self.vendor, self.vendor)


@dataclass(frozen=True, slots=True)
class Microarchitecture:
    """`name`: archspec's. `looks_like`: the nearest real CPU where `name` is only a level such as x86_64_v4."""

    name: str
    looks_like: str = ""

    @property
    def label(self) -> str:
        """For people: Zen 4, Sapphire Rapids, x86-64-v4."""
        return label_of(self.looks_like or self.name)

    def describe(self, *, virtual: bool) -> str:
        """The label and what is missing: "Zen 4, some features hidden by the virtual machine"."""
        if not self.looks_like:
            return self.label
        why = ", some features hidden by the virtual machine" if virtual else " without some of its features"
        return self.label + why


def label_of(name: str) -> str:
    """archspec's name of a microarchitecture as its maker writes it."""
    words = {"skylake_avx512": "Skylake (server)", "mic_knl": "Knights Landing", "core2": "Core 2", "k10": "K10"}
    words |= {"x86_64": "x86-64", "aarch64": "64-bit Arm", "icelake": "Ice Lake", "arrowlake_s": "Arrow Lake S"}
    words |= {"sandybridge": "Sandy Bridge", "ivybridge": "Ivy Bridge", "sapphirerapids": "Sapphire Rapids"}
    words |= {f"{w.lower()}lake": f"{w} Lake" for w in ("Cascade", "Cannon", "Alder", "Arrow")}
    if name in words:
        return words[name]
    if name.startswith("x86_64_v"):
        return f"x86-64-v{name[8:]}"
    if re.fullmatch(r"m\d+", name):
        return name.upper()
    spaced = re.sub(r"(?<=zen)(?=\d)", " ", name).replace("_", " ")
    return " ".join(w.upper() if re.fullmatch(r"[a-z]\d\w*", w) else w.capitalize() for w in spaced.split())


def read_cpu() -> CpuDescription:
    """Describe the CPU of this machine; on Linux x86-64 this asks the kernel for permission to use AMX."""
    from archspec.cpu import TARGETS, brand_string
    from archspec.cpu.detect import detected_info

    system = platform.system()
    architecture = _ARCHITECTURES.get(platform.machine().lower(), platform.machine())
    info = detected_info()
    os_flags = frozenset(info.features) or None
    cpuid_flags, brand = None, ""
    if system == "Darwin":
        brand = brand_string() or ""
        if info.name in TARGETS:  # Apple's own CPUs: the system names the model, archspec knows its features
            os_flags = frozenset(TARGETS[info.name].features)
    elif architecture == "x86_64":
        cpuid_flags, brand = _ask_cpuid()
    if system == "Windows":
        os_flags = None  # archspec's answer came from CPUID, not from the system
    return CpuDescription(
        system=system,
        architecture=architecture,
        vendor=str(info.vendor),
        brand=brand.strip(),
        os_flags=os_flags,
        cpuid_flags=cpuid_flags,
        amx=ask_for_amx(),
        part=str(info.cpu_part),
        model=str(info.name) if system == "Darwin" else "",
    )


def _ask_cpuid() -> tuple[frozenset[str] | None, str]:
    """Flags and brand string from the CPUID instruction; (None, "") if executable memory is refused."""
    from archspec.cpu.detect import CpuidInfoCollector

    try:
        collector = CpuidInfoCollector()
    except OSError:
        return None, ""
    return frozenset(collector.features), str(collector.brand_string() or "")


def identify(cpu: CpuDescription) -> Microarchitecture:
    """The newest microarchitecture known to archspec of which this CPU has everything.

    archspec.cpu.host() decides the same for the live machine only; this works for recorded ones too.
    """
    from archspec.cpu import TARGETS

    if cpu.architecture not in TARGETS:
        return Microarchitecture(cpu.architecture)
    if cpu.model in TARGETS:
        return Microarchitecture(cpu.model)
    flags = cpu.flags | ({"sse3"} if "pni" in cpu.flags else set())
    related = [t for t in TARGETS.values() if t.family.name == cpu.architecture]
    if cpu.architecture == "aarch64":  # nothing tells v8.1 from v8.2 but the model itself
        related = [t for t in related if t.vendor != "generic" or t.name == cpu.architecture]
    level = _newest([t for t in related if t.vendor == "generic" and t.features <= flags])
    ours = [t for t in related if t.vendor == cpu.vendor and level in t.ancestors]
    fitting = [t for t in ours if t.features <= flags]
    fitting = [t for t in fitting if cpu.part and t.cpu_part == cpu.part] or fitting
    if fitting:
        return Microarchitecture(str(_newest(fitting).name))
    similar = [t for t in ours if {f for f in t.features if _COMPUTE.match(f)} <= flags]
    return Microarchitecture(str(level.name), str(_newest(similar).name) if similar else "")


def _newest(targets: list[Any]) -> Any:
    return max(targets, key=lambda t: (len(t.ancestors), len(t.features)))
