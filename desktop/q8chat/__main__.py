"""Composition root: child roles first (before Qt is imported), then CLI verbs, the window by default."""

from __future__ import annotations

import sys
from importlib import import_module

# Each has a `main` that serves requests on stdin until it closes.
CHILD_ROLES = {
    "engine": "q8chat.runtime.child",
    "worker": "q8chat.jobs.worker_child",
    "job": "q8chat.jobs.job_child",
}
CLI_VERBS = {"chat", "cpu", "-h", "--help", "--version"}


def main(argv: list[str] | None = None) -> int:
    """Run what the arguments ask for; returns the exit code."""
    args = sys.argv[1:] if argv is None else argv
    if args and args[0] in CHILD_ROLES:
        import_module(CHILD_ROLES[args[0]]).main()
        return 0
    if args and (args[0] in CLI_VERBS or not args[0].endswith(".gguf")):
        from q8chat import cli

        return cli.run(args)
    from q8chat.gui import app

    return app.run(args)


if __name__ == "__main__":
    sys.exit(main())
