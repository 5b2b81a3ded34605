"""The page of a repository."""

from __future__ import annotations

import msgspec
import pytest

from q8chat.hub.repo import MAX_CARD, repo_page, without_front_matter
from q8chat.hub.types import RepoPage
from tests.fakes.hub_server import HubServer, RandomContent

CARD = "---\nlicense: other\ntags:\n- x\n---\n\n# Smol\n\nText\n\n---\n\nmore\n"


def test_everything_a_page_says(hub: HubServer) -> None:
    repo = hub.add_repo(
        "org/smol-GGUF",
        {
            "smol-Q4_K_M.gguf": RandomContent(80_000),
            "f16/smol-f16.gguf": RandomContent(250_000),
            "mmproj-smol-f16.gguf": b"GGUF",
            "imatrix.dat": b"x",
        },
        card=CARD,
        card_data={
            "license": "other",
            "license_name": "smol-licence",
            "license_link": "LICENSE.md",
            "base_model": "org/smol",
        },
        gguf={"total": 125_000, "architecture": "llama", "context_length": 8192},
        gated="auto",
        downloads=5,
        likes=6,
    )
    page = repo_page("org/smol-GGUF")
    commit = repo.branches["main"]
    assert (page.revision, page.asked_revision, page.gated) == (commit, "main", "auto")
    assert page.card == "# Smol\n\nText\n\n---\n\nmore"
    assert page.licence == "smol-licence"
    assert page.licence_link == f"{hub.endpoint}/org/smol-GGUF/blob/{commit}/LICENSE.md"
    assert (page.architecture, page.parameters, page.context_length) == ("llama", 125_000, 8192)
    assert (page.downloads, page.likes, page.base_models) == (5, 6, ("org/smol",))
    rows = [(row.label, row.size, row.bits_per_weight, row.files[0].path) for row in page.quantizations]
    assert rows == [("Q4_K_M", 80_000, 5.12, "smol-Q4_K_M.gguf"), ("F16", 250_000, 16.0, "f16/smol-f16.gguf")]
    assert page.quantizations[0].files[0].sha256 == repo.commits[commit]["smol-Q4_K_M.gguf"].sha256
    assert page.recommended == "smol-Q4_K_M"
    assert [f.path for f in page.projectors] == ["mmproj-smol-f16.gguf"]
    assert hub.leaks == []
    assert msgspec.json.decode(msgspec.json.encode(page), type=RepoPage) == page


def test_an_older_revision(hub: HubServer) -> None:
    repo = hub.add_repo("org/m", {"m-Q4_0.gguf": b"old"})
    old = repo.branches["main"]
    repo.commit({"m-Q8_0.gguf": b"newer"})
    assert [row.label for row in repo_page("org/m").quantizations] == ["Q8_0"]
    page = repo_page("org/m", old)
    assert ([row.label for row in page.quantizations], page.revision) == (["Q4_0"], old)


def test_a_card_that_is_kept_back_is_no_obstacle(anonymous: HubServer) -> None:
    anonymous.add_repo("org/m", {"m-Q4_0.gguf": b"x"}, card=CARD, gated="manual")
    page = repo_page("org/m")
    assert (page.card, page.gated, len(page.quantizations)) == ("", "manual", 1)


def test_a_card_that_fails_is_no_obstacle(hub: HubServer) -> None:
    hub.add_repo("org/m", {"m-Q4_0.gguf": b"x"}, card=CARD)
    hub.fault("/org/m/resolve", status=503)
    page = repo_page("org/m")
    assert (page.card, len(page.quantizations)) == ("", 1)


def test_an_endless_card_is_cut(hub: HubServer) -> None:
    hub.add_repo("org/m", {"README.md": RandomContent(64 << 20)})
    assert 1000 < len(repo_page("org/m").card) <= MAX_CARD
    assert hub.sent("org/m/README.md") < 32 << 20  # what the kernel takes in advance included


