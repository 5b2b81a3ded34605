"""Options of the verbs that make a model at some level: `q8chat quantize` and `q8chat convert`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from q8chat.cli.parser import Parser
from q8chat.core.errors import UsageError
from q8chat.core.progress import Progress, Report

if TYPE_CHECKING:
    from q8chat.quantize.options import Options


def add(verb: Parser, levels: str, where: str) -> None:
    """Describe them to argparse. `levels`: examples for --to; `where` the result goes without -o."""
    verb.add_argument("--to", required=True, metavar="TYPE", help=levels)
    verb.add_argument("-o", "--output", type=Path, metavar="FILE", help=f"default: {where}")
    verb.add_argument("--imatrix", type=Path, metavar="FILE", help="importance matrix (GGUF or .dat)")
    verb.add_argument(
        "--tensor-type",
        action="append",
        default=[],
        metavar="REGEX=TYPE",
        help="another type for the tensors whose name matches, e.g. attn_v=q8_0; repeatable, the first counts",
    )
    verb.add_argument("--output-tensor-type", default="", metavar="TYPE", help="for output.weight")
    verb.add_argument("--token-embedding-type", default="", metavar="TYPE", help="for the token embeddings")
    verb.add_argument("--pure", action="store_true", help="one type for all tensors, no mix")
    verb.add_argument("--leave-output-tensor", action="store_true", help="keep output.weight as it is")
    verb.add_argument("--zero-bad-weights", action="store_true", help="NaN and infinite weights become 0")
    verb.add_argument("--threads", type=int, default=0, metavar="N", help="default: all this process may use")
    verb.add_argument("--no-provenance", action="store_true", help="do not tell in the file what it was made from")
    verb.add_argument("--overwrite", action="store_true", help="replace the file if it is there")
    verb.add_argument("--dry-run", action="store_true", help="tell the types and the exact size, write nothing")
    verb.add_argument("--json", action="store_true", help="print one JSON object")


def options(given: argparse.Namespace) -> Options:
    """What was given, for the quantizer. Raises UsageError, QuantizeError."""
    from q8chat.quantize.options import Options, parse_override

    if given.threads < 0:
        raise UsageError("--threads can't be negative.")
    return Options(
        ftype=given.to,
        tensor_types=tuple(parse_override(text) for text in given.tensor_type),
        output_tensor_type=given.output_tensor_type,
        token_embedding_type=given.token_embedding_type,
        pure=given.pure,
        leave_output_tensor=given.leave_output_tensor,
        imatrix_file=str(given.imatrix or ""),
        zero_bad_weights=given.zero_bad_weights,
    )


def calm(report: Report) -> Report:
    """A bar says which tensor it is; without a terminal that would be hundreds of lines."""
    if sys.stderr.isatty():
        return report
    return lambda p: report(Progress(p.done, p.total, p.unit, "" if p.note.startswith("Tensor") else p.note))
