"""`q8chat imatrix`: which columns of the weights matter, from text the user names."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from q8chat.cli.parser import EXIT_OK, Commands
from q8chat.core.errors import UsageError

RESUME = "Stopped. The same command goes on from here."


def add(commands: Commands) -> None:
    """Describe the verb to argparse."""
    verb = commands.add_parser("imatrix", help="make an importance matrix, for better quantization")
    verb.add_argument("model", metavar="MODEL", help="a GGUF file, or a model of the library")
    verb.add_argument(
        "--text", action="append", type=Path, default=[], metavar="PATH", help="text file or folder; repeatable"
    )
    verb.add_argument("--conversations", action="store_true", help="your own conversations")
    verb.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: MODEL.imatrix.gguf")
    verb.add_argument("--chunk-size", type=int, default=512, metavar="N", help="tokens read at once (default 512)")
    verb.add_argument("--chunks", type=int, default=0, metavar="N", help="at most so many chunks (default: all)")
    verb.add_argument("--process-output", action="store_true", help="the output matrix too")
    verb.add_argument("--threads", type=int, default=0, metavar="N")
    verb.add_argument("--overwrite", action="store_true", help="replace the file if it is there")
    verb.add_argument("--json", action="store_true", help="print one JSON object")
    verb.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if not options.text and not options.conversations:
        raise UsageError("There is no text to read.", "Give --text PATH or --conversations.")
    from q8chat.cli.progress import shown
    from q8chat.jobs import imatrix
    from q8chat.library.find import find
    from q8chat.quantize.make_imatrix import ImatrixOptions

    model = Path(find(options.model).path)
    out = options.output or Path(model.name.removesuffix(".gguf") + ".imatrix.gguf")
    settings = ImatrixOptions(
        options.chunk_size, options.chunks, options.process_output, options.threads, options.overwrite
    )
    with shown(f"Reading with {model.name}", quiet=options.json, on_stop=RESUME) as (progress, cancel):
        made = imatrix.run(
            model,
            out,
            texts=tuple(options.text),
            conversations=options.conversations,
            options=settings,
            progress=progress,
            cancel=cancel,
        )
    if options.json:
        print(json.dumps(asdict(made)))
    else:
        print(f"{made.path}: {made.weights} weights, {made.chunks} chunks of {settings.chunk_size} tokens.")
    return EXIT_OK
