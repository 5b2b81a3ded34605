"""Quantizing a model file as a person asks for it: from the file's name to the result in the library."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from q8chat.core.errors import OutputFileError, QuantizeError
from q8chat.core.progress import Cancel, Report, no_report
from q8chat.gguf_files import provenance
from q8chat.gguf_files.gguf_source import GgufSource
from q8chat.gguf_files.part_files import discard_part
from q8chat.quantize import origin
from q8chat.quantize.ftypes import FTYPES
from q8chat.quantize.imatrix import Imatrix, read_imatrix
from q8chat.quantize.options import Options
from q8chat.quantize.pipeline import Made, quantize
from q8chat.quantize.result_name import result_path
from q8chat.quantize.tensor_plan import Plan, make_plan

_UNKNOWN = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`out` None: beside the model, named after the quantization. `threads` 0: all this process may use.

    `include`, `exclude`: texts in names of tensors the importance matrix is (not) used for. `provenance`: tell in
    the metadata and beside the file where it came from; without, the file is exactly what llama-quantize makes.
    """

    model: Path
    options: Options
    out: Path | None = None
    imatrix: Path | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    threads: int = 0
    overwrite: bool = False
    provenance: bool = True

    @property
    def target(self) -> Path:
        """Where the result goes."""
        return self.out or result_path(self.model, self.options.ftype)


@dataclass(frozen=True, slots=True)
class Level:
    """A quantization as a choice: exact `size` in bytes of the result, or the `problem` in a sentence."""

    name: str
    about: str
    size: int = 0
    bits_per_weight: float = 0.0
    problem: str = ""


@contextmanager
def prepared(request: Request, parent_sha256: str = _UNKNOWN) -> Iterator[tuple[GgufSource, Plan]]:
    """The source, open, and the plan. `parent_sha256` goes into the metadata if they are to tell the origin.

    Without it the plan is right in everything but those 64 letters.

    Raises QuantizeError, ModelFileError, and OutputFileError when the result would take the model's place.
    """
    source = GgufSource(request.model)
    try:
        _check_target(source, request.target)
        yield source, make_plan(source, _told(request, source, parent_sha256), _imatrix(request))
    finally:
        source.close()


def run(request: Request, progress: Report = no_report, cancel: Cancel | None = None) -> Made:
    """Make the file. Interrupted at any moment, the same request continues.

    Raises what `prepared` and `pipeline.quantize` raise.
    """
    cancel = cancel or Cancel()
    parent_sha256 = _parent_sha256(request, progress, cancel) if request.provenance else ""
    with prepared(request, parent_sha256) as (source, plan):
        made = _already_made(request, plan) or quantize(
            source,
            plan,
            request.target,
            threads=request.threads,
            overwrite=request.overwrite,
            progress=progress,
            cancel=cancel,
        )
        if request.provenance:
            sha256 = origin.checksum(made.path, "Computing the checksum", progress, cancel)
            origin.write_sidecar(made.path, source.path, parent_sha256, request.options, sha256)
    return made


def levels(request: Request) -> list[Level]:
    """Every quantization with the size this request would give, in the order of `FTYPES`.

    The request's own `ftype` does not count. Raises what `prepared` raises.
    """
    source = GgufSource(request.model)
    try:
        imatrix = _imatrix(request)
        found = []
        for kind in FTYPES:
            one = replace(request, options=replace(request.options, ftype=kind.name), out=request.target)
            try:
                plan = make_plan(source, _told(one, source, _UNKNOWN), imatrix)
            except QuantizeError as e:
                found.append(Level(kind.name, kind.about, problem=str(e)))
            else:
                found.append(Level(kind.name, kind.about, plan.size, plan.bits_per_weight))
        return found
    finally:
        source.close()


def discard(request: Request) -> None:
    """Remove what an unfinished `run` left."""
    discard_part(request.target)


def _told(request: Request, source: GgufSource, parent_sha256: str) -> Options:
    """The options with what the metadata is to tell."""
    options = request.options
    if request.imatrix and not options.imatrix_file:
        options = replace(options, imatrix_file=request.imatrix.name)  # the folders are nobody's business
    if request.provenance:
        options = replace(options, provenance=origin.keys(source.path, parent_sha256, options))
    return options


def _already_made(request: Request, plan: Plan) -> Made | None:
    """The file is there: a run was killed between giving it its name and saying so.

    Its header tells the parent's checksum and the options, so it can be no other one.
    """
    path = request.target
    if not (request.provenance and path.is_file() and path.stat().st_size == plan.size):
        return None
    with path.open("rb") as f:
        same = f.read(len(plan.layout.header)) == plan.layout.header
    return Made(path, plan.size, len(plan.tensors), len(plan.tensors), 0.0) if same else None


def _parent_sha256(request: Request, progress: Report, cancel: Cancel) -> str:
    """What the download knew, or what is computed now; of the first file if there are several."""
    with prepared(request):  # what is wrong is said before the long reading
        pass
    known = provenance.read(request.model).sha256
    return known or origin.checksum(request.model, "Reading the model", progress, cancel)


def _check_target(source: GgufSource, target: Path) -> None:
    if any(target.exists() and target.samefile(own) for own in source.paths):
        raise OutputFileError(f"{target.name} is the model itself.", "Choose another name for the result.")


def _imatrix(request: Request) -> Imatrix | None:
    if request.imatrix is None:
        return None
    if request.include and request.exclude:
        raise QuantizeError("An importance matrix can't be used with both included and excluded tensors.")
    found = read_imatrix(request.imatrix)
    if request.exclude:
        found = found.without(request.exclude)
    return found.only(request.include) if request.include else found
