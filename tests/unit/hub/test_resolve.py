"""From what a user types to the files to fetch."""

from __future__ import annotations

import pytest

from q8chat.core.errors import HubError, RemoteFileNotFoundError, UsageError
from q8chat.hub.repo import repo_page
from q8chat.hub.resolve import looks_remote, parse_reference, resolve, select_checkpoint
from tests.fakes.hub_server import HubServer

FILES = (
    "m-Q4_K_M.gguf",
    "Q8_0/m-Q8_0-00001-of-00002.gguf",
    "Q8_0/m-Q8_0-00002-of-00002.gguf",
    "m-UD-Q4_K_XL.gguf",
    "m-f16.gguf",
    "broken-Q6_K-00001-of-00002.gguf",
    "../evil-Q2_K.gguf",
)


@pytest.fixture
def shelf(hub: HubServer) -> HubServer:
    hub.add_repo("org/m", {name: name for name in FILES}, card_data={"license": "mit"})
    return hub


@pytest.mark.parametrize(
    ("what", "files"),
    [
        ("", ["m-Q4_K_M.gguf"]),
        ("q4_k_m", ["m-Q4_K_M.gguf"]),
        ("M-Q4_K_M.GGUF", ["m-Q4_K_M.gguf"]),
        ("UD-Q4_K_XL", ["m-UD-Q4_K_XL.gguf"]),
        ("fp16", ["m-f16.gguf"]),
        ("Q8_0", ["Q8_0/m-Q8_0-00001-of-00002.gguf", "Q8_0/m-Q8_0-00002-of-00002.gguf"]),
        ("m-Q8_0-00002-of-00002.gguf", ["Q8_0/m-Q8_0-00001-of-00002.gguf", "Q8_0/m-Q8_0-00002-of-00002.gguf"]),
        ("Q8_0/m-Q8_0", ["Q8_0/m-Q8_0-00001-of-00002.gguf", "Q8_0/m-Q8_0-00002-of-00002.gguf"]),
    ],
)
def test_one_quantization(shelf: HubServer, what: str, files: list[str]) -> None:
    found = resolve("org/m", what)
    assert [f.path for f in found.files] == files
    assert found == resolve(f"org/m:{what}" if what else "org/m")
    commit = shelf.repos["org/m"].branches["main"]
    assert (found.repo, found.revision, found.licence) == ("org/m", commit, "mit")
    contents = shelf.repos["org/m"].commits[commit]
    assert [f.sha256 for f in found.files] == [contents[path].sha256 for path in files]
    assert found.size == sum(contents[path].size for path in files)


def test_what_is_not_there_names_what_is(shelf: HubServer) -> None:
    with pytest.raises(RemoteFileNotFoundError, match=r"no Q5_K_M\. There is: .*Q4_K_M") as caught:
        resolve("org/m:Q5_K_M")
    assert set(caught.value.hint.removeprefix("There is: ").rstrip(".").split(", ")) == {
        "Q4_K_M",
        "Q8_0",
        "UD-Q4_K_XL",
        "F16",
    }


@pytest.mark.parametrize(
    ("what", "said"), [("Q6_K", "1 of its 2 parts are missing"), ("Q2_K", "leaves its folder")]
)
def test_what_can_not_be_used_says_why(shelf: HubServer, what: str, said: str) -> None:
    with pytest.raises(RemoteFileNotFoundError, match=said):
        resolve("org/m", what)


def test_two_models_of_one_label_must_be_told_apart(hub: HubServer) -> None:
    hub.add_repo("org/m", dict.fromkeys(["1b-Q4_K_M.gguf", "7b-Q4_K_M.gguf"], b"x"))
    for what in ("", "Q4_K_M"):
        with pytest.raises(RemoteFileNotFoundError, match="several files") as caught:
            resolve("org/m", what)
        assert "1b-Q4_K_M.gguf, 7b-Q4_K_M.gguf" in caught.value.hint
    assert resolve("org/m", "7b-Q4_K_M.gguf").name == "7b-Q4_K_M"


def test_a_repository_without_gguf(hub: HubServer) -> None:
    hub.add_repo("org/weights", dict.fromkeys(["config.json", "model.safetensors"], b"x"))
    with pytest.raises(RemoteFileNotFoundError, match="a checkpoint that can be converted"):
        resolve("org/weights")
    chosen = select_checkpoint(repo_page("org/weights"))
    assert ([f.path for f in chosen.files], chosen.size) == (["config.json", "model.safetensors"], 2)
    hub.add_repo("org/nothing", {"x.bin": b"x"})
    with pytest.raises(RemoteFileNotFoundError, match="no GGUF file"):
        resolve("org/nothing")
    with pytest.raises(RemoteFileNotFoundError, match="no checkpoint"):
        select_checkpoint(repo_page("org/nothing"))


def test_only_unusable_files(hub: HubServer) -> None:
    hub.add_repo("org/m", {"../m-Q4_0.gguf": b"x"})
    with pytest.raises(HubError, match="no GGUF file that can be used"):
        resolve("org/m")


@pytest.mark.parametrize(
    "text", ["", "org/name:", ":Q4_0", "a/b/c:Q4_0", "../x", "C:\\x", "/abs/x.gguf", "org/na me"]
)
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(UsageError, match="is not a model on the hub"):
        parse_reference(text)


def test_references_and_paths() -> None:
    assert parse_reference(" org/name:sub/x.gguf ") == ("org/name", "sub/x.gguf")
    assert parse_reference("gpt2") == ("gpt2", "")
    remote = ["org/name:Q4_K_M", "org/na.me-1:x.gguf"]
    local = ["org/name", "x.gguf", "/a/b:c", "C:/x/y.gguf", "C:\\x", "./a:b", "name:Q4_0"]
    assert [looks_remote(text) for text in [*remote, *local]] == [True] * len(remote) + [False] * len(local)
