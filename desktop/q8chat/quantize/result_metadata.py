"""The keys of the result: the source's, what llama-quantize adds, then ours."""

from __future__ import annotations

from q8chat.core.errors import QuantizeError
from q8chat.gguf_files import metadata as kv
from q8chat.gguf_files.metadata import Metadata, scalar
from q8chat.gguf_files.source import TensorSource
from q8chat.gguf_files.types import TYPES
from q8chat.quantize.ftypes import COPY, Ftype, ftype
from q8chat.quantize.imatrix import Imatrix
from q8chat.quantize.options import Options
from q8chat.quantize.tensor_rules import file_order

_QUANTIZATION_VERSION = 2  # GGML_QNT_VERSION
_MAX_TEXT = 127  # bytes llama-quantize has room for
_GUESSED = 1024  # LLAMA_FTYPE_GUESSED
_SPLIT_KEYS = ("split.no", "split.count", "split.tensors.count")


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
