"""Everything about the result before any of it is made: types, exact size, metadata, what to know beforehand."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from importlib.metadata import version

from q8chat.gguf_files.layout import Layout, layout
from q8chat.gguf_files.source import TensorSource
from q8chat.gguf_files.types import TYPES
from q8chat.quantize.ftypes import FLOATS, Ftype, ftype, is_quantized
from q8chat.quantize.imatrix import Imatrix, usable
from q8chat.quantize.options import Options
from q8chat.quantize.result_metadata import result_metadata
from q8chat.quantize.tensor_rules import Role, file_order, role
from q8chat.quantize.type_choice import PlannedTensor, TypeChoice, check, uses_imatrix


@dataclass(frozen=True, slots=True)
class Plan:
    """`tensors` in the order of the result. `fallbacks`: names of tensors whose rows did not fit the type chosen.

    `requantized`: names of tensors that are quantized already and lose precision once more. `key`: changes when the
    result's bytes would.
    """

    ftype: Ftype
    options: Options
    tensors: tuple[PlannedTensor, ...]
    layout: Layout
    imatrix: Imatrix | None
    fallbacks: tuple[str, ...]
    requantized: tuple[str, ...]
    key: str

    @property
    def size(self) -> int:
        """Exact bytes of the result."""
        return self.layout.size

    @property
    def source_bytes(self) -> int:
        """Bytes of weights that will be read."""
        return sum(t.source.n_bytes for t in self.tensors)

    @property
    def bits_per_weight(self) -> float:
        """Mean over all weights."""
        weights = sum(t.result.row_length * t.result.n_rows for t in self.tensors)
        return 8 * sum(t.result.n_bytes for t in self.tensors) / max(1, weights)

    def bytes_by_type(self) -> dict[str, int]:
        """Tensor type -> bytes in the result, largest first."""
        found: dict[str, int] = {}
        for t in self.tensors:
            name = TYPES[t.result.type_id].name
            found[name] = found.get(name, 0) + t.result.n_bytes
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know before the work begins, in whole sentences."""
        return tuple(text for text in (self._lossy(), self._other_types(), self._unweighted()) if text)

    def _lossy(self) -> str:
        if not self.requantized:
            return ""
        lossy = set(self.requantized)
        types = sorted({TYPES[t.source.type_id].name for t in self.tensors if t.source.name in lossy})
        known = f"{len(lossy)} tensors are quantized already ({', '.join(types)})."
        if self.ftype.base in FLOATS:
            return f"{known} The result is larger, but no better than this file."
        return (
            f"{known} Quantizing them again adds a second rounding: the result is worse than one made from the "
            "original weights."
        )

    def _other_types(self) -> str:
        if not self.fallbacks:
            return ""
        return (
            f"{len(self.fallbacks)} of {len(self.tensors)} tensors get another type, because their rows are no "
            "multiple of its block."
        )

    def _unweighted(self) -> str:
        if self.imatrix is None:
            return ""
        left = [t.source.name for t in self.tensors if uses_imatrix(t) and not t.weighted]
        left = [n for n in left if role(n) not in (Role.EMBEDDING, Role.OUTPUT)]
        return f"The importance matrix has nothing for {len(left)} tensors, e.g. {left[0]}." if left else ""


def make_plan(source: TensorSource, options: Options, imatrix: Imatrix | None = None) -> Plan:
    """Decide everything. Raises QuantizeError when the model can't be quantized as asked; nothing is written."""
    wanted = ftype(options.ftype)
    imatrix = usable(imatrix)
    order = sorted(range(len(source.tensors)), key=lambda n: file_order(source.tensors[n].name))
    chosen = TypeChoice(wanted, options, source, imatrix)
    tensors = tuple(chosen.planned(n) for n in order)
    check(tensors, wanted, imatrix)
    metadata = result_metadata(source, wanted, options, imatrix)
    made = layout(metadata, [t.result for t in tensors])
    lossy = tuple(t.source.name for t in tensors if t.changes and is_quantized(TYPES[t.source.type_id].name))
    return Plan(
        wanted, options, tensors, made, imatrix, tuple(chosen.fallbacks), lossy, _key(source, options, imatrix)
    )


def _key(source: TensorSource, options: Options, imatrix: Imatrix | None) -> str:
    """Everything the bytes depend on that the layout does not show."""
    library = version("llama-cpp-python")  # another one might quantize otherwise
    known = hashlib.sha256(json.dumps([library, source.identity, asdict(options)], sort_keys=True).encode())
    for name, values in sorted(imatrix.entries.items()) if imatrix else ():
        known.update(name.encode("utf-8", "surrogateescape"))
        known.update(values.tobytes())
    return known.hexdigest()
