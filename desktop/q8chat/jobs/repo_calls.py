"""What every quantization of a repository would take on this machine, as a call of the worker.

One header is fetched for a repository, however many files it has; what can't be told from it is estimated from the
size of the files, and marked as such.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from q8chat.core.errors import HubError, HubUnreachableError, ModelFileError, OfflineError
from q8chat.core.progress import Cancel
from q8chat.gguf_files.header import Header
from q8chat.hardware.memory import read_memory
from q8chat.hub.quantizations import recommend as usual_choice
from q8chat.hub.types import Quantization
from q8chat.jobs.hub_calls import remote_headers
from q8chat.jobs.other_quantizations import base_mix, in_other_quantization
from q8chat.quantize.ftypes import ftype
from q8chat.runtime.footprint import verdict
from q8chat.runtime.kernels import KernelShare, kernel_for, kernel_report, this_machine
from q8chat.runtime.measured_prediction import Predictor
from q8chat.runtime.memory import DEFAULT_CTX, usual_context
from q8chat.runtime.recommend import Choice, recommend

MAX_PARTS = 8  # shards whose headers are fetched; models in more of them are far too big for most machines
TRUSTED = 0.03  # share of the size by which a guessed mix may be off and still count as known
SAME_MODEL = 0.35  # further off than this it is another model
REST = 0.15  # of the weights' bytes: context, buffers and the program, when nothing but the size is known
LEAST_REST = 256 << 20  # bytes
_NO_HEADER = "The header of its files can't be read here, so memory is estimated from their sizes alone."
_GATED = "Headers of gated files can be read once access is granted; until then memory is estimated from sizes."


class AskedRepo(msgspec.Struct, frozen=True, kw_only=True):
    """revision: a commit. n_ctx 0: what a model gets unasked. freed: bytes that come back when it is loaded."""

    repo: str
    revision: str
    quantizations: tuple[Quantization, ...]
    n_ctx: int = 0
    freed: int = 0
    gated: bool = False


class RowNeeds(msgspec.Struct, frozen=True, kw_only=True):
    """One quantization. total: bytes of memory. about: roughly, from the size of the files.

    kernels: what multiplies the weights here, () if that is not known.
    """

    name: str
    total: int
    verdict: str
    about: bool = False
    kernels: tuple[KernelShare, ...] = ()


class RepoNeeds(msgspec.Struct, frozen=True, kw_only=True):
    """n_ctx: the context it is about, in tokens. trained: the longest one, 0 if not known. available: bytes.

    recommended: name of a row, "" if all are too big; reason: a sentence. note: why figures are rough, or "".
    """

    n_ctx: int
    trained: int
    available: int
    rows: tuple[RowNeeds, ...]
    recommended: str = ""
    reason: str = ""
    note: str = ""


def repo_needs(asked: AskedRepo, cancel: Cancel) -> RepoNeeds:
    """Raises OfflineError and HubUnreachableError; what else is wrong with the header makes the figures rough."""
    usable = [q for q in asked.quantizations if not q.problem]
    reference = _reference(usable)
    note = ""
    headers: tuple[Header, ...] = ()
    if reference is not None:
        try:
            headers = remote_headers(asked.repo, asked.revision, [f.path for f in reference.files], cancel)
        except (OfflineError, HubUnreachableError):
            raise
        except (HubError, ModelFileError):
            note = _GATED if asked.gated else _NO_HEADER
    trained = headers[0].integer("context_length") if headers else 0
    n_ctx = _context(headers, asked.n_ctx, trained)
    available = read_memory().available + asked.freed
    rows = []
    for row in usable:
        cancel.check()
        rows.append(_row(row, headers if row is reference else (), headers, n_ctx, available))
    made = RepoNeeds(n_ctx=n_ctx, trained=trained, available=available, rows=tuple(rows), note=note)
    return _recommended(made, usable)


def _reference(usable: Sequence[Quantization]) -> Quantization | None:
    """The one to fetch the header of: of those in the fewest parts the one that is most likely wanted."""
    parts = min((len(q.files) for q in usable), default=0)
    return usual_choice([q for q in usable if len(q.files) == parts]) if 0 < parts <= MAX_PARTS else None


def _context(headers: Sequence[Header], wanted: int, trained: int) -> int:
    if not headers:
        return wanted or DEFAULT_CTX
    return min(wanted, trained or wanted) if wanted else usual_context(headers)


def _row(
    row: Quantization, own: Sequence[Header], others: Sequence[Header], n_ctx: int, available: int
) -> RowNeeds:
    guessed = in_other_quantization(others, row.label, row.size) if others and not own else None
    off = abs(guessed.weight_bytes / row.size - 1) if guessed and row.size else 1.0
    headers = own or ([guessed] if guessed and off <= SAME_MODEL else [])
    if not headers:
        return _by_size(row, available)
    footprint = Predictor(headers).at(n_ctx).footprint
    total = footprint.total
    if not own:  # the weights are known to the byte, only their types were guessed
        weights = footprint.weights_mapped + footprint.repacked
        total += round(weights * (row.size / headers[0].weight_bytes - 1))
    kernels = kernel_report(headers, this_machine())
    about = not own and off > TRUSTED
    return RowNeeds(name=row.name, total=total, verdict=verdict(total, available), about=about, kernels=kernels)


def _by_size(row: Quantization, available: int) -> RowNeeds:
    """Without a header: the weights, once more where most of them are repacked, and something for the rest."""
    mix = base_mix(row.label)
    kind = ftype(mix).base if mix else ""
    kernel = kernel_for(kind, this_machine()) if kind else ""
    copies = 2 if "repacked" in kernel else 1
    total = copies * row.size + max(LEAST_REST, round(REST * row.size))
    kernels = (KernelShare(kernel, (kind,), row.size, 1.0),) if kernel else ()
    return RowNeeds(name=row.name, total=total, verdict=verdict(total, available), about=True, kernels=kernels)


def _recommended(needs: RepoNeeds, usable: Sequence[Quantization]) -> RepoNeeds:
    choices = [
        Choice(
            q.label, row.total, verdict(row.total, needs.available), row.kernels[0].kernel if row.kernels else ""
        )
        for q, row in zip(usable, needs.rows, strict=True)
    ]
    best = recommend(choices, needs.available, needs.n_ctx)
    if best is None:
        return needs
    return msgspec.structs.replace(needs, recommended=needs.rows[best.index].name, reason=best.reason)
