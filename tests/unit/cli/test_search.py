"""`q8chat search` against a hub of our own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from q8chat.cli import run
from tests.fakes.hub_environment import use_hub
from tests.fakes.hub_server import HubServer, RandomContent


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with HubServer() as server:
        use_hub(monkeypatch, server, tmp_path)
        about = {"gguf": {"total": 1_000_000}, "card_data": {"license": "mit"}, "gated": "auto", "downloads": 12345}
        files = {
            "s-Q4_K_M.gguf": RandomContent(600_000),
            "s-Q8_0-00001-of-00002.gguf": RandomContent(600_000),
            "s-Q8_0-00002-of-00002.gguf": RandomContent(500_000),
            "s-\x1b[2JQ6_K.gguf": b"x",
        }
        server.add_repo("org/smol-GGUF", files, **about)
        server.add_repo("org/other-GGUF", {}, gguf={"total": 7_241_732_096}, downloads=3)
        yield server


def test_hits(hub: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "org", "--limit", "1"]) == 0
    out = capsys.readouterr().out
    assert [line.split() for line in out.splitlines()] == [
        ["REPOSITORY", "KIND", "WEIGHTS", "DOWNLOADS", "LIKES", "UPDATED", "LICENCE"],
        ["org/smol-GGUF", "GGUF", "1M", "12,345", "0", "2026-01-02", "mit", "gated"],
        [],
        ["There", "is", "more:", "add", "--cursor", "1"],
    ]
    assert run(["search", "org", "--cursor", "1", "--json"]) == 0
    page = json.loads(capsys.readouterr().out)
    assert [(hit["repo"], hit["parameters"]) for hit in page["hits"]] == [("org/other-GGUF", 7_241_732_096)]
    assert run(["search", "there", "is", "none"]) == 0
    assert capsys.readouterr().out == "Nothing found.\n"


def test_all_quantizations_of_a_repository(hub: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "--repo", "org/smol-GGUF"]) == 0
    out = capsys.readouterr().out
    assert "Licence: mit\nGated: accept its terms" in out
    table = [line.split() for line in out.splitlines()[4:]]
    assert table[0] == ["TYPE", "SIZE", "BITS", "FILE"]
    assert ["Q4_K_M", "586", "KiB", "4.80", "s-Q4_K_M.gguf", "recommended"] in table
    assert ["Q8_0", "1.0", "MiB", "8.80", "s-Q8_0-00001-of-00002.gguf", "(+1", "more)"] in table
    assert "invisible characters" in out
    assert "\x1b" not in out
    assert run(["search", "--repo", "org/smol-GGUF", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["quantizations"]
    assert [row["size"] for row in rows] == [1, 600_000, 1_100_000]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--repo", "org/none"], 1, "There is no repository org/none"),
        (["--repo", "org/smol-GGUF", "--revision", "v2"], 1, "has no revision 'v2'"),
        (["--repo", "org/smol-GGUF", "words"], 2, "do not go together"),
        (["x", "--limit", "0"], 2, "is not possible"),
        (["x", "--sort", "size"], 2, "invalid choice"),
    ],
)
def test_errors_are_one_line(
    hub: HubServer, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    assert run(["search", *arguments]) == code
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err


def test_no_hub_is_said_within_three_seconds(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """With starting Python and everything."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    started = time.monotonic()
    command = [sys.executable, "-m", "q8chat", "search", "x"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert time.monotonic() - started < 3.0
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("q8chat: 127.0.0.1 can't be reached.")