def test_without_a_card_it_is_one_request(hub: HubServer) -> None:
    hub.add_repo("org/m", {}, card=CARD)
    assert repo_page("org/m", with_card=False).card == ""
    assert len(hub.requests) == 1


@pytest.mark.parametrize(
    ("card", "text"),
    [
        ("# Only text", "# Only text"),
        ("---\r\na: b\r\n---\r\ntext", "text"),
        ("\ufeff---\na: b\n---\ntext", "text"),
        ("---\na: b\n---", ""),
        ("---\nnever closed", "---\nnever closed"),
        ("text\n---\na\n---\n", "text\n---\na\n---"),
        ("", ""),
    ],
)
def test_front_matter(card: str, text: str) -> None:
    assert without_front_matter(card) == text


def test_names_that_can_not_be_used_are_listed_with_the_reason(hub: HubServer) -> None:
    bad = ["../m-Q4_0.gguf", "nul.gguf", "a:b-Q8_0.gguf", "x" * 250 + ".gguf"]
    hub.add_repo("org/m", dict.fromkeys([*bad, "m-Q2_K.gguf"], b"x"))
    page = repo_page("org/m")
    assert sorted(f.path for f in page.unusable) == sorted(bad)
    assert all(f.problem for f in page.unusable)
    assert [row.label for row in page.quantizations if not row.problem] == ["Q2_K"]
    assert page.recommended == "m-Q2_K"


def test_a_checkpoint(hub: HubServer) -> None:
    files = ["config.json", "tokenizer.json", "tokenizer_config.json", "model-00001-of-00002.safetensors"]
    files += ["model-00002-of-00002.safetensors", "model.safetensors.index.json", "generation_config.json"]
    others = [
        "pytorch_model.bin",
        "consolidated.safetensors",
        "onnx/model.onnx",
        "training_args.bin",
        "sub/config.json",
    ]
    numbers = {"parameters": {"BF16": 10}, "total": 10}
    hub.add_repo(
        "org/m", dict.fromkeys([*files, *others], b"x"), safetensors=numbers, config={"model_type": "llama"}
    )
    page = repo_page("org/m")
    assert [f.path for f in page.checkpoint] == sorted(files)
    assert (page.architecture, page.parameters, page.quantizations) == ("llama", 10, ())


@pytest.mark.parametrize(
    "files",
    [
        ["model.safetensors"],
        ["config.json", "pytorch_model.bin"],
        ["config.json", "adapter_model.safetensors", "adapter_config.json"],
        ["config.json", "unet/model.safetensors"],
    ],
)
def test_what_is_no_checkpoint(hub: HubServer, files: list[str]) -> None:
    hub.add_repo("org/m", dict.fromkeys(files, b"x"))
    assert repo_page("org/m").checkpoint == ()


@pytest.mark.parametrize(
    ("data", "licence", "link"),
    [
        ({}, "", ""),
        ({"license": "mit"}, "mit", ""),
        ({"license": ["mit", "apache-2.0"]}, "mit, apache-2.0", ""),
        ({"license": "other", "license_link": "https://x.example/l"}, "other", "https://x.example/l"),
        ({"license": "other", "license_link": "javascript:alert(1)"}, "other", ""),
        ({"license": "other", "license_link": "../../x"}, "other", ""),
    ],
)
def test_licences(hub: HubServer, data: dict[str, object], licence: str, link: str) -> None:
    hub.add_repo("org/m", {}, card_data=data)
    page = repo_page("org/m")
    assert (page.licence, page.licence_link) == (licence, link)


def test_numbers_of_strangers(hub: HubServer) -> None:
    hub.add_repo("org/m", {"m-Q4_0.gguf": b"x"}, gguf={"total": -5, "architecture": None, "context_length": "many"})
    page = repo_page("org/m")
    assert (page.parameters, page.architecture, page.context_length) == (0, "", 0)
    assert page.quantizations[0].bits_per_weight == 0.0
