"""Everything about the result before any of it is made: types, exact size, metadata, what to know beforehand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version

from q8chat.core.errors import QuantizeError
from q8chat.gguf_files import metadata as kv
from q8chat.gguf_files.layout import Layout, layout
from q8chat.gguf_files.metadata import Metadata, scalar
from q8chat.gguf_files.source import TensorSource, TensorSpec
from q8chat.gguf_files.types import TYPES
from q8chat.quantize.ftypes import COPY, FLOATS, TYPE_IDS, UNREADABLE, Ftype, ftype, is_quantized, tensor_type
from q8chat.quantize.imatrix import Imatrix, usable
from q8chat.quantize.mix import Mix
from q8chat.quantize.model_facts import model_facts
from q8chat.quantize.options import Options, Overrides
from q8chat.quantize.tensor_rules import (
    ABORTS_WITHOUT_IMATRIX,
    Role,
    file_order,
    fitting,
    may_be_quantized,
    needs_imatrix,
    role,
)

_QUANTIZATION_VERSION = 2  # GGML_QNT_VERSION
_MAX_TEXT = 127  # bytes llama-quantize has room for
_GUESSED = 1024  # LLAMA_FTYPE_GUESSED
_SPLIT_KEYS = ("split.no", "split.count", "split.tensors.count")
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
        left = [t.source.name for t in self.tensors if _uses_imatrix(t) and not t.weighted]
        left = [n for n in left if role(n) not in (Role.EMBEDDING, Role.OUTPUT)]
        return f"The importance matrix has nothing for {len(left)} tensors, e.g. {left[0]}." if left else ""


def make_plan(source: TensorSource, options: Options, imatrix: Imatrix | None = None) -> Plan:
    """Decide everything. Raises QuantizeError when the model can't be quantized as asked; nothing is written."""
    wanted = ftype(options.ftype)
    imatrix = usable(imatrix)
    order = sorted(range(len(source.tensors)), key=lambda n: file_order(source.tensors[n].name))
    chosen = _Choice(wanted, options, source, imatrix)
    tensors = tuple(chosen.planned(n) for n in order)
    _check(tensors, wanted, imatrix)
    metadata = result_metadata(source, wanted, options, imatrix)
    made = layout(metadata, [t.result for t in tensors])
    lossy = tuple(t.source.name for t in tensors if t.changes and is_quantized(TYPES[t.source.type_id].name))
    return Plan(
        wanted, options, tensors, made, imatrix, tuple(chosen.fallbacks), lossy, _key(source, options, imatrix)
    )


class _Choice:
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
        weighted = _uses_imatrix(planned) and _has_entry(spec, self.imatrix)
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


def _uses_imatrix(tensor: PlannedTensor) -> bool:
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


def _check(tensors: Sequence[PlannedTensor], wanted: Ftype, imatrix: Imatrix | None) -> None:
    for t in tensors:
        before, after = TYPES[t.source.type_id].name, TYPES[t.result.type_id].name
        if t.changes and (before in UNREADABLE or not (before in FLOATS or is_quantized(before))):
            raise QuantizeError(f"{t.source.name} is {before}, which can't be quantized.", "Choose another model.")
        touched = t.changes or (imatrix is None and wanted.name != COPY and is_quantized(after))
        required = needs_imatrix(t.source.name, after, wanted.name) or after in ABORTS_WITHOUT_IMATRIX
        if touched and required and not t.weighted:
            missing = "" if imatrix is None else f", and the one given has nothing for {t.source.name}"
            raise QuantizeError(f"{wanted.name} needs an importance matrix{missing}.", _IMATRIX_HINT)


def result_metadata(source: TensorSource, wanted: Ftype, options: Options, imatrix: Imatrix | None) -> Metadata:
    """The source's keys and what llama-quantize adds, in its order; then ours."""
    result = source.metadata.copy()
    number = _copied_ftype(source) if wanted.name == COPY else wanted.number
    result.set(scalar("general.quantization_version", kv.U32, _QUANTIZATION_VERSION))
    result.set(scalar("general.file_type", kv.U32, number))
    for key in _SPLIT_KEYS:
        result.remove(key)
    if imatrix:
        result.set(scalar("quantize.imatrix.file", kv.STRING, _cut(options.imatrix_file)))
        if imatrix.dataset:
            result.set(scalar("quantize.imatrix.dataset", kv.STRING, _cut(imatrix.dataset)))
        result.set(scalar("quantize.imatrix.entries_count", kv.U32, len(imatrix.entries)))
        if imatrix.n_chunks > 0:
            result.set(scalar("quantize.imatrix.chunks_count", kv.U32, imatrix.n_chunks))
    for key, text in options.provenance.items():
        result.set(scalar(key, kv.STRING, text))
    return result


def _cut(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")[:_MAX_TEXT]


def _copied_ftype(source: TensorSource) -> int:
    """What the file says it is, or else the type most of its tensors have."""
    said = source.metadata.get("general.file_type")
    if isinstance(said, int):
        return said
    counts: dict[int, int] = {}
    most = 0
    for t in sorted(source.tensors, key=lambda t: file_order(t.name)):
        counts[t.type_id] = counts.get(t.type_id, 0) + 1
        if counts[t.type_id] > counts.get(most, 0) or len(counts) == 1:
            most = t.type_id
    return _usual_ftype(TYPES[most].name) | _GUESSED


def _usual_ftype(base: str) -> int:
    usual = {"Q3_K": "Q3_K_M", "Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M"}.get(base, base)
    try:
        return ftype(usual).number
    except QuantizeError:
        return 0


def _key(source: TensorSource, options: Options, imatrix: Imatrix | None) -> str:
    """Everything the bytes depend on that the layout does not show."""
    library = version("llama-cpp-python")  # another one might quantize otherwise
    known = hashlib.sha256(json.dumps([library, source.identity, asdict(options)], sort_keys=True).encode())
    for name, values in sorted(imatrix.entries.items()) if imatrix else ():
        known.update(name.encode("utf-8", "surrogateescape"))
        known.update(values.tobytes())
    return known.hexdigest()
