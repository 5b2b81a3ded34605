from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.runtime.engine_driver import Driver


@pytest.fixture(scope="module")
def shared_engine(starter_model: Path) -> Iterator[Driver]:
    """One engine with the starter model for all tests of a file."""
    driver = Driver()
    driver.load(starter_model)
    yield driver
    driver.client.close()


@pytest.fixture
def engine() -> Iterator[Driver]:
    """A fresh engine process without a model."""
    driver = Driver()
    yield driver
    driver.client.close()
