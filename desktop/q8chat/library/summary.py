"""What the library keeps of a header: a few hundred bytes instead of megabytes of vocabulary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from q8chat.core.errors import ModelFileError
from q8chat.gguf_files.file_types import FILE_TYPES, GUESSED
from q8chat.gguf_files.header import Header, read_header
from q8chat.gguf_files.types import TYPES

MODEL = "model"
MAX_TEXT = 100  # characters; a header may hold megabytes where a word belongs
# Architectures of files that are no language models by themselves, whatever their general.type says.
_OTHER_KINDS = {"clip": "mmproj", "imatrix": "imatrix", "controlvector": "adapter"}


class TypeBytes(msgspec.Struct, frozen=True, array_like=True):
    """Tensors of one type in a file."""

    name: str
    n_tensors: int
    n_bytes: int


class Summary(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file. `kind`: "model", "adapter", "mmproj", "imatrix", "vocabulary". `file_type`: "" if it does not say.

    `problem`: why it can't be used; the other fields are then empty. `lasting`: whether the problem is in the bytes
    of the file, so that it stays until they change; permissions are not.
    """

    kind: str = MODEL
    architecture: str = ""
    parameters: int = 0
    file_type: str = ""
    tensors: tuple[TypeBytes, ...] = ()
    context_length: int = 0
    licence: str = ""
    has_template: bool = False
    problem: str = ""
    lasting: bool = True


def summarise(path: Path) -> Summary:
    """Read the header of `path`; whatever is wrong with it is told in `problem`."""
    try:
        return of_header(read_header(path))
    except ModelFileError as e:
        return Summary(problem=str(e), lasting=not isinstance(e.__cause__, OSError))


def of_header(header: Header) -> Summary:
    """What matters of a header that was read."""
    return Summary(
        kind=_kind(header),
        architecture=header.architecture[:MAX_TEXT],
        parameters=_parameters(header),
        file_type=_file_type(header),
        tensors=_tensors(header),
        context_length=header.integer("context_length"),
        licence=text(header, "general.license")[:MAX_TEXT],
        has_template=bool(text(header, "tokenizer.chat_template")),
    )


def text(header: Header, key: str) -> str:
    """A text of the metadata, "" if it is absent or something else."""
    value = header.metadata.get(key)
    return value.strip() if isinstance(value, str) else ""


def _kind(header: Header) -> str:
    kind = _OTHER_KINDS.get(header.architecture) or text(header, "general.type")[:MAX_TEXT] or MODEL
    if kind == MODEL and not header.tensors and _split_count(header.metadata) < 2:
        return "vocabulary"  # llama.cpp's ggml-vocab-*.gguf; a first shard may have no tensors either
    return kind


def _split_count(metadata: dict[str, Any]) -> int:
    count = metadata.get("split.count")
    return count if isinstance(count, int) else 0


def _file_type(header: Header) -> str:
    value = header.metadata.get("general.file_type")
    return FILE_TYPES.get(value & ~GUESSED, "") if isinstance(value, int) else ""


def _parameters(header: Header) -> int:
    total = 0
    for tensor in header.tensors:
        kind = TYPES.get(tensor.type_id)
        if kind:  # the size of others is not checked, so their shape may say anything
            total += tensor.n_bytes // kind.n_bytes * kind.block
    return total


def _tensors(header: Header) -> tuple[TypeBytes, ...]:
    """Largest share first."""
    found: dict[str, tuple[int, int]] = {}
    for tensor in header.tensors:
        kind = TYPES.get(tensor.type_id)
        name = kind.name if kind else f"type {tensor.type_id}"
        n, n_bytes = found.get(name, (0, 0))
        found[name] = n + 1, n_bytes + tensor.n_bytes
    ordered = sorted(found.items(), key=lambda item: (-item[1][1], item[0]))
    return tuple(TypeBytes(name, n, n_bytes) for name, (n, n_bytes) in ordered)
