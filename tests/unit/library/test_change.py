"""Renaming and deleting: only in our own folder, everything that belongs together, nothing overwritten."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from q8chat.core import paths
from q8chat.core.errors import LibraryError
from q8chat.gguf_files import provenance
from q8chat.gguf_files.provenance import Provenance
from q8chat.library import usage
from q8chat.library.change import delete, rename
from tests.unit.library.model_files import write_model


def own(name: str = "Tiny-Q4_0.gguf", **model: object) -> Path:
    path = write_model(paths.models_dir() / "me" / "tiny" / name, **model)  # type: ignore[arg-type]
    provenance.write(path, Provenance(repo="me/tiny"))
    return path


def own_shards(total: int = 3) -> list[Path]:
    return [own(f"Big-{n:05d}-of-{total:05d}.gguf", shard=(n, total)) for n in range(1, total + 1)]


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_rename_takes_what_is_known_about_it_along() -> None:
    path = own()
    data = path.read_bytes()
    usage.note_used(str(path))
    new = rename(str(path), "Small one é")
    assert new == str(path.with_name("Small one é.gguf"))
    assert names(path.parent) == [".Small one é.gguf.q8chat.json", "Small one é.gguf"]
    assert (Path(new).read_bytes(), provenance.read(Path(new)).repo) == (data, "me/tiny")
    assert list(usage.read()) == [new]


@pytest.mark.parametrize("suffix", ["", ".gguf", ".GGUF"])
def test_the_suffix_may_be_given(suffix: str) -> None:
    assert Path(rename(str(own()), "Other" + suffix)).name == "Other.gguf"


def test_the_same_name_again_is_fine() -> None:
    path = own()
    assert rename(str(path), path.name) == str(path)
    assert path.exists()


def test_all_shards_are_renamed() -> None:
    files = own_shards()
    new = rename(str(files[1]), "Large")
    assert new.endswith("Large-00001-of-00003.gguf")
    expected = [f"Large-{n:05d}-of-00003.gguf" for n in (1, 2, 3)]
    assert names(files[0].parent) == [*(f".{name}.q8chat.json" for name in expected), *expected]


@pytest.mark.parametrize("taken", ["Other.gguf", ".Other.gguf.q8chat.json"])
def test_nothing_is_overwritten(taken: str) -> None:
    path = own()
    (path.parent / taken).write_text("mine")
    before = names(path.parent)
    with pytest.raises(LibraryError, match=f"already a file {taken}"):
        rename(str(path), "Other")
    assert names(path.parent) == before
    assert (path.parent / taken).read_text() == "mine"


def test_when_one_shard_can_not_be_renamed_none_is() -> None:
    files = own_shards()
    (files[0].parent / "Large-00003-of-00003.gguf").write_text("mine")
    before = names(files[0].parent)
    with pytest.raises(LibraryError, match="Large-00003-of-00003"):
        rename(str(files[0]), "Large")
    assert names(files[0].parent) == before


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "empty"),
        (".gguf", "empty"),
        ("  ", "empty"),
        ("../escaped", "contains /"),
        ("/etc/escaped", "contains /"),
        ("a\\b", "contains"),
        ("a\0b", r"contains \\x00"),
        ("a\nb", r"contains \\n"),
        ("a:b", "contains :"),
        (".hidden", "ends"),
        ("dot.", "ends"),
        (" space", "ends"),
        ("CON", "reserved"),
        ("lpt1.Q4_0", "reserved"),
        ("x" * 300, "too long"),
        ("é" * 120, "too long"),
        ("mmproj-tiny", "no models"),
        ("tiny.imatrix", "no models"),
        ("Tiny-00001-of-00002", "no models"),
        (os.fsdecode(b"caf\xe9"), "contains"),
    ],
)
def test_names_that_can_not_be(name: str, says: str) -> None:
    path = own()
    before = names(path.parent)
    with pytest.raises(LibraryError, match=says) as caught:
        rename(str(path), name)
    str(caught.value).encode()
    assert names(path.parent) == before


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    return write_model(tmp_path / "user" / ".lmstudio" / "models" / "tiny.gguf")


@pytest.mark.parametrize("act", [lambda p: rename(p, "mine"), delete], ids=["rename", "delete"])
def test_what_is_not_ours_stays(act: Callable[[str], object], foreign: Path, starter_model: Path) -> None:
    (paths.models_dir() / "me").mkdir(parents=True)
    (paths.models_dir() / "me" / "linked").symlink_to(foreign.parent)
    for path in (foreign, paths.models_dir() / "me" / "linked" / "tiny.gguf", starter_model):
        with pytest.raises(LibraryError, match="does not belong to Q8 Chat"):
            act(str(path))
        assert path.exists()
    with pytest.raises(LibraryError, match="There is no model"):
        act(str(paths.models_dir() / "gone.gguf"))


@pytest.fixture
def q8chat_rm(home: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The real command with a bin of its own."""

    def run(*args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).parent / "q8chat"), "rm", *args]
        environment = {**os.environ, "HOME": str(home)}
        return subprocess.run(
            command, env=environment, input=stdin, capture_output=True, text=True, timeout=60, check=False
        )

    return run


def test_a_model_goes_to_the_bin(q8chat_rm: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    path, other = own(), own("Other-Q4_0.gguf")
    data = path.read_bytes()
    done = q8chat_rm(path.name, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert "in the bin" in done.stdout
    assert names(path.parent) == sorted([other.name, provenance.sidecar(other).name])
    trash = paths.data_dir().parent / "Trash"
    assert (trash / "files" / path.name).read_bytes() == data
    assert (trash / "files" / provenance.sidecar(path).name).exists()
    assert "Tiny-Q4_0.gguf" in (trash / "info" / f"{path.name}.trashinfo").read_text()


def test_all_shards_go_to_the_bin(q8chat_rm: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    files = own_shards()
    assert q8chat_rm("Big", "--yes").returncode == 0
    assert names(files[0].parent) == []
    assert len(names(paths.data_dir().parent / "Trash" / "files")) == 6


def test_without_a_bin_nothing_is_deleted(q8chat_rm: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    files = own_shards()
    before = names(files[0].parent)
    (paths.data_dir().parent / "Trash").write_text("in the way")
    done = q8chat_rm(str(files[0]), "--yes")
    assert (done.returncode, done.stdout) == (1, "")
    assert "can't be moved to the bin" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert names(files[0].parent) == before


def test_nothing_is_deleted_without_being_asked(q8chat_rm: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    path = own()
    done = q8chat_rm(path.name, stdin="y\n")
    assert (done.returncode, done.stderr) == (2, "q8chat: Nobody can be asked here. Use --yes.\n")
    assert path.exists()
