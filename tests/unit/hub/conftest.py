"""A hub of our own for each test; the environment names it and its token."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.hub_environment import use_hub
from tests.fakes.hub_server import HubServer


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    with HubServer() as server:
        use_hub(monkeypatch, server, tmp_path_factory.mktemp("hf_home"))
        monkeypatch.setenv("HF_TOKEN", server.token)
        yield server


@pytest.fixture
def anonymous(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> HubServer:
    """The same without a token."""
    monkeypatch.delenv("HF_TOKEN")
    return hub
