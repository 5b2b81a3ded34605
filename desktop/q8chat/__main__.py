"""Composition root: child roles first (before Qt is imported), then CLI verbs, the window by default."""

from __future__ import annotations

import sys

CLI_VERBS = {"chat", "cpu", "-h", "--help", "--version"}


def main(argv: list[str] | None = None) -> int:
    """Run what the arguments ask for; returns the exit code."""
    args = sys.argv[1:] if argv is None else argv
    if args[:1] == ["engine"]:
        from q8chat.runtime import child

        child.main()
        return 0
    if args and (args[0] in CLI_VERBS or not args[0].endswith(".gguf")):
        from q8chat import cli

        return cli.run(args)
    from q8chat.gui import app

    return app.run(args)


if __name__ == "__main__":
    sys.exit(main())
