"""What one can ask for when a model is quantized."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from q8chat.core.errors import QuantizeError
from q8chat.quantize.ftypes import tensor_type


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """As llama-quantize's options of the same names, plus ours.

    `ftype`: a name of `ftypes.FTYPES`. `tensor_types`: (regular expression, tensor type) pairs, the first that is
    found in a tensor's name counts; case-sensitive, without effect for F32, F16, BF16. `output_tensor_type`,
    `token_embedding_type`: "" leaves the choice to the mix. `imatrix_file`: how the importance matrix is called in
    the result's metadata. `zero_bad_weights`: NaN and infinite weights become 0 instead of stopping the work.
    `provenance`: further keys for the metadata (string values), after llama-quantize's.
    """

    ftype: str
    tensor_types: tuple[tuple[str, str], ...] = ()
    output_tensor_type: str = ""
    token_embedding_type: str = ""
    pure: bool = False
    leave_output_tensor: bool = False
    imatrix_file: str = ""
    zero_bad_weights: bool = False
    provenance: Mapping[str, str] = field(default_factory=dict)


class Overrides:
    """The compiled `tensor_types`. Raises QuantizeError for a bad pattern or type."""

    def __init__(self, pairs: tuple[tuple[str, str], ...]) -> None:
        self._patterns = [(_compiled(pattern), tensor_type(name)) for pattern, name in pairs]

    def of(self, tensor: str) -> str:
        """The type the user wants for this tensor, "" if none."""
        return next((name for pattern, name in self._patterns if pattern.search(tensor)), "")


def parse_override(text: str) -> tuple[str, str]:
    """`regex=type` as it is typed. Raises QuantizeError.

    The pattern becomes lower case, as llama-quantize does it: so are all tensor names it can be meant for.
    """
    pattern, sign, name = text.partition("=")
    if not sign or not pattern or not name:
        raise QuantizeError(f"{text!r} is not PATTERN=TYPE.", "Example: attn_v=q8_0")
    return pattern.lower(), tensor_type(name)


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as e:
        raise QuantizeError(f"{pattern!r} is not a regular expression: {e}.", "Example: attn_v=q8_0") from e
