"""`q8chat models`: what is on this machine."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

from q8chat.cli.parser import EXIT_OK, Commands, plain
from q8chat.core import units
from q8chat.library.types import LibraryModel, ModelDetails, ScanResult

COLUMNS: tuple[tuple[str, Callable[[LibraryModel], str], bool], ...] = (  # heading, text, whether it is a number
    ("NAME", lambda m: m.name, False),
    ("FAMILY", lambda m: m.architecture, False),
    ("PARAMS", lambda m: units.parameters(m.parameters), True),
    ("QUANT", lambda m: m.quantization, False),
    ("SIZE", lambda m: units.size(m.size), True),
    ("CONTEXT", lambda m: units.count(m.context_length) if m.context_length else "", True),
    ("SOURCE", lambda m: m.source, False),
)


def add(commands: Commands) -> None:
    """Describe the verb to argparse."""
    models = commands.add_parser("models", help="the models on this machine")
    models.add_argument("--json", action="store_true", help="print one JSON object")
    models.add_argument("--details", metavar="MODEL", help="all about one model (a path, a name or REPO:QUANT)")
    models.add_argument(
        "--all-folders",
        action="store_true",
        help="look into all folders of other applications, also those not chosen",
    )
    models.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from q8chat.library import sources
    from q8chat.library.details import details
    from q8chat.library.find import find
    from q8chat.library.scan import scan

    chosen = sources.chosen_folders()
    if options.all_folders:
        chosen += tuple(known.path for known in sources.known_folders(chosen) if not known.chosen)
    result = scan(sources.folders(chosen))
    if options.details is None:
        _print(result, options.json)
        return EXIT_OK
    found = details(find(options.details, result.models).path, result.models)
    print(_as_json(found) if options.json else plain(_as_text(found)))
    return EXIT_OK


def _print(result: ScanResult, as_json: bool) -> None:
    if as_json:
        print(_as_json(result))
        return
    print(plain("\n".join(_table(result.models))) if result.models else "There are no models on this machine.")
    for model in result.models:
        if model.problem:
            print(plain(f"{model.name}: {model.problem}"), file=sys.stderr)
    for problem in result.problems:
        print(plain(f"{problem.message} {problem.hint}".strip()), file=sys.stderr)


def _table(models: tuple[LibraryModel, ...]) -> list[str]:
    rows = [[heading for heading, _, _ in COLUMNS], *([text(m) for _, text, _ in COLUMNS] for m in models)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(COLUMNS))]
    lines = []
    for row in rows:
        cells = zip(row, widths, COLUMNS, strict=True)
        lines.append("  ".join(c.rjust(w) if column[2] else c.ljust(w) for c, w, column in cells).rstrip())
    return lines


def _as_text(found: ModelDetails) -> str:
    origin = found.provenance
    lines = [(row.label, row.value) for row in found.rows]
    lines += [
        (f"Tensors in {t.name}", f"{t.share:.1%} of the bytes ({units.count(t.n_tensors)})") for t in found.types
    ]
    lines += [("Source", found.model.source), ("Repository", origin.repo), ("Revision", origin.revision)]
    lines += [
        ("Date", origin.date),
        ("Made from", origin.parent),
        ("Made by", origin.how),
        ("SHA-256", found.sha256),
    ]
    lines += [("Last used", found.model.last_used), ("Problem", found.model.problem)]
    lines += [("Chat template", f"{units.count(len(found.template))} characters" if found.template else "none")]
    shown = [(label, value) for label, value in lines if value]
    width = max(len(label) for label, _ in shown)
    return "\n".join([found.model.name, *(f"  {label.ljust(width)}  {value}" for label, value in shown)])


def _as_json(value: Any) -> str:
    import msgspec

    return json.dumps(msgspec.to_builtins(value), indent=2)
