"""`q8chat convert`: a Hugging Face checkpoint becomes a GGUF file at any level, in one pass."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from q8chat.cli import level_options
from q8chat.cli.parser import EXIT_OK, Commands
from q8chat.core.errors import CheckpointError, UsageError

if TYPE_CHECKING:
    from q8chat.jobs.convert import Converted
    from q8chat.jobs.convert_plan import ConvertPlan

RESUME = "Stopped. The same command goes on from here."


def add(commands: Commands) -> None:
    """Describe the verb to argparse."""
    verb = commands.add_parser("convert", help="make a GGUF file of a Hugging Face checkpoint, at any level")
    verb.add_argument(
        "checkpoint", metavar="DIR|REPO", help="a folder with safetensors, or publisher/name on the hub"
    )
    level_options.add(
        verb,
        "e.g. Q4_K_M, Q8_0, F16, or auto: the checkpoint's own precision",
        "in the library, named after checkpoint and TYPE",
    )
    verb.add_argument("--revision", default="main", help="of a repository: branch, tag or commit")
    verb.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from q8chat.cli.progress import shown
    from q8chat.jobs import convert, convert_plan

    # A misspelt one is said before anything is downloaded.
    options.to = level = convert_plan.known_level(options.to)
    settings = level_options.options(options)
    request = convert_plan.ConvertRequest(
        folder=_folder(options.checkpoint, options.revision, quiet=options.json),
        options=settings,
        out=options.output,
        imatrix=options.imatrix,
        threads=options.threads,
        overwrite=options.overwrite,
        provenance=not options.no_provenance,
    )
    prepared = convert_plan.prepare(request)
    planned = prepared.plan
    if options.dry_run:
        print(json.dumps(_about(planned)) if options.json else _text(planned))
        return EXIT_OK
    for note in planned.notes:
        print(f"Note: {note}", file=sys.stderr)
    with shown(f"Converting to {level}", quiet=options.json, on_stop=RESUME) as (progress, cancel):
        made = convert.make(prepared, level_options.calm(progress), cancel)
    for note in made.notes:
        if note not in planned.notes:
            print(f"Note: {note}", file=sys.stderr)
    print(json.dumps({**_about(planned), **_facts(made)}) if options.json else _done(made, planned))
    return EXIT_OK


def _folder(text: str, revision: str, *, quiet: bool) -> Path:
    """The checkpoint's folder; one on the hub is downloaded first. A folder of that name goes first."""
    path = Path(text)
    if path.is_dir():
        return path
    if path.exists():
        raise CheckpointError(f"{text} is a file, not a checkpoint's folder.", "Give the folder it lies in.")
    from q8chat.hub.resolve import parse_reference

    try:
        name = parse_reference(text).repo
    except UsageError as e:
        raise CheckpointError(f"There is no folder {text}.", "Check the path, or give publisher/name.") from e
    from q8chat.cli.progress import shown
    from q8chat.hub.download import download
    from q8chat.hub.repo import repo_page
    from q8chat.hub.resolve import select_checkpoint

    with shown(f"Downloading {text}", quiet=quiet, on_stop=RESUME) as (progress, cancel):
        files = download(select_checkpoint(repo_page(name, revision)), progress, cancel)
    return next(f for f in files if f.name == "config.json").parent


def _about(planned: ConvertPlan) -> dict[str, Any]:
    return {**asdict(planned), "target": str(planned.target)}


def _text(planned: ConvertPlan) -> str:
    from q8chat.core.units import parameters, size

    shares = ", ".join(f"{name} {size(n)}" for name, n in planned.bytes_by_type.items())
    lines = [f"Note: {text}" for text in planned.notes]
    lines.append(f"{planned.architecture}, {parameters(planned.parameters)} parameters")
    bits = f"{planned.bits_per_weight:.2f} bits per weight"
    lines.append(f"{planned.target}: {planned.size:,} bytes ({size(planned.size)}), {bits}: {shares}.")
    return "\n".join(lines)


def _facts(made: Converted) -> dict[str, Any]:
    return {"seconds": round(made.seconds, 3), "continued": made.continued}


def _done(made: Converted, planned: ConvertPlan) -> str:
    from q8chat.core.units import seconds, size

    went_on = f", {made.continued} tensors were there already" if made.continued else ""
    speed = size(planned.source_bytes / max(made.seconds, 1e-3))
    return f"{made.path}: {size(made.size)} in {seconds(made.seconds)} ({speed}/s{went_on})."
