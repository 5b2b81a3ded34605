"""A real history in a real file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from q8chat.chat.store import Store


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Where the history is, or will be."""
    return tmp_path / "data" / "chat.sqlite3"


@pytest.fixture
def store(history: Path) -> Iterator[Store]:
    with Store(history) as opened:
        yield opened
