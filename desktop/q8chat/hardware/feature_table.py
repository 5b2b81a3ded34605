"""The table of instruction sets: has it / the operating system allows it / the loaded llama.cpp kernels use it."""

from __future__ import annotations

from dataclasses import dataclass

from q8chat.hardware.consent import Answer, cpu_has, os_allows
from q8chat.hardware.cpu import CpuDescription
from q8chat.hardware.features import unsafe_features


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """One line of the table. `kernel`: llama.cpp's name, "" if it has no kernels for the feature."""

    key: str
    name: str
    kernel: str
    has: Answer
    allowed: Answer
    used: Answer
    unsafe: bool  # the build was compiled for it although it can't be used here

    @property
    def summary(self) -> str:
        """The one reason that matters most: the first thing in the way, or how it is used."""
        if self.unsafe:
            return self.used.reason
        return next((a.reason for a in (self.has, self.allowed) if not a.yes), self.used.reason)


# key, name, flag, llama.cpp's name, what the kernels do with it
_ROWS_X86 = (
    ("avx2", "AVX2", "avx2", "AVX2", "Used for all models."),
    ("avx512f", "AVX-512 F", "avx512f", "AVX512", "Used for all models."),
    ("avx512_vnni", "AVX-512 VNNI", "avx512_vnni", "AVX512_VNNI", "Used for 8-bit and 4-bit models."),
    ("avx512_bf16", "AVX-512 BF16", "avx512_bf16", "AVX512_BF16", "Used for BF16 models; others don't need it."),
    ("avx_vnni", "AVX-VNNI", "avx_vnni", "AVX_VNNI", "Used for 8-bit and 4-bit models."),
    ("amx_tile", "AMX-TILE", "amx_tile", "AMX_INT8", "Used by the AMX-INT8 kernels."),
    ("amx_int8", "AMX-INT8", "amx_int8", "AMX_INT8", "Used for Q4_0, Q4_1, Q8_0, Q4_K, Q5_K, Q6_K and IQ4_XS."),
    ("amx_bf16", "AMX-BF16", "amx_bf16", "", ""),
)
_ROWS_ARM = (
    ("neon", "NEON", "asimd", "NEON", "Used for all models."),
    ("dotprod", "DOTPROD", "asimddp", "DOTPROD", "Used for 8-bit and 4-bit models."),
    ("i8mm", "I8MM", "i8mm", "MATMUL_INT8", "Used for 8-bit and 4-bit models."),
    ("sve", "SVE", "sve", "SVE", "Used for all models."),
)


def feature_rows(cpu: CpuDescription, compiled: dict[str, bool]) -> tuple[FeatureRow, ...]:
    """The table for this kind of CPU. `compiled` is empty if llama.cpp could not be asked."""
    rows = {"x86_64": _ROWS_X86, "aarch64": _ROWS_ARM}.get(cpu.architecture, ())
    unsafe = unsafe_features(cpu, compiled)
    return tuple(
        FeatureRow(
            key=key,
            name=name,
            kernel=kernel,
            has=cpu_has(cpu, flag),
            allowed=os_allows(cpu, flag),
            used=_used(cpu, flag, kernel, compiled, how),
            unsafe=kernel in unsafe,
        )
        for key, name, flag, kernel, how in rows
    )


def _used(cpu: CpuDescription, flag: str, kernel: str, compiled: dict[str, bool], how: str) -> Answer:
    has, allowed = cpu_has(cpu, flag), os_allows(cpu, flag)
    if kernel in unsafe_features(cpu, compiled):
        return Answer("no", "This build was compiled for it and can crash here: rebuild llama.cpp on this machine.")
    if "no" in (has.state, allowed.state):
        return Answer("no", "Can't be used here, and llama.cpp does without.")
    if not compiled:
        return Answer("unknown", "llama.cpp is not loaded, so its kernels can't be asked.")
    if not (has.yes and allowed.yes) and compiled.get(kernel):
        return Answer("unknown", "In this build; whether it can run here is not known.")
    return _built(kernel, compiled, how)


def _built(kernel: str, compiled: dict[str, bool], how: str) -> Answer:
    """For a feature that can be used here: what this build makes of it."""
    if not kernel:
        return Answer("no", "llama.cpp has no kernels for it.")
    if kernel == "AVX_VNNI" and compiled.get("AVX512_VNNI"):
        return Answer("no", "The AVX-512 VNNI kernels do the same work with more registers.")
    if kernel == "AMX_INT8" and compiled.get(kernel) and not compiled.get("AVX512_VNNI"):
        return Answer("no", "llama.cpp's AMX kernels need a build with AVX-512 VNNI.")
    if compiled.get(kernel):
        return Answer("yes", how)
    return Answer("no", "Not in this build: rebuild llama.cpp on this machine.")
