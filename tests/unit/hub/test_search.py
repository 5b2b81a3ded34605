"""Searching, with the real client against a hub of our own."""

from __future__ import annotations

import pytest

from q8chat.core.errors import UsageError
from q8chat.hub.search import search
from q8chat.hub.types import RepoHit, Sort
from tests.fakes.hub_server import HubServer

ABOUT = {"architecture": "llama", "context_length": 8192}


@pytest.fixture
def shelf(hub: HubServer) -> HubServer:
    """Some of everything."""
    hub.add_repo(
        "org/smol-GGUF",
        {},
        gguf={"total": 134_515_008, **ABOUT},
        card_data={"license": "apache-2.0"},
        downloads=50,
        likes=7,
        trending=1,
        updated="2026-03-01T10:00:00.000Z",
    )
    hub.add_repo("org/big-GGUF", {}, gguf={"total": 7 * 10**9, **ABOUT}, downloads=90, gated="manual", trending=5)
    hub.add_repo("lab/odd-gguf", {}, tags=("gguf",), downloads=1, likes=9, updated="2026-05-01T10:00:00.000Z")
    weights = {"safetensors": {"parameters": {"BF16": 10}, "total": 134_515_008}, "library": "transformers"}
    llama = {"config": {"model_type": "llama"}}
    hub.add_repo("org/smol", {}, **weights, **llama, downloads=70, tags=("text-generation",))
    for tag in ("gptq", "mlx", "peft"):
        hub.add_repo(f"org/smol-{tag}", {}, **weights, tags=(tag,), downloads=60)
    hub.add_repo("org/paint-smol", {}, tags=("diffusers",))
    hub.add_repo("org/mine-GGUF", {}, gguf={"total": 1}, private=True)
    return hub


def test_a_hit_says_what_the_hub_tells(shelf: HubServer) -> None:
    assert search("smol").hits == (
        RepoHit(
            repo="org/smol-GGUF",
            kind="gguf",
            downloads=50,
            likes=7,
            updated="2026-03-01T10:00:00Z",
            licence="apache-2.0",
            architecture="llama",
            parameters=134_515_008,
            context_length=8192,
        ),
    )
    assert search("big").hits[0].gated == "manual"


def test_private_ones_are_for_those_with_a_token(shelf: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [hit.private for hit in search("mine").hits] == [True]
    monkeypatch.delenv("HF_TOKEN")
    assert search("mine").hits == ()


def test_checkpoints_that_can_be_converted(shelf: HubServer) -> None:
    (hit,) = search("smol", kind="checkpoint").hits
    assert (hit.repo, hit.kind, hit.publisher) == ("org/smol", "checkpoint", "org")
    assert (hit.architecture, hit.parameters) == ("llama", 134_515_008)


def test_any(shelf: HubServer) -> None:
    found = {hit.repo: hit.kind for hit in search("smol", kind="any").hits}
    assert found == {"org/smol-GGUF": "gguf", "org/smol": "checkpoint"}


@pytest.mark.parametrize(
    ("sort", "first"),
    [
        ("downloads", "org/big-GGUF"),
        ("likes", "lab/odd-gguf"),
        ("updated", "lab/odd-gguf"),
        ("trending", "org/big-GGUF"),
    ],
)
def test_sorting(shelf: HubServer, sort: Sort, first: str) -> None:
    hits = search("", sort=sort).hits
    assert hits[0].repo == first
    assert len(hits) == 4


def test_paging_asks_once_per_page_and_sees_everything_once(hub: HubServer) -> None:
    for i in range(7):
        hub.add_repo(f"org/m{i}", {}, gguf={"total": 1}, downloads=i)
    seen, cursor, pages = [], "", 0
    while pages == 0 or cursor:
        page = search("org", limit=3, cursor=cursor)
        assert len(page.hits) <= 3
        seen += [hit.repo for hit in page.hits]
        cursor, pages = page.cursor, pages + 1
    assert seen == [f"org/m{i}" for i in reversed(range(7))]
    assert len(hub.requests) == pages == 3


def test_what_is_dropped_is_made_up_for(hub: HubServer) -> None:
    weights = {"safetensors": {"parameters": {"BF16": 10}, "total": 10}, "library": "transformers"}
    for i in range(12):
        hub.add_repo(f"org/m{i}", {}, **weights, tags=("gptq",) if i % 3 else (), downloads=i)
    page = search("org", kind="checkpoint", limit=3)
    assert [hit.repo for hit in page.hits] == ["org/m9", "org/m6"]
    rest = search("org", kind="checkpoint", limit=3, cursor=page.cursor)
    assert ([hit.repo for hit in rest.hits], rest.cursor) == (["org/m3", "org/m0"], "")
    for i in range(50):
        hub.add_repo(f"lab/m{i}", {}, **weights, tags=("mlx",))
    hub.requests.clear()
    none = search("lab", kind="checkpoint", limit=3)
    assert (none.hits, bool(none.cursor), len(hub.requests)) == ((), True, 4)


def test_nothing_found(shelf: HubServer) -> None:
    page = search("nothing has this name")
    assert (page.hits, page.cursor) == ((), "")


def test_what_makes_no_sense_is_not_asked(shelf: HubServer) -> None:
    for options in ({"limit": 0}, {"limit": 101}, {"kind": "spaces"}, {"sort": "size"}):
        with pytest.raises(UsageError):
            search("x", **options)  # type: ignore[arg-type]
    assert shelf.requests == []
