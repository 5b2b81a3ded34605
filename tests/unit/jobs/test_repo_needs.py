"""What all quantizations of a repository take, told from one header fetched from the hub of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from q8chat.core.errors import HubUnreachableError
from q8chat.core.progress import Cancel
from q8chat.gguf_files.header import Header, parse_header
from q8chat.hub import client
from q8chat.hub.repo import repo_page
from q8chat.jobs.other_quantizations import base_mix, in_other_quantization
from q8chat.jobs.repo_calls import AskedRepo, RepoNeeds, repo_needs
from q8chat.runtime.kernels import kernel_report, this_machine
from q8chat.runtime.measured_prediction import Predictor
from tests.fakes.hub_contents import RandomContent
from tests.fakes.hub_environment import use_hub
from tests.fakes.hub_models import HollowContent, Shape
from tests.fakes.hub_server import HubServer

REPO = "org/Tiny-GGUF"
SHAPE = Shape(4, 512, 1536, 8, 4, 2048, 16384)
LABELS = ("Q4_0", "Q4_K_M", "Q8_0", "F16")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with HubServer() as server:
        use_hub(monkeypatch, server, tmp_path)
        yield server


def models(folder: Path, labels: tuple[str, ...] = LABELS) -> dict[str, HollowContent]:
    return {f"Tiny-{label}.gguf": SHAPE.write(folder / "m.gguf", label) for label in labels}


def ask(n_ctx: int = 0, repo: str = REPO, **more: Any) -> RepoNeeds:
    page = repo_page(repo)
    asked = AskedRepo(repo=page.repo, revision=page.revision, quantizations=page.quantizations, n_ctx=n_ctx, **more)
    return repo_needs(asked, Cancel())


def header_of(content: HollowContent, name: str) -> Header:
    return parse_header(BytesIO(content.header), Path(name), content.size)


def headers_fetched(hub: HubServer) -> set[str]:
    return {r.path.rpartition("/")[2] for r in hub.requests if ".gguf" in r.path and r.origin == "hub"}


def test_one_header_tells_of_all_of_them_exactly(hub: HubServer, tmp_path: Path) -> None:
    files = models(tmp_path)
    hub.add_repo(REPO, files)
    needs = ask(4096)
    assert headers_fetched(hub) == {"Tiny-Q4_K_M.gguf"}
    assert (needs.n_ctx, needs.trained) == (4096, 16384)
    for name, content in files.items():
        row = next(r for r in needs.rows if f"{r.name}.gguf" == name)
        real = [header_of(content, name)]
        assert row.total == pytest.approx(Predictor(real).needs(4096), rel=0.005)
        assert not row.about
        assert row.kernels == kernel_report(real, this_machine())
    assert needs.recommended in {r.name for r in needs.rows}
    assert needs.reason


def test_another_context_asks_nobody_and_needs_more(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repo(REPO, models(tmp_path))
    short = ask(2048)
    asked = [r.path for r in hub.requests if ".gguf" in r.path]
    long = ask(16384)
    assert [r.path for r in hub.requests if ".gguf" in r.path] == asked
    assert all(b.total > a.total for a, b in zip(short.rows, long.rows, strict=True))
    assert ask(1 << 20).n_ctx == 16384  # the longest it was made for


def test_another_model_in_the_repository_is_estimated_from_its_size(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repo("org/Two", {**models(tmp_path, ("Q4_K_M",)), "Other-Q8_0.gguf": RandomContent(300 << 20)})
    rows = {r.name: r for r in ask(repo="org/Two").rows}
    assert rows["Other-Q8_0"].about
    assert rows["Other-Q8_0"].total > 300 << 20
    assert not rows["Tiny-Q4_K_M"].about


def test_a_header_that_can_not_be_read(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repo("org/Gated", models(tmp_path), gated="auto")
    needs = ask(repo="org/Gated", gated=True)
    assert all(row.about for row in needs.rows)
    assert "access is granted" in needs.note
    hub.repos["org/Gated"].gated = False
    assert not any(row.about for row in ask(repo="org/Gated").rows)


def test_rows_that_can_not_be_used_are_left_out(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repo("org/Half", {**models(tmp_path, ("Q8_0",)), "Tiny-Q6_K-00001-of-00002.gguf": RandomContent(9000)})
    assert [row.name for row in ask(repo="org/Half").rows] == ["Tiny-Q8_0"]


def test_nothing_fits_a_machine_without_memory(hub: HubServer, tmp_path: Path) -> None:
    hub.add_repo(REPO, models(tmp_path))
    needs = ask(freed=-(1 << 50))
    assert {row.verdict for row in needs.rows} == {"too big"}
    assert needs.recommended == needs.reason == ""


def test_a_hub_that_went_away_is_an_error(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add_repo(REPO, models(tmp_path))
    page = repo_page(REPO)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    client.reach.forget()
    with pytest.raises(HubUnreachableError):
        asked = AskedRepo(repo="org/never-seen", revision=page.revision, quantizations=page.quantizations)
        repo_needs(asked, Cancel())


@pytest.mark.parametrize(
    ("label", "mix"),
    [
        ("Q4_K_M", "Q4_K_M"),
        ("UD-Q4_K_XL", "Q4_K_M"),
        ("Q4_K_L", "Q4_K_M"),
        ("Q6_K_L", "Q6_K"),
        ("fancy", ""),
        ("", ""),
    ],
)
def test_which_mix_a_label_stands_for(label: str, mix: str) -> None:
    assert base_mix(label) == mix


def test_no_guess_without_a_label_or_with_unknown_types(tmp_path: Path) -> None:
    header = header_of(SHAPE.write(tmp_path / "m.gguf", "Q8_0"), "m.gguf")
    assert in_other_quantization([header], "", 1) is None
    assert in_other_quantization([header], "Q4_0", 1) is not None
