"""Every level of one source planned at once: exact sizes, memory, kernels, and which one to take."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from q8chat.core import paths
from q8chat.core.errors import CheckpointError, QuantizeError
from q8chat.core.progress import Cancel
from q8chat.gguf_files import layout as files
from q8chat.gguf_files import naming
from q8chat.gguf_files.gguf_source import GgufSource
from q8chat.gguf_files.header import Header, Tensor, parse_header
from q8chat.gguf_files.layout import Layout
from q8chat.gguf_files.metadata import STRING, scalar
from q8chat.gguf_files.source import TensorSource
from q8chat.gguf_files.types import TYPES
from q8chat.hardware.memory import read_memory
from q8chat.jobs import convert_origin, convert_plan, convert_source
from q8chat.jobs.convert_plan import ConvertRequest
from q8chat.jobs.convert_source import OpenCheckpoint
from q8chat.jobs.convert_types import AskedLevels, LevelRow, Levels, Source, Texts
from q8chat.quantize import origin
from q8chat.quantize.imatrix import Imatrix, read_imatrix
from q8chat.quantize.result_name import result_path
from q8chat.quantize.tensor_plan import make_plan
from q8chat.quantize.tensor_rules import Role, role
from q8chat.runtime.footprint import verdict
from q8chat.runtime.kernels import kernel_report, this_machine
from q8chat.runtime.measured_prediction import Predictor
from q8chat.runtime.memory import DEFAULT_CTX
from q8chat.runtime.recommend import Choice, recommend

_UNKNOWN = "0" * 64  # as long as the checksum that will stand there
WORTH = 0.8  # of the size of a file that is quantized already: a level above it costs quality for little
SPARE = 6.5  # bits per weight of such a file, from which on a smaller level can be advised
Planner = Callable[[str], tuple[Layout, Path, tuple[str, ...]]]


def levels(asked: AskedLevels, cancel: Cancel) -> Levels:
    """Raises CheckpointError, ModelFileError, QuantizeError for what is wrong with the source or the matrix."""
    given = _imatrix_name(asked)
    known = read_imatrix(asked.imatrix) if asked.imatrix else None
    n_ctx = asked.n_ctx or min(asked.source.context_length or DEFAULT_CTX, DEFAULT_CTX)
    path = Path(asked.source.path)
    if asked.source.kind == "checkpoint":
        return _all(asked, _of_checkpoint(convert_source.checkpoint(path), asked, given, known), n_ctx, cancel)
    with closing(GgufSource(path)) as source:
        return _all(asked, _of_model(source, asked, given, known), n_ctx, cancel)


def _all(asked: AskedLevels, planner: Planner, n_ctx: int, cancel: Cancel) -> Levels:
    available = read_memory().available + asked.freed
    look = _Look(n_ctx)
    rows = []
    for level in asked.levels:
        cancel.check()
        try:
            made, target, warnings = planner(level)
        except (QuantizeError, CheckpointError) as e:
            rows.append(LevelRow(level=level, problem=e.message, hint=e.hint))
        else:
            rows.append(look.row(level, made, target, warnings))
    found = Levels(path=asked.source.path, n_ctx=n_ctx, available=available, rows=tuple(rows))
    return _recommended(found, asked.source)


def _imatrix_name(asked: AskedLevels) -> str:
    file = asked.imatrix or (asked.texts.out if asked.texts else None)
    return file.name if file else ""


def _of_checkpoint(opened: OpenCheckpoint, asked: AskedLevels, given: str, known: Imatrix | None) -> Planner:
    """As `convert_plan.prepare` does it, with what has been read already."""

    def plan(level: str) -> tuple[Layout, Path, tuple[str, ...]]:
        options = replace(asked.options, ftype=level)
        request = ConvertRequest(folder=opened.path, options=options)
        keys = convert_origin.keys(opened.path, options)
        direct = convert_plan.direct(level)
        target = convert_plan.target(request, convert_plan.known_level(level))
        if direct:
            if given:  # nothing a copy of the weights could use it for
                convert_plan.check_options(replace(request, imatrix=Path(given)))
            convert_plan.check_options(request)
            made = opened.plan(direct)
            metadata = made.source.metadata.copy()
            for key, text in keys.items():
                metadata.set(scalar(key, STRING, text))
            return files.layout(metadata, made.source.tensors, keep_ones=True), target, tuple(made.warnings)
        made = opened.plan("auto")
        options = replace(options, provenance=keys, imatrix_file=given)
        chosen = make_plan(made.source, options, known or _stand_in(made.source, asked.texts))
        return chosen.layout, target, (*made.warnings, *chosen.warnings)

    return plan


def _of_model(source: GgufSource, asked: AskedLevels, given: str, known: Imatrix | None) -> Planner:
    """As `quantize.request.prepared` does it."""

    def plan(level: str) -> tuple[Layout, Path, tuple[str, ...]]:
        options = replace(asked.options, ftype=level, imatrix_file=given)
        options = replace(options, provenance=origin.keys(source.path, _UNKNOWN, options))
        chosen = make_plan(source, options, known or _stand_in(source, asked.texts))
        return chosen.layout, _model_target(source.path, level), chosen.warnings

    return plan


def _model_target(model: Path, level: str) -> Path:
    """Beside a model of our library; others' folders are only read."""
    wanted = result_path(model, level)
    if model.is_relative_to(paths.models_dir()):
        return wanted
    folder = naming.stem(wanted.name).removesuffix(level).rstrip("-._") or naming.stem(model.name)
    return paths.models_dir() / convert_plan.LOCAL / folder / wanted.name


