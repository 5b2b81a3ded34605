"""A keyring of the tests: PYTHON_KEYRING_BACKEND names it, Q8CHAT_TEST_KEYRING the file it consists of."""

from __future__ import annotations

import os
from pathlib import Path

from keyring.backend import KeyringBackend

NAME = f"{__name__}.FileKeyring"


def place() -> Path:
    """Where it keeps the one secret."""
    return Path(os.environ["Q8CHAT_TEST_KEYRING"])


class FileKeyring(KeyringBackend):
    """One secret."""

    priority = 1.0

    def get_password(self, service: str, username: str) -> str | None:
        return place().read_text() if place().exists() else None

    def set_password(self, service: str, username: str, password: str) -> None:
        place().write_text(password)

    def delete_password(self, service: str, username: str) -> None:
        place().unlink()
