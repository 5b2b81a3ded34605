"""`q8chat rm`: a model to the bin."""

from __future__ import annotations

import argparse
import sys

from q8chat.cli.parser import EXIT_ERROR, EXIT_OK, Commands, plain
from q8chat.core import units
from q8chat.core.errors import UsageError


def add(commands: Commands) -> None:
    """Describe the verb to argparse."""
    rm = commands.add_parser("rm", help="move a model of Q8 Chat's own folder to the bin")
    rm.add_argument("model", metavar="MODEL", help="a path, a name or REPO:QUANT")
    rm.add_argument("--yes", action="store_true", help="do not ask")
    rm.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from q8chat.library.change import check_own, delete
    from q8chat.library.find import find

    model = find(options.model)
    check_own(model)
    files = "" if len(model.files) == 1 else f", {len(model.files)} files"
    if not options.yes:
        if not sys.stdin.isatty():
            raise UsageError("Nobody can be asked here.", "Use --yes.")
        print(
            f"{model.path}\nMove {model.name} ({units.size(model.size)}{files}) to the bin? [y/N] ",
            end="",
            flush=True,
        )
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            print("Nothing was changed.")
            return EXIT_ERROR
    delete(model.path)
    print(f"{plain(model.name)} is in the bin now.")
    return EXIT_OK
