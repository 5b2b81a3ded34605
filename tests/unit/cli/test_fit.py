"""`q8chat fit` on a file here and on one on the hub: the same answer, for the header alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from q8chat.cli import run
from q8chat.cli.parser import EXIT_ERROR, EXIT_USAGE
from tests.fakes.hub_contents import FileContent
from tests.fakes.hub_environment import use_hub
from tests.fakes.hub_server import HubServer
from tests.unit.runtime.families import transformer


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with HubServer() as server:
        use_hub(monkeypatch, server, tmp_path)
        yield server


def told(capsys: pytest.CaptureFixture[str], *args: str) -> dict[str, Any]:
    assert run(["fit", *args, "--json"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_a_file_here(starter_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = told(capsys, str(starter_model), "--ctx", "512")
    assert (short["model"], short["n_ctx"], short["verdict"]) == (starter_model.name, 512, "fits")
    assert short["largest"] == short["trained"] == 8192
    parts = short["prediction"]["footprint"]
    assert short["prediction"]["total"] == sum(parts.values())
    small = told(capsys, str(starter_model), "--ctx", "512", "--kv-type", "q8_0", "--no-mmap")
    assert small["prediction"]["footprint"]["kv"] * 32 == parts["kv"] * 17  # 34 bytes for 32 numbers of 2 bytes
    assert small["prediction"]["footprint"]["weights_private"] == parts["weights_mapped"]
    assert told(capsys, str(starter_model))["n_ctx"] == 8192


def test_in_words(starter_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fit", str(starter_model)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{starter_model.name} fits: ")
    assert "\n    92.1 MiB  weights, mapped from the file\n" in out
    assert "Longest context that fits: 8,192 of 8,192 tokens.\n" in out
    assert "Kernels (share of the multiplied weights): " in out


def test_a_file_on_the_hub_by_its_header_alone(
    hub: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = transformer(tmp_path / "m-Q4_0.gguf", weights="Q4_0")
    hub.add_repo("org/m-GGUF", {path.name: FileContent(path)})
    here = told(capsys, str(path))
    for name in ("org/m-GGUF:Q4_0", f"org/m-GGUF:{path.name}"):
        there = told(capsys, name)
        assert there["prediction"] == here["prediction"]
        assert there["kernels"] == here["kernels"]
    assert hub.sent(f"org/m-GGUF/{path.name}") < path.stat().st_size / 10


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["no/such.gguf"], EXIT_ERROR, "There is no file no/such.gguf."),
        (["m.gguf", "--ctx", "-1"], EXIT_USAGE, "--ctx can't be negative."),
    ],
)
def test_bad_arguments(args: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fit", *args]) == code
    assert message in capsys.readouterr().err


def test_an_unknown_type_of_cache(starter_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fit", str(starter_model), "--kv-type", "q9"]) == EXIT_USAGE
    assert "There are: f16, q8_0, q4_0." in capsys.readouterr().err
    assert run(["chat", str(starter_model), "-p", "Hi", "--kv-type", "q9"]) == EXIT_USAGE
