"""`q8chat cpu`: what this machine is fast at."""

from __future__ import annotations

import argparse
import json

from q8chat.cli.parser import EXIT_OK, Commands


def add(commands: Commands) -> None:
    """Describe the verb to argparse."""
    cpu = commands.add_parser("cpu", help="what this machine is fast at, and what llama.cpp makes of it")
    cpu.add_argument("--json", action="store_true", help="print one JSON object")
    cpu.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from q8chat.hardware.report import machine_report
    from q8chat.runtime import native

    report = machine_report(native.system_info())
    print(json.dumps(report.to_dict(), indent=2) if options.json else report.to_text())
    return EXIT_OK
