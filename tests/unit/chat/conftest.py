"""A real history in a real file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from q8chat.chat.store import Store
from tests.unit.chat.service_driver import ServiceDriver


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Where the history is, or will be."""
    return tmp_path / "data" / "chat.sqlite3"


@pytest.fixture
def store(history: Path) -> Iterator[Store]:
    with Store(history) as opened:
        yield opened


@pytest.fixture
def driver(history: Path) -> Iterator[ServiceDriver]:
    """A service without a model."""
    made = ServiceDriver(history)
    yield made
    made.service.close()
    assert made.engines() == []


@pytest.fixture(scope="module")
def shared(starter_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceDriver]:
    """One service with the starter model for all tests of a file."""
    made = ServiceDriver(tmp_path_factory.mktemp("shared") / "chat.sqlite3")
    assert made.load(starter_model).loaded
    yield made
    made.service.close()
