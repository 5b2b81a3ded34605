"""What the loaded llama.cpp was compiled for, against what this CPU can do.

llama.cpp has no checks at run time: a build made for a bigger CPU dies here of an illegal instruction, a build made
for a smaller one is slow. `llama_print_system_info()` tells what was compiled (ggml-cpu.cpp,
ggml_backend_cpu_get_features), never what the CPU has.
"""

from __future__ import annotations

from types import MappingProxyType

from q8chat.hardware.consent import usable
from q8chat.hardware.cpu import CpuDescription

# llama.cpp's name of a feature -> the flags a CPU needs for code compiled with it.
_NEEDS_X86 = MappingProxyType(
    {
        "SSSE3": ("ssse3",),
        "AVX": ("avx",),
        "AVX2": ("avx2",),
        "F16C": ("f16c",),
        "FMA": ("fma",),
        "BMI2": ("bmi2",),
        "AVX_VNNI": ("avx_vnni",),
        "AVX512": ("avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"),
        "AVX512_VBMI": ("avx512vbmi",),
        "AVX512_VNNI": ("avx512_vnni",),
        "AVX512_BF16": ("avx512_bf16",),
        "AMX_INT8": ("amx_tile", "amx_int8"),
    }
)
_NEEDS_ARM = MappingProxyType(
    {
        "NEON": ("asimd",),
        "FP16_VA": ("asimdhp",),
        "DOTPROD": ("asimddp",),
        "MATMUL_INT8": ("i8mm",),
        "SVE": ("sve",),
        "SME": ("sme",),
    }
)
# Compiled names without kernels of their own: their absence costs nothing.
_NO_KERNELS = frozenset({"AVX512_VBMI", "SME"})


def parse_system_info(text: str) -> dict[str, bool]:
    """llama.cpp's system info, "CPU : AVX2 = 1 | AVX512 = 1 | ", as {"AVX2": True, "AVX512": True}.

    Only the CPU's section counts. A feature that was not compiled is usually absent, sometimes 0.
    """
    compiled: dict[str, bool] = {}
    section = "CPU"
    for item in text.split("|"):
        names, equals, value = item.partition("=")
        *backend, name = (part.strip() for part in names.split(":"))
        section = backend[-1] if backend else section
        if equals and name and section.startswith("CPU"):
            compiled[name] = value.strip() not in ("", "0")
    return compiled


def _needs(cpu: CpuDescription) -> MappingProxyType[str, tuple[str, ...]]:
    tables = {"x86_64": _NEEDS_X86, "aarch64": _NEEDS_ARM}
    nothing_known = cpu.os_flags is None and cpu.cpuid_flags is None
    return MappingProxyType({}) if nothing_known else tables.get(cpu.architecture, MappingProxyType({}))


def unsafe_features(cpu: CpuDescription, compiled: dict[str, bool]) -> tuple[str, ...]:
    """What this llama.cpp was compiled for but can't be used here: it may die of an illegal instruction.

    AMX is no danger on Linux: there llama.cpp asks the kernel itself and does without if refused.
    """
    asks_first = {"AMX_INT8"} if cpu.system == "Linux" else set()
    needs = {n: flags for n, flags in _needs(cpu).items() if compiled.get(n) and n not in asks_first}
    return tuple(n for n, flags in needs.items() if not usable(cpu, *flags))


def missing_features(cpu: CpuDescription, compiled: dict[str, bool]) -> tuple[str, ...]:
    """What this CPU could use and llama.cpp has kernels for, but this build lacks: a rebuild here is faster."""
    lacking = [n for n in _needs(cpu) if not compiled.get(n) and n not in _NO_KERNELS]
    if usable(cpu, "avx512_vnni", "avx512vl") or usable(cpu, "amx_int8"):
        lacking = [n for n in lacking if n != "AVX_VNNI"]  # the same instruction, a register size smaller
    return tuple(n for n in lacking if usable(cpu, *_needs(cpu)[n]))
