"""A file read over ranges is the same file, however it is read and whatever the server can do."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from q8chat.hub import ranges
from q8chat.hub.connection import talking_to_hub
from q8chat.hub.ranges import RemoteBytes, TooMuchError
from tests.fakes.hub_environment import use_hub
from tests.fakes.hub_server import HubServer, RandomContent

CONTENT = RandomContent(300_000, seed=5)
WAYS = {"able": "yes", "unable": "none", "confused": "wrong"}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    """Three servers' worth of the same file."""
    with HubServer() as hub, pytest.MonkeyPatch.context() as monkeypatch:
        use_hub(monkeypatch, hub, tmp_path_factory.mktemp("hf_home"))
        monkeypatch.setattr(ranges, "FIRST", 1000)
        for name, way in WAYS.items():
            hub.add_repo(f"org/{name}", {"m.gguf": CONTENT})
            hub.fault(f"org/{name}/m.gguf", ranges=way)
        yield hub


def _open(hub: HubServer, name: str, limit: int = 1 << 30) -> RemoteBytes:
    url = f"{hub.storage}/org/{name}/{hub.repos[f'org/{name}'].branches['main']}/m.gguf"
    return RemoteBytes(url, {"Accept-Encoding": "identity"}, CONTENT.size, limit)


STEPS = st.tuples(st.sampled_from([0, 1]), st.integers(-2_000, 310_000), st.integers(0, 9_000))


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(list(WAYS)), steps=st.lists(STEPS, min_size=1, max_size=6))
def test_it_is_like_the_file(shelf: HubServer, name: str, steps: list[tuple[int, int, int]]) -> None:
    local = io.BytesIO(CONTENT.read(0, CONTENT.size))
    with talking_to_hub(), _open(shelf, name) as raw:
        remote = io.BufferedReader(raw, 512)
        for whence, offset, length in steps:
            place = max(0, offset + (local.tell() if whence else 0))
            local.seek(place)
            remote.seek(place)
            assert remote.read(length) == local.read(length)
            assert remote.tell() == local.tell()


@pytest.mark.parametrize("name", WAYS)
def test_no_more_than_allowed_is_fetched(shelf: HubServer, name: str) -> None:
    with talking_to_hub(), _open(shelf, name, limit=100_000) as raw:
        with pytest.raises(TooMuchError):
            io.BufferedReader(raw).read(200_000)
        assert len(raw._kept) <= 100_000


def test_ranges_grow(shelf: HubServer) -> None:
    shelf.requests.clear()
    with talking_to_hub(), _open(shelf, "able") as raw:
        raw.seek(10)
        assert io.BufferedReader(raw).read(6_000) == CONTENT.read(10, 6_000)
    asked = [r.range for r in shelf.requests]
    assert asked == ["bytes=10-1009", "bytes=1010-3009", "bytes=3010-7009"]
