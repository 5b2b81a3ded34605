"""`q8chat quantize`: a GGUF file in another quantization."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from q8chat.cli import level_options
from q8chat.cli.parser import EXIT_OK, Commands
from q8chat.core.errors import QuantizeError

if TYPE_CHECKING:
    from q8chat.quantize.pipeline import Made
    from q8chat.quantize.request import Request
    from q8chat.quantize.tensor_plan import Plan

RESUME = "Stopped. The same command continues after the last complete tensor."


def add(commands: Commands) -> None:
    """Describe the verb to argparse."""
    verb = commands.add_parser("quantize", help="make a model smaller: the same model with fewer bits")
    verb.add_argument("model", metavar="MODEL", help="a GGUF file (any part of one in parts), or a library model")
    level_options.add(verb, "e.g. Q4_K_M, Q8_0, F16, COPY", "beside the model, named by TYPE")
    for name, what in (("include", "only for"), ("exclude", "not for")):
        text = f"use the importance matrix {what} tensors with TEXT in their name; repeatable"
        verb.add_argument(f"--{name}-weights", action="append", default=[], metavar="TEXT", help=text)
    verb.add_argument("--yes", action="store_true", help="quantize again what is quantized already, without asking")
    verb.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from q8chat.quantize.request import prepared, run

    request = _request(options)
    with prepared(request) as (source, plan):
        about = _about(plan, request, sum(p.stat().st_size for p in source.paths), tensors=options.dry_run)
    if options.dry_run:
        print(json.dumps(about) if options.json else _text(about))
        return EXIT_OK
    for text in plan.warnings:
        print(f"Note: {text}", file=sys.stderr)
    if plan.requantized and not options.yes:
        _ask()
    from q8chat.cli.progress import shown

    with shown("Quantizing", quiet=options.json, on_stop=RESUME) as (progress, cancel):
        made = run(request, level_options.calm(progress), cancel)
    print(json.dumps({**about, **_facts(made)}) if options.json else _done(made, about["source_bytes"]))
    return EXIT_OK


def _request(options: argparse.Namespace) -> Request:
    from q8chat.quantize.request import Request

    return Request(
        model=_model(options.model),
        options=level_options.options(options),
        out=options.output,
        imatrix=options.imatrix,
        include=tuple(options.include_weights),
        exclude=tuple(options.exclude_weights),
        threads=options.threads,
        overwrite=options.overwrite,
        provenance=not options.no_provenance,
    )


def _model(text: str) -> Path:
    path = Path(text)
    if path.suffix == ".gguf" or path.exists():
        return path
    from q8chat.library.find import find

    return Path(find(text).path)


def _ask() -> None:
    hint = "Choose the original (F16, BF16 or F32) model if you can get it, or add --yes."
    if not sys.stdin.isatty():
        raise QuantizeError("The model is quantized already, and nobody can be asked here.", hint)
    print("Quantize it again? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise QuantizeError("Nothing was done.", hint)


def _about(plan: Plan, request: Request, source_bytes: int, *, tensors: bool) -> dict[str, Any]:
    from q8chat.gguf_files.types import TYPES

    about: dict[str, Any] = {
        "file": str(request.target),
        "type": plan.ftype.name,
        "bytes": plan.size,
        "source_bytes": source_bytes,
        "bits_per_weight": round(plan.bits_per_weight, 4),
        "bytes_by_type": plan.bytes_by_type(),
        "notes": list(plan.warnings),
    }
    if tensors:
        about["tensors"] = {
            t.source.name: [TYPES[t.source.type_id].name, TYPES[t.result.type_id].name] for t in plan.tensors
        }
    return about


def _text(about: dict[str, Any]) -> str:
    from q8chat.core.units import size

    lines = [f"{name:<48} {old:>7} -> {new}" for name, (old, new) in about["tensors"].items()]
    lines += [f"Note: {text}" for text in about["notes"]]
    shares = ", ".join(f"{name} {size(n)}" for name, n in about["bytes_by_type"].items())
    bits = f"{about['bits_per_weight']:.2f} bits per weight"
    lines.append(f"{about['file']}: {about['bytes']:,} bytes ({size(about['bytes'])}), {bits}: {shares}.")
    return "\n".join(lines)


def _facts(made: Made) -> dict[str, Any]:
    return {"seconds": round(made.seconds, 3), "tensors": made.tensors, "continued": made.continued}


def _done(made: Made, source_bytes: int) -> str:
    from q8chat.core.units import seconds, size

    went_on = f", {made.continued} tensors were there already" if made.continued else ""
    speed = size(source_bytes / max(made.seconds, 1e-3))
    return f"{made.path}: {size(made.size)} in {seconds(made.seconds)} ({speed}/s{went_on})."
