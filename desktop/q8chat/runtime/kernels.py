"""What this CPU does with each tensor type, and for how much of a model.

Sources: ggml-cpu's buffer types (amx/amx.cpp, repack.cpp: where weights are copied into the order a kernel wants)
and its dot products (arch/x86/quants.c, vec.cpp). Named is what reads the weights while an answer is written; a
prompt goes through tiles of the same or wider instructions. llama.cpp decides by what it was compiled for; here
only counts what is compiled in and also usable on this CPU.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from q8chat.gguf_files.header import Header, Tensor
from q8chat.gguf_files.types import TYPES
from q8chat.hardware.consent import usable
from q8chat.hardware.cpu import CpuDescription, read_cpu
from q8chat.hardware.features import parse_system_info, unsafe_features
from q8chat.runtime import native
from q8chat.runtime.kernels_tensors import multiplied, sides

AMX, PLAIN = "AMX", "plain"
_AMX_BLOCKS = {"Q4_0": 32, "Q4_1": 32, "Q8_0": 32, "Q4_K": 256, "Q5_K": 256, "Q6_K": 256, "IQ4_XS": 256}
AMX_BUFFER = {**_AMX_BLOCKS, "F16": 16}  # F16 goes there too, unpacked, and is multiplied with AVX-512
AMX_ROWS = 32  # the number of rows must be a multiple of it
_VNNI_TYPES = frozenset({"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"})
_GENERIC_X86 = frozenset({"Q2_0", "I8", "I16", "I32", "I64", "F64"})
_FLOATS = frozenset({"F32", "F16", "BF16"})
# A compiled feature -> types that are then repacked, and of what the number of their rows must be a multiple.
_REPACKED_X86 = {"AVX2": {"Q4_0": 8, "Q4_K": 8, "IQ4_NL": 8, "MXFP4": 8}, "AVX512": {"Q2_K": 8}}
_REPACKED_ARM = {
    "MATMUL_INT8": {"Q4_0": 4, "Q4_K": 8, "Q5_K": 8, "Q6_K": 8, "Q8_0": 4, "Q1_0": 4},
    "DOTPROD": {"Q4_0": 4, "Q4_K": 8, "Q5_K": 8, "Q6_K": 8, "Q8_0": 4, "Q1_0": 4, "IQ4_NL": 4, "MXFP4": 4},
}


@dataclass(frozen=True, slots=True)
class Kernels:
    """llama.cpp's names (AVX2, AVX512, AMX_INT8, REPACK...) of what is compiled in and usable here."""

    features: frozenset[str]

    @property
    def amx(self) -> bool:
        """Whether there are AMX kernels: they come with AVX-512 VNNI only."""
        return {"AMX_INT8", "AVX512_VNNI"} <= self.features

    def repack_rows(self, type_name: str) -> int:
        """Of what the rows must be a multiple for weights of this type to be repacked; 0: they never are."""
        if "REPACK" not in self.features:
            return 0
        tables = _REPACKED_ARM if "NEON" in self.features else _REPACKED_X86
        return next((t[type_name] for f, t in tables.items() if f in self.features and type_name in t), 0)


@dataclass(frozen=True, slots=True)
class KernelShare:
    """Weights that one kernel multiplies: their types, bytes, and share of all multiplied bytes (0..1)."""

    kernel: str
    types: tuple[str, ...]
    n_bytes: int
    share: float


def kernels_of(cpu: CpuDescription, compiled: dict[str, bool]) -> Kernels:
    """What a build with these features uses on that CPU."""
    features = {name for name, on in compiled.items() if on} - set(unsafe_features(cpu, compiled))
    if not usable(cpu, "amx_tile", "amx_int8"):
        features.discard("AMX_INT8")  # llama.cpp asks the system for it and does without
    return Kernels(frozenset(features))


