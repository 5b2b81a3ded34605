"""The quantizations one can ask for, in llama.cpp's names and numbers.

Source: `llama.h` (llama_ftype) and the table of llama-quantize, llama.cpp inside llama-cpp-python 0.3.36.
"""

from __future__ import annotations

from typing import NamedTuple

from q8chat.core.errors import QuantizeError
from q8chat.gguf_files.types import TYPES


class Ftype(NamedTuple):
    """`number` is what `general.file_type` says; `base` the tensor type most weights get; `about`: for people."""

    name: str
    number: int
    base: str
    about: str


COPY = "COPY"

FTYPES = (
    Ftype("F32", 0, "F32", "full precision"),
    Ftype("F16", 1, "F16", "half precision"),
    Ftype("BF16", 32, "BF16", "half precision with the range of full"),
    Ftype("Q8_0", 7, "Q8_0", "8 bits, practically lossless"),
    Ftype("Q6_K", 18, "Q6_K", "6 bits, very close to the original"),
    Ftype("Q5_K_M", 17, "Q5_K", "5 bits with sensitive tensors at 6"),
    Ftype("Q5_K_S", 16, "Q5_K", "5 bits"),
    Ftype("Q5_1", 9, "Q5_1", "5 bits with offsets, older format"),
    Ftype("Q5_0", 8, "Q5_0", "5 bits, older format"),
    Ftype("Q4_K_M", 15, "Q4_K", "4 bits with sensitive tensors at 6: the usual choice"),
    Ftype("Q4_K_S", 14, "Q4_K", "4 bits"),
    Ftype("Q4_1", 3, "Q4_1", "4 bits with offsets, older format"),
    Ftype("Q4_0", 2, "Q4_0", "4 bits, older format with the fastest kernels"),
    Ftype("IQ4_NL", 25, "IQ4_NL", "4.5 bits, not evenly spaced"),
    Ftype("IQ4_XS", 30, "IQ4_XS", "4.25 bits, not evenly spaced"),
    Ftype("MXFP4_MOE", 38, "MXFP4", "experts at 4 bits, everything else at 8"),
    Ftype("Q3_K_L", 13, "Q3_K", "3 bits with sensitive tensors at 5"),
    Ftype("Q3_K_M", 12, "Q3_K", "3 bits with sensitive tensors at 4 and 5"),
    Ftype("Q3_K_S", 11, "Q3_K", "3 bits"),
    Ftype("IQ3_M", 27, "IQ3_S", "3.7 bits"),
    Ftype("IQ3_S", 26, "IQ3_S", "3.4 bits"),
    Ftype("IQ3_XS", 22, "IQ3_S", "3.3 bits"),
    Ftype("IQ3_XXS", 23, "IQ3_XXS", "3.1 bits"),
    Ftype("Q2_K", 10, "Q2_K", "2 bits with sensitive tensors at 3 and 4"),
    Ftype("Q2_K_S", 21, "Q2_K", "2 bits"),
    Ftype("IQ2_M", 29, "IQ2_S", "2.7 bits"),
    Ftype("IQ2_S", 28, "IQ2_XS", "2.5 bits"),
    Ftype("IQ2_XS", 20, "IQ2_XS", "2.3 bits"),
    Ftype("IQ2_XXS", 19, "IQ2_XXS", "2.1 bits"),
    Ftype("Q2_0", 41, "Q2_0", "2.25 bits in groups of 64"),
    Ftype("TQ2_0", 37, "TQ2_0", "for models trained with ternary weights, 2.1 bits"),
    Ftype("TQ1_0", 36, "TQ1_0", "for models trained with ternary weights, 1.7 bits"),
    Ftype("IQ1_M", 31, "IQ1_M", "1.75 bits"),
    Ftype("IQ1_S", 24, "IQ1_S", "1.6 bits"),
    Ftype("Q1_0", 40, "Q1_0", "1.125 bits"),
    Ftype(COPY, 0, "F32", "tensors as they are: joins the parts of a model"),
)
ALIASES = {"Q3_K": "Q3_K_M", "Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M", "MXFP4": "MXFP4_MOE", "FP16": "F16", "FP32": "F32"}
_BY_NAME = {f.name: f for f in FTYPES}

TYPE_IDS = {kind.name: number for number, kind in TYPES.items()}
FLOATS = frozenset({"F32", "F16", "BF16"})
# What ggml can produce; Q8_1 and Q8_K are for activations only.
TARGETS = FLOATS | {
    *("Q1_0", "Q2_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "MXFP4", "NVFP4"),
    *("Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "TQ1_0", "TQ2_0"),
    *("IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ4_NL", "IQ4_XS"),
}

# Blocks of activations, which ggml never turns back into floats.
UNREADABLE = frozenset({"Q8_1"})


def ftype(name: str) -> Ftype:
    """The quantization of that name, in any case of letters. Raises QuantizeError."""
    wanted = name.upper()
    found = _BY_NAME.get(ALIASES.get(wanted, wanted))
    if found is None:
        raise QuantizeError(
            f"There is no quantization {name!r}.", f"There are: {', '.join(f.name for f in FTYPES)}."
        )
    return found


def tensor_type(name: str) -> str:
    """The tensor type of that name, in any case of letters, if ggml can quantize to it. Raises QuantizeError."""
    if name.upper() not in TARGETS:
        raise QuantizeError(f"There is no tensor type {name!r}.", f"There are: {', '.join(sorted(TARGETS))}.")
    return name.upper()


def is_quantized(type_name: str) -> bool:
    """Whether values of this type were rounded to a grid of blocks."""
    return TYPES[TYPE_IDS[type_name]].block > 1
