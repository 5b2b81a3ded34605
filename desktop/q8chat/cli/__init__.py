"""The command line: the same functions as the window, without Qt. A verb is a file here and a word in VERBS."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from q8chat import __version__
from q8chat.cli.parser import EXIT_ERROR, EXIT_INTERRUPTED, EXIT_USAGE, Parser
from q8chat.core.errors import Q8Error, UsageError

# In the order of the help text.
VERBS = ("chat", "search", "get", "fit", "models", "rm", "cpu", "imatrix", "convert", "quantize", "measure")


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


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="q8chat",
        description="Private chat with language models on your own CPU. Without a command the window opens.",
    )
    parser.add_argument("--version", action="version", version=f"q8chat {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for verb in VERBS:
        import_module(f"q8chat.cli.{verb}").add(commands)
    return parser
