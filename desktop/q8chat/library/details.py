"""All that is worth knowing about one model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from q8chat.core import units
from q8chat.core.errors import ModelFileError
from q8chat.gguf_files.header import Header, SkippedArray, read_header
from q8chat.library import origin
from q8chat.library.find import at_path
from q8chat.library.summary import text
from q8chat.library.types import LibraryModel, ModelDetails, Row

MAX_VALUE = 300  # characters of a value that are shown
MAX_TEMPLATE = 1 << 20  # characters; real ones have at most some tens of thousands


def details(path: str, models: Sequence[LibraryModel] = ()) -> ModelDetails:
    """Of the model in `models` that has the file `path`, else of the file alone.

    Raises LibraryError when there is no such file. What is wrong with the file is told in `model.problem`.
    """
    model = at_path(path, models)
    first = Path(model.path)
    known = origin.origin(first, model.repo or (model.name if model.source == "Ollama" else ""))
    checksum = origin.expected_sha256(first)
    try:
        header = read_header(first)
    except ModelFileError:
        return ModelDetails(
            model, _about_files(model), provenance=known, sha256=checksum.sha256 if checksum else ""
        )
    return ModelDetails(
        model=model,
        rows=(*_about_model(header, model), *_about_files(model)),
        template=text(header, "tokenizer.chat_template")[:MAX_TEMPLATE],
        types=model.mix,
        provenance=known,
        sha256=checksum.sha256 if checksum else "",
    )


def _about_model(header: Header, model: LibraryModel) -> tuple[Row, ...]:
    lines = [(label, tell(header, model)) for label, tell in FACTS]
    return tuple(Row(label, value[:MAX_VALUE]) for label, value in lines if value)


def _about_files(model: LibraryModel) -> tuple[Row, ...]:
    try:
        changed = datetime.fromtimestamp(Path(model.path).stat().st_mtime, UTC).astimezone()
        when = f"{changed:%Y-%m-%d %H:%M}"
    except (OSError, ValueError, OverflowError):  # gone meanwhile, or a date no calendar has
        when = ""
    rows = [Row("Size", f"{units.size(model.size)} ({units.count(model.size)} bytes)")]
    rows += [Row("File changed", when)] if when else []
    return (*rows, *(Row("File", name) for name in model.files))


def _value(key: str) -> Callable[[Header, LibraryModel], str]:
    return lambda header, _: _shown(header.metadata.get(key))


def _number(key: str) -> Callable[[Header, LibraryModel], str]:
    """Of the architecture; of a per-layer list smallest and largest."""

    def tell(header: Header, _: LibraryModel) -> str:
        value = header.metadata.get(f"{header.architecture}.{key}")
        if isinstance(value, list) and value and all(isinstance(v, int) for v in value):
            low, high = min(value), max(value)
            return units.count(low) if low == high else f"{units.count(low)} to {units.count(high)}"
        return units.count(value) if isinstance(value, int) and value else ""

    return tell


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(v) for v in value)
    if isinstance(value, SkippedArray) or value is None:
        return ""
    return str(value).strip()


def _bits_per_weight(header: Header, model: LibraryModel) -> str:
    n_bytes = sum(share.n_bytes for share in model.mix)
    return f"{8 * n_bytes / model.parameters:.2f}" if model.parameters else ""


def _vocabulary(header: Header, _: LibraryModel) -> str:
    tokens = header.metadata.get("tokenizer.ggml.tokens")
    n = tokens.length if isinstance(tokens, SkippedArray) else len(tokens) if isinstance(tokens, list) else 0
    kind = text(header, "tokenizer.ggml.model")
    return f"{units.count(n)} tokens{f' ({kind})' if kind else ''}" if n else ""


def _base_models(header: Header, _: LibraryModel) -> str:
    count = header.metadata.get("general.base_model.count", 0)
    names = range(min(count, 8) if isinstance(count, int) else 0)
    found = (
        text(header, f"general.base_model.{n}.repo_url") or text(header, f"general.base_model.{n}.name")
        for n in names
    )
    return ", ".join(name for name in found if name)


FACTS: tuple[tuple[str, Callable[[Header, LibraryModel], str]], ...] = (
    ("Name", _value("general.name")),
    ("Made by", _value("general.organization")),
    ("Author", _value("general.author")),
    ("Based on", _base_models),
    ("Quantized by", _value("general.quantized_by")),
    ("Licence", lambda header, model: model.licence),
    ("Languages", _value("general.languages")),
    ("Tags", _value("general.tags")),
    ("Architecture", lambda header, model: header.architecture),
    ("Parameters", lambda header, model: units.count(model.parameters) if model.parameters else ""),
    ("Quantization", lambda header, model: model.quantization),
    ("Bits per weight", _bits_per_weight),
    ("Context length", _number("context_length")),
    ("Layers", _number("block_count")),
    ("Embedding length", _number("embedding_length")),
    ("Attention heads", _number("attention.head_count")),
    ("Key/value heads", _number("attention.head_count_kv")),
    ("Sliding window", _number("attention.sliding_window")),
    ("Experts", _number("expert_count")),
    ("Experts used", _number("expert_used_count")),
    ("Vocabulary", _vocabulary),
    ("Importance matrix", _value("quantize.imatrix.file")),
    ("Calibration text", _value("quantize.imatrix.dataset")),
    ("GGUF version", lambda header, model: str(header.version)),
)
