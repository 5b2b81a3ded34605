"""The type of every tensor of the result: what the user says, else the mix, else what fits the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from q8chat.core.errors import QuantizeError
from q8chat.gguf_files.source import TensorSource, TensorSpec
from q8chat.gguf_files.types import TYPES
from q8chat.quantize.ftypes import COPY, FLOATS, TYPE_IDS, UNREADABLE, Ftype, is_quantized, tensor_type
from q8chat.quantize.imatrix import Imatrix
from q8chat.quantize.mix import Mix
from q8chat.quantize.model_facts import model_facts
from q8chat.quantize.options import Options, Overrides
from q8chat.quantize.tensor_rules import (
    ABORTS_WITHOUT_IMATRIX,
    Role,
    fitting,
    may_be_quantized,
    needs_imatrix,
    role,
)

_IMATRIX_HINT = "Choose an importance matrix for this model, or a quantization of 3 bits or more."


@dataclass(frozen=True, slots=True)
class PlannedTensor:
    """`index` is the tensor's in the source; `weighted`: the importance matrix has an entry that fits."""

    index: int
    source: TensorSpec
    result: TensorSpec
    weighted: bool = False

    @property
    def changes(self) -> bool:
        """Whether its type changes; otherwise its bytes are copied."""
        return self.source.type_id != self.result.type_id


class TypeChoice:
    """The type of each tensor; asked in the order of the result."""

    def __init__(self, wanted: Ftype, options: Options, source: TensorSource, imatrix: Imatrix | None) -> None:
        self.wanted, self.options, self.source, self.imatrix = wanted, options, source, imatrix
        roles = [role(t.name) for t in source.tensors]
        self.overrides = Overrides(options.tensor_types)
        self.embedding = tensor_type(options.token_embedding_type) if options.token_embedding_type else ""
        self.output = tensor_type(options.output_tensor_type) if options.output_tensor_type else ""
        self.mix = Mix(
            wanted,
            model_facts(source.metadata),
            n_values=roles.count(Role.ATTENTION_V),
            tied=Role.OUTPUT not in roles,
            imatrix=imatrix is not None,
            output_type=self.output,
        )
        self.fallbacks: list[str] = []

    def planned(self, index: int) -> PlannedTensor:
        spec = self.source.tensors[index]
        kind = TYPE_IDS[self._type(spec)] if self._may_change(spec) else spec.type_id
        _check_fits(spec, TYPES[kind].name)
        planned = PlannedTensor(index, spec, TensorSpec(spec.name, spec.shape, kind))
        weighted = uses_imatrix(planned) and _has_entry(spec, self.imatrix)
        return PlannedTensor(index, spec, planned.result, weighted)

    def _may_change(self, spec: TensorSpec) -> bool:
        leave = self.options.leave_output_tensor
        return self.wanted.name != COPY and may_be_quantized(spec, self.mix.facts.architecture, leave_output=leave)

    def _type(self, spec: TensorSpec) -> str:
        part = role(spec.name)
        named = self.overrides.of(spec.name)
        per_layer = spec.name.startswith("per_layer_")  # a large table of its own, so it can be named
        if self.embedding and part is Role.EMBEDDING and not (named and per_layer):
            return self.embedding
        if self.output and part is Role.OUTPUT:
            return self.output
        if self.wanted.base in FLOATS:
            return self.wanted.base
        if not named:
            named = self.wanted.base if self.options.pure else self.mix.choose(spec, part)
        fits = fitting(spec, named)
        if fits != named:
            self.fallbacks.append(spec.name)
        return fits


def _check_fits(spec: TensorSpec, target: str) -> None:
    block = TYPES[TYPE_IDS[target]].block
    if spec.row_length % block:
        raise QuantizeError(
            f"{spec.name} has rows of {spec.row_length} weights, which {target} (blocks of {block}) can't hold.",
            "Choose another type for this tensor, e.g. q8_0.",
        )


def uses_imatrix(tensor: PlannedTensor) -> bool:
    """Whether an importance matrix makes a difference to this tensor."""
    return tensor.changes and is_quantized(TYPES[tensor.result.type_id].name)


def _has_entry(spec: TensorSpec, imatrix: Imatrix | None) -> bool:
    """Whether there is an entry for this tensor. One of the wrong size belongs to another model: QuantizeError."""
    values = imatrix.entries.get(spec.name) if imatrix else None
    if values is None:
        return False
    expected = spec.row_length * (spec.shape[2] if len(spec.shape) > 2 else 1)
    if len(values) == expected:
        return True
    if role(spec.name) is Role.EMBEDDING:
        return False
    raise QuantizeError(
        f"The importance matrix has {len(values):,} values for {spec.name}, which needs {expected:,}.",
        "It was collected with another model; choose the one of this model.",
    )


def check(tensors: Sequence[PlannedTensor], wanted: Ftype, imatrix: Imatrix | None) -> None:
    """Raise QuantizeError for tensors that can't be read, or would be garbage without an importance matrix."""
    for t in tensors:
        before, after = TYPES[t.source.type_id].name, TYPES[t.result.type_id].name
        if t.changes and (before in UNREADABLE or not (before in FLOATS or is_quantized(before))):
            raise QuantizeError(f"{t.source.name} is {before}, which can't be quantized.", "Choose another model.")
        touched = t.changes or (imatrix is None and wanted.name != COPY and is_quantized(after))
        required = needs_imatrix(t.source.name, after, wanted.name) or after in ABORTS_WITHOUT_IMATRIX
        if touched and required and not t.weighted:
            missing = "" if imatrix is None else f", and the one given has nothing for {t.source.name}"
            raise QuantizeError(f"{wanted.name} needs an importance matrix{missing}.", _IMATRIX_HINT)
