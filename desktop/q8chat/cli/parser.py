"""What the verbs share: exit codes and the parser that complains in one line."""

from __future__ import annotations

import argparse
from typing import NoReturn, TypeAlias

from q8chat.core.errors import UsageError

EXIT_OK, EXIT_ERROR, EXIT_USAGE = 0, 1, 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """In one line, where argparse would print the whole usage too."""
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", f"See {self.prog} --help.")


Commands: TypeAlias = "argparse._SubParsersAction[Parser]"


def plain(text: str) -> str:
    """For the terminal: names and metadata of files are a stranger's and may hold escape sequences."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