@cache
def this_machine() -> Kernels:
    """What the loaded llama.cpp uses on this CPU. Loads the library: not for the window's process."""
    return kernels_of(read_cpu(), parse_system_info(native.system_info()))


def kernel_for(type_name: str, machine: Kernels) -> str:
    """What multiplies weights of a type when their shape allows the best: "AMX", "AVX2 repacked", "plain"..."""
    if machine.amx and type_name in _AMX_BLOCKS:
        return AMX
    if machine.repack_rows(type_name):
        return f"{_vectors(machine)} repacked"
    return _dot_product(type_name, machine)


def kernel_of(tensor: Tensor, machine: Kernels) -> str:
    """As `kernel_for`, but for a tensor: its shape may rule the best kernel out."""
    name = TYPES[tensor.type_id].name if tensor.type_id in TYPES else ""
    where = placement(tensor, machine)
    if where == AMX and name in _AMX_BLOCKS:
        return AMX
    return f"{_vectors(machine)} repacked" if where == "repacked" else _dot_product(name, machine)


def placement(tensor: Tensor, machine: Kernels) -> str:
    """Where a multiplied tensor is kept: "AMX", "repacked" (a copy in another order) or "" (as in the file)."""
    name = TYPES[tensor.type_id].name if tensor.type_id in TYPES else ""
    shape = sides(tensor)
    suits_amx = len(shape) == 2 and shape[1] % AMX_ROWS == 0 and shape[0] % AMX_BUFFER.get(name, shape[0] + 1) == 0
    if machine.amx and suits_amx:
        return AMX
    rows = machine.repack_rows(name)
    repackable = len(shape) == 2 or "_exps" in tensor.name  # of three sides only those of experts
    return "repacked" if rows and repackable and shape[1] % rows == 0 else ""


def _dot_product(type_name: str, machine: Kernels) -> str:
    features, vectors = machine.features, _vectors(machine)
    if type_name in _FLOATS:
        return "AVX-512 BF16" if type_name == "BF16" and "AVX512_BF16" in features else vectors
    if type_name in _GENERIC_X86 or not type_name or vectors == PLAIN:
        return PLAIN
    if type_name in _VNNI_TYPES and "AVX512_VNNI" in features:
        return "AVX-512 VNNI"
    if type_name in _VNNI_TYPES and "AVX_VNNI" in features:
        return "AVX-VNNI"
    return "AVX2" if vectors == "AVX-512" else vectors  # written for AVX2; wider registers change nothing


def _vectors(machine: Kernels) -> str:
    names = (("AVX512", "AVX-512"), ("AVX2", "AVX2"), ("AVX", "AVX"), ("NEON", "NEON"))
    return next((name for feature, name in names if feature in machine.features), PLAIN)


def kernel_report(header: Header | Sequence[Header], machine: Kernels) -> tuple[KernelShare, ...]:
    """Which kernels multiply a model's weights, the largest share first; tables of embeddings are left out."""
    n_bytes: dict[str, int] = defaultdict(int)
    types: dict[str, set[str]] = defaultdict(set)
    for tensor in multiplied([header] if isinstance(header, Header) else header):
        kernel = kernel_of(tensor, machine)
        n_bytes[kernel] += tensor.n_bytes
        types[kernel].add(TYPES[tensor.type_id].name if tensor.type_id in TYPES else f"type {tensor.type_id}")
    total = sum(n_bytes.values()) or 1
    rows = (KernelShare(k, tuple(sorted(types[k])), n, n / total) for k, n in n_bytes.items())
    return tuple(sorted(rows, key=lambda row: -row.n_bytes))


def summary(shares: Sequence[KernelShare]) -> str:
    """One line: "AVX-512 repacked 87 % (Q4_K), AVX2 13 % (Q6_K)"."""
    shown = [f"{s.kernel} {100 * s.share:.0f} % ({', '.join(s.types)})" for s in shares if s.share >= 0.005]
    return ", ".join(shown) or "nothing to multiply"