def _stand_in(source: TensorSource, texts: Texts | None) -> Imatrix | None:
    """What a matrix that is yet to be made will have: its values change no size."""
    if texts is None:
        return None
    names = [t for t in source.tensors if t.n_rows > 1 and role(t.name) not in (Role.EMBEDDING, Role.OUTPUT)]
    entries = {t.name: np.ones(t.row_length * (t.shape[2] if len(t.shape) > 2 else 1), np.float32) for t in names}
    return Imatrix(entries, texts.dataset, 1)


class _Look:
    """What a planned file will need. Its keys hardly differ between levels, so they are read once."""

    def __init__(self, n_ctx: int) -> None:
        self._n_ctx = n_ctx
        self._first: Header | None = None

    def row(self, level: str, made: Layout, target: Path, warnings: tuple[str, ...]) -> LevelRow:
        header = self._header(made)
        types: dict[str, int] = {}
        for t in made.tensors:
            types[TYPES[t.type_id].name] = types.get(TYPES[t.type_id].name, 0) + t.n_bytes
        weights = sum(t.row_length * t.n_rows for t in made.tensors)
        return LevelRow(
            level=level,
            size=made.size,
            bits=8 * sum(types.values()) / max(1, weights),
            memory=Predictor([header]).needs(self._n_ctx),
            types=dict(sorted(types.items(), key=lambda item: -item[1])),
            kernels=kernel_report(header, this_machine()),
            target=str(target),
            warnings=warnings,
        )

    def _header(self, made: Layout) -> Header:
        tensors = [
            Tensor(t.name, t.dims, t.type_id, start - made.starts[0])
            for t, start in zip(made.tensors, made.starts, strict=False)
        ]
        if self._first is None:
            self._first = parse_header(io.BytesIO(made.header), Path("planned.gguf"), made.size)
        return replace(self._first, tensors=tuple(tensors), file_size=made.size)


def _recommended(found: Levels, source: Source) -> Levels:
    """Of a file that is quantized already a level is advised only where bits are to spare, and enough are saved."""
    if source.lossy and 8 * source.size < SPARE * source.parameters:
        return found
    limit = WORTH * source.size if source.lossy else float("inf")
    rows = [row for row in found.rows if not row.problem and row.size < limit]
    best = recommend(list(_choices(rows, found.available)), found.available, found.n_ctx)
    if best is None:
        return found
    return msgspec.structs.replace(found, recommended=rows[best.index].level, reason=best.reason)


def _choices(rows: Iterable[LevelRow], available: int) -> Iterable[Choice]:
    for row in rows:
        kernel = row.kernels[0].kernel if row.kernels else ""
        yield Choice(row.level, row.memory, verdict(row.memory, available), kernel)
