"""The command line: the same engine as the window, without Qt."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from q8chat import __version__
from q8chat.core.errors import Q8Error, UsageError
from q8chat.runtime.sampling import Sampling

EXIT_OK, EXIT_ERROR, EXIT_USAGE = 0, 1, 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def run(args: Sequence[str]) -> int:
    """Run one command; returns the exit code. Errors are one line on stderr."""
    try:
        options = _parser().parse_args(args)
        code: int = options.run(options)
        sys.stdout.flush()
        return code
    except UsageError as e:
        print(f"q8chat: {e}", file=sys.stderr)
        return EXIT_USAGE
    except Q8Error as e:
        print(f"q8chat: {e}", file=sys.stderr)
        return EXIT_ERROR
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more at exit
        return EXIT_ERROR
    except OSError as e:  # e.g. no room for what the output is redirected to
        print(f"q8chat: {e.strerror or e}.", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_ERROR
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """In one line, where argparse would print the whole usage too."""
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", f"See {self.prog} --help.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="q8chat",
        description="Private chat with language models on your own CPU. Without a command the window opens.",
    )
    parser.add_argument("--version", action="version", version=f"q8chat {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_chat(commands)
    cpu = commands.add_parser("cpu", help="what this machine is fast at, and what llama.cpp makes of it")
    cpu.add_argument("--json", action="store_true", help="print one JSON object")
    cpu.set_defaults(run=_cpu)
    return parser


def _add_chat(commands: argparse._SubParsersAction[_Parser]) -> None:
    chat = commands.add_parser("chat", help="chat with a model in the terminal")
    chat.add_argument("model", metavar="MODEL.gguf")
    chat.add_argument("-p", "--prompt", help='answer this and exit ("-": read it from standard input)')
    chat.add_argument("--system", default="", help="system prompt")
    chat.add_argument("--json", action="store_true", help="print one JSON object with text and figures")
    chat.add_argument("--ctx", type=int, default=0, metavar="N", help="context length in tokens")
    chat.add_argument("--threads", type=int, default=0, metavar="N", help="fixed number of threads")
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
    chat.set_defaults(run=_chat)


def _chat(options: argparse.Namespace) -> int:
    from q8chat import terminal_chat
    from q8chat.runtime.fallback_templates import FALLBACKS

    if options.template and options.template not in FALLBACKS:
        raise UsageError(f"There is no template {options.template!r}.", f"There are: {', '.join(FALLBACKS)}.")
    if options.ctx < 0 or options.threads < 0:
        raise UsageError("--ctx and --threads can't be negative.")
    if options.json and options.prompt is None:
        raise UsageError("--json needs -p PROMPT.")
    return terminal_chat.run(options)


def _cpu(options: argparse.Namespace) -> int:
    from q8chat.hardware.report import machine_report
    from q8chat.runtime import native

    report = machine_report(native.system_info())
    print(json.dumps(report.to_dict(), indent=2) if options.json else report.to_text())
    return EXIT_OK
