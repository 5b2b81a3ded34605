"""`q8chat chat`: turns in the terminal."""

from __future__ import annotations

import argparse

from q8chat.cli.get import local_path
from q8chat.cli.parser import Commands
from q8chat.core.errors import UsageError
from q8chat.runtime.sampling import Sampling


def add(commands: Commands) -> None:
    """Describe the verb to argparse."""
    chat = commands.add_parser("chat", help="chat with a model in the terminal")
    chat.add_argument(
        "model", metavar="MODEL", help="a GGUF file, or publisher/name:Q4_K_M, which is fetched first if needed"
    )
    chat.add_argument("-p", "--prompt", help='answer this and exit ("-": read it from standard input)')
    chat.add_argument("--system", default="", help="system prompt")
    chat.add_argument("--json", action="store_true", help="print one JSON object with text and figures")
    chat.add_argument("--ctx", type=int, default=0, metavar="N", help="context length in tokens")
    chat.add_argument("--threads", type=int, default=0, metavar="N", help="fixed number of threads")
    chat.add_argument("--kv-type", default="f16", metavar="T", help="of the KV cache: f16, q8_0 or q4_0")
    chat.add_argument("--no-mmap", action="store_true", help="read the file into memory instead of mapping it")
    chat.add_argument("--template", default="", metavar="NAME", help="built-in chat template, e.g. ChatML")
    chat.add_argument(
        "--overflow", choices=("drop_oldest", "stop"), default="drop_oldest", help="when the context is full"
    )
    for name, default in Sampling().to_dict().items():
        chat.add_argument(
            f"--{name.replace('_', '-')}",
            type=type(default),
            default=default,
            metavar="N" if isinstance(default, int) else "X",
            help=f"sampling (default {default})",
        )
    chat.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from q8chat import terminal_chat
    from q8chat.runtime.fallback_templates import FALLBACKS
    from q8chat.runtime.footprint import KV_TYPES

    if options.template and options.template not in FALLBACKS:
        raise UsageError(f"There is no template {options.template!r}.", f"There are: {', '.join(FALLBACKS)}.")
    if options.kv_type not in KV_TYPES:
        raise UsageError(f"There is no KV cache type {options.kv_type!r}.", f"There are: {', '.join(KV_TYPES)}.")
    if options.ctx < 0 or options.threads < 0:
        raise UsageError("--ctx and --threads can't be negative.")
    if options.json and options.prompt is None:
        raise UsageError("--json needs -p PROMPT.")
    options.model = local_path(options.model, quiet=options.json)
    return terminal_chat.run(options)
