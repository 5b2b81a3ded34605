"""Everything about this machine that matters for running models, for the "This machine" page and `q8chat cpu`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from q8chat.hardware.cpu import CpuDescription, Microarchitecture, identify, read_cpu
from q8chat.hardware.feature_table import FeatureRow, feature_rows
from q8chat.hardware.features import missing_features, parse_system_info, unsafe_features
from q8chat.hardware.memory import Memory, read_memory
from q8chat.hardware.threads import ThreadAdvice, advise_threads
from q8chat.hardware.topology import Topology, read_topology


@dataclass(frozen=True, slots=True)
class MachineReport:
    """`compiled`: what llama.cpp says it was built for. `unsafe`, `missing`: its names, see features.py."""

    cpu: CpuDescription
    microarchitecture: Microarchitecture
    topology: Topology
    memory: Memory
    threads: ThreadAdvice
    features: tuple[FeatureRow, ...]
    compiled: dict[str, bool]
    unsafe: tuple[str, ...]
    missing: tuple[str, ...]
    advice: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON. Sizes in bytes, sets as sorted lists."""
        topology = self.topology
        return {
            "cpu": {
                "name": self.cpu.name,
                "vendor": self.cpu.vendor,
                "architecture": self.cpu.architecture,
                "microarchitecture": self.microarchitecture.name,
                "label": self.microarchitecture.describe(virtual=self.cpu.virtual),
                "looks_like": self.microarchitecture.looks_like,
                "virtual_machine": self.cpu.virtual,
                "flags": sorted(self.cpu.flags),
                "amx_permission": asdict(self.cpu.amx) if self.cpu.amx else None,
            },
            "cores": {
                "physical": len(topology.cores),
                "performance": len(topology.of_kind("performance")),
                "efficiency": len(topology.of_kind("efficiency")),
                "logical": len(topology.cpus),
                "threads_per_core": topology.threads_per_core,
                "packages": topology.packages,
                "numa_nodes": topology.numa_nodes,
                "allowed_cpus": sorted(topology.allowed),
                "cpu_quota": topology.quota,
            },
            "caches": [{"name": c.name, **asdict(c)} for c in topology.caches],
            "memory": asdict(self.memory),
            "threads": asdict(self.threads),
            "features": [{**asdict(row), "summary": row.summary} for row in self.features],
            "llama_cpp": {"compiled": self.compiled, "unsafe": list(self.unsafe), "missing": list(self.missing)},
            "advice": list(self.advice),
        }

    def to_text(self) -> str:
        """For a terminal: plain text of at most 100 columns, ending without a newline."""
        from q8chat.hardware.report_text import render

        return render(self)


def machine_report(system_info: str = "") -> MachineReport:
    """Look at this machine. `system_info`: what llama_print_system_info() returned, "" if it was not asked."""
    return make_report(read_cpu(), read_topology(), read_memory(), system_info)


def make_report(cpu: CpuDescription, topology: Topology, memory: Memory, system_info: str) -> MachineReport:
    """The report on a machine that has been described, live or recorded."""
    compiled = parse_system_info(system_info)
    features = feature_rows(cpu, compiled)
    unsafe = unsafe_features(cpu, compiled)
    missing = missing_features(cpu, compiled) if compiled else ()
    return MachineReport(
        cpu=cpu,
        microarchitecture=identify(cpu),
        topology=topology,
        memory=memory,
        threads=advise_threads(topology),
        features=features,
        compiled=compiled,
        unsafe=unsafe,
        missing=missing,
        advice=tuple(_build_advice(features, unsafe, missing) + _machine_advice(cpu, features, topology, memory)),
    )


def _build_advice(features: tuple[FeatureRow, ...], unsafe: tuple[str, ...], missing: tuple[str, ...]) -> list[str]:
    names = {row.kernel: row.name for row in reversed(features)}
    names |= {"AMX_INT8": "AMX-INT8", "AVX512_VBMI": "AVX-512 VBMI", "FP16_VA": "FP16"}
    advice = []
    if unsafe:
        listed = ", ".join(names.get(n, n) for n in unsafe)
        advice.append(
            f"This build of llama.cpp was made for a CPU with {listed}, which can't be used here: it may crash. "
            "Rebuild llama.cpp on this machine."
        )
    if missing:
        listed = ", ".join(names.get(n, n) for n in missing)
        advice.append(
            f"This build of llama.cpp does not use {listed} although this CPU could: "
            "rebuild llama.cpp on this machine to make it faster."
        )
    return advice


def _machine_advice(
    cpu: CpuDescription, features: tuple[FeatureRow, ...], topology: Topology, memory: Memory
) -> list[str]:
    rows = {row.key: row for row in features}
    advice = [
        f"This CPU has {rows[key].name}, but it can't be used. {rows[key].allowed.reason}"
        for key in ("avx2", "avx512f", "amx_int8")
        if key in rows and rows[key].has.yes and rows[key].allowed.state == "no"
    ]
    if "avx2" in rows and rows["avx2"].has.state == "no":
        advice.append("This CPU has no AVX2, so answers come slowly: prefer models below one billion parameters.")
    if topology.allowed < topology.cpus:
        advice.append(f"This process may use only {len(topology.allowed)} of {len(topology.cpus)} CPUs.")
    if memory.limit is not None:
        advice.append("A container limit lets this process use only part of the memory.")
    return advice
