"""Looking for models: real files, and everything that may be in the way."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from q8chat.core import paths
from q8chat.core.progress import Cancel, CancelledError, Progress
from q8chat.gguf_files import provenance
from q8chat.gguf_files.provenance import Provenance
from q8chat.library import sources, usage, walk
from q8chat.library.scan import scan, watch_paths
from q8chat.library.types import Folder, LibraryModel, ScanResult
from tests.unit.library.model_files import write_model


def look(folder: Path) -> ScanResult:
    return scan([Folder(str(folder), str(folder))])


def only(result: ScanResult) -> LibraryModel:
    assert len(result.models) == 1, [m.name for m in result.models]
    return result.models[0]


def test_the_starter_model_is_described(starter_model: Path) -> None:
    found = only(scan(sources.folders(())))
    assert (found.path, found.files) == (str(starter_model), (str(starter_model),))
    assert (found.name, found.repo) == ("SmolLM2-135M-Instruct.Q4_1", "HuggingFaceTB/SmolLM2-135M-Instruct")
    assert (found.architecture, found.parameters, found.quantization) == ("llama", 134_515_008, "Q4_1")
    assert (found.context_length, found.licence, found.size) == (8192, "apache-2.0", starter_model.stat().st_size)
    assert (found.source, found.writable, found.has_template) == ("Starter", False, True)
    assert (found.problem, found.last_used, found.shards, found.missing) == ("", "", 1, ())
    assert [share.name for share in found.mix] == ["Q4_1", "Q8_0", "F32"]
    assert sum(share.share for share in found.mix) == pytest.approx(1)


def test_our_own_folder_tells_repository_licence_and_use() -> None:
    path = write_model(paths.models_dir() / "me" / "tiny-GGUF" / "Tiny-Q4_0.gguf", licence="")
    provenance.write(path, Provenance(repo="other/tiny", licence="mit"))
    usage.note_used(str(path))
    found = next(m for m in scan(sources.folders(())).models if m.source == "Q8 Chat")
    assert (found.repo, found.licence, found.writable) == ("other/tiny", "mit", True)
    assert found.last_used.endswith("+00:00")
    provenance.sidecar(path).unlink()
    found = next(m for m in scan(sources.folders(())).models if m.source == "Q8 Chat")
    assert (found.repo, found.licence) == ("me/tiny-GGUF", "")


def test_parameters_and_mix_are_counted(tmp_path: Path) -> None:
    write_model(tmp_path / "tiny.gguf")
    found = only(look(tmp_path))
    assert found.parameters == 2 * 64 * 32 + 64
    assert [(s.name, s.n_tensors, s.n_bytes) for s in found.mix] == [
        ("Q8_0", 1, 64 * 34),
        ("Q4_0", 1, 64 * 18),
        ("F32", 1, 256),
    ]


@pytest.mark.parametrize(
    ("name", "file_type", "expected"),
    [
        ("tiny-Q8_0.gguf", 2, "Q4_0"),  # the header knows better than the name
        ("tiny-Q8_0.gguf", None, "Q8_0"),
        ("tiny.gguf", None, "Q8_0"),  # most bytes
        ("tiny-UD-Q4_K_XL.gguf", 15, "UD-Q4_K_XL"),  # a mix of its own, finer than the header
        ("tiny-Q4_K_L.gguf", 15, "Q4_K_L"),
        ("tiny-UD-Q4_K_XL.gguf", 7, "Q8_0"),  # contradicts the header
        ("tiny.gguf", 1024 + 7, "Q8_0"),
        ("tiny-Q8_0.gguf", 999, "Q8_0"),
    ],
)
def test_quantization(tmp_path: Path, name: str, file_type: int | None, expected: str) -> None:
    write_model(tmp_path / name, file_type=file_type)
    assert only(look(tmp_path)).quantization == expected


def write_shards(folder: Path, *numbers: int, total: int = 3, base: str = "Big-Q4_0") -> list[Path]:
    return [write_model(folder / f"{base}-{n:05d}-of-{total:05d}.gguf", shard=(n, total)) for n in numbers]


def test_shards_are_one_row(tmp_path: Path) -> None:
    files = write_shards(tmp_path, 1, 2, 3)
    found = only(look(tmp_path))
    assert (found.name, found.path, found.files) == ("Big-Q4_0", str(files[0]), tuple(map(str, files)))
    assert (found.shards, found.missing, found.problem) == (3, (), "")
    assert found.size == sum(f.stat().st_size for f in files)
    assert found.parameters == 3 * (2 * 64 * 32 + 64)
    assert (found.architecture, found.context_length) == ("llama", 2048)


def test_a_first_shard_without_tensors_is_no_vocabulary(tmp_path: Path) -> None:
    write_model(tmp_path / "Big-00001-of-00002.gguf", shard=(1, 2), tensors=False)
    write_model(tmp_path / "Big-00002-of-00002.gguf", shard=(2, 2))
    assert only(look(tmp_path)).usable


@pytest.mark.parametrize(("there", "missing"), [((1, 3), (2,)), ((2,), (1, 3))])
def test_missing_shards_are_named(tmp_path: Path, there: tuple[int, ...], missing: tuple[int, ...]) -> None:
    write_shards(tmp_path, *there)
    found = only(look(tmp_path))
    assert found.missing == tuple(f"Big-Q4_0-{n:05d}-of-00003.gguf" for n in missing)
    assert "missing" in found.problem
    assert found.shards == 3


def test_a_name_that_claims_very_many_shards_stays_small(tmp_path: Path) -> None:
    write_shards(tmp_path, 1, total=60_000)
    found = only(look(tmp_path))
    assert (found.shards, len(found.missing)) == (60_000, 100)
    assert "59999 of its 60000 files" in found.problem


def test_a_damaged_shard_is_told_of_the_model(tmp_path: Path) -> None:
    files = write_shards(tmp_path, 1, 2, 3)
    os.truncate(files[1], files[1].stat().st_size - 500)
    assert "cut off" in only(look(tmp_path)).problem


def test_shards_of_two_models_in_one_folder_stay_apart(tmp_path: Path) -> None:
    write_shards(tmp_path, 1, 2, total=2, base="A")
    write_shards(tmp_path, 1, 2, 3, base="A")
    write_shards(tmp_path, 1, 2, total=2, base="B")
    assert [(m.name, m.shards, m.problem) for m in look(tmp_path).models] == [
        ("A", 2, ""),
        ("A", 3, ""),
        ("B", 2, ""),
    ]


def test_what_is_no_model_is_left_out(tmp_path: Path) -> None:
    write_model(tmp_path / "mmproj-tiny-f16.gguf")
    write_model(tmp_path / "vision.gguf", architecture="clip")
    write_model(tmp_path / "lora.gguf", kind="adapter")
    write_model(tmp_path / "tiny.imatrix.gguf", tensors=False)
    write_model(tmp_path / "activations.gguf", kind="imatrix")
    write_model(tmp_path / "ggml-vocab-tiny.gguf", tensors=False)
    write_model(tmp_path / ".hidden" / "tiny.gguf")
    (tmp_path / "tiny.gguf.part").write_bytes(b"GGUF")
    (tmp_path / "readme.md").write_text("hello")
    os.mkfifo(tmp_path / "pipe.gguf")
    result = look(tmp_path)
    assert (result.models, result.problems) == ((), ())


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"", "empty"), (b"not a model at all", "does not begin like"), (b"GGUF\x03\0\0\0", "inside its header")],
)
def test_damaged_files_are_rows_with_a_reason(tmp_path: Path, data: bytes, says: str) -> None:
    (tmp_path / "bad.gguf").write_bytes(data)
    found = only(look(tmp_path))
    assert says in found.problem
    assert (found.usable, found.size) == (False, len(data))


def test_names_that_say_nothing_are_those_of_their_folder(tmp_path: Path) -> None:
    write_model(tmp_path / "gemma-3" / "model.gguf")
    write_model(tmp_path / "phi-4" / "ggml-model-Q4_0.gguf")
    write_model(tmp_path / "folder.gguf" / "Real.GGUF")
    assert [m.name for m in look(tmp_path).models] == ["gemma-3", "phi-4", "Real"]


def test_link_loops_end(tmp_path: Path) -> None:
    write_model(tmp_path / "a" / "tiny.gguf")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "self.gguf").symlink_to(tmp_path / "self.gguf")
    (tmp_path / "one.gguf").symlink_to(tmp_path / "two.gguf")
    (tmp_path / "two.gguf").symlink_to(tmp_path / "one.gguf")
    assert only(look(tmp_path)).name == "tiny"


def test_links_to_one_file_are_one_model_and_dangling_ones_a_problem(tmp_path: Path) -> None:
    real = write_model(tmp_path / "elsewhere" / "real.gguf")
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "first.gguf").symlink_to(real)
    (folder / "second.gguf").symlink_to(real)
    (folder / "gone.gguf").symlink_to(tmp_path / "unplugged" / "gone.gguf")
    result = look(folder)
    assert only(result).name == "first"
    assert [p.path for p in result.problems] == [str(folder / "gone.gguf")]
    both = scan([Folder(str(tmp_path / "elsewhere"), "A"), Folder(str(folder), "B")])
    assert (only(both).source, only(both).path) == ("A", str(real))


def test_names_that_are_no_text_are_problems_that_can_be_sent(tmp_path: Path) -> None:
    write_model(tmp_path / "fine.gguf")
    odd = os.fsencode(tmp_path) + b"/caf\xe9.gguf"
    Path(os.fsdecode(odd)).hardlink_to(tmp_path / "fine.gguf")
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/d\xe9"))
    write_model(folder / "inside.gguf")
    result = look(tmp_path)
    assert only(result).name == "fine"
    assert len(result.problems) == 2
    assert all("UTF-8" in p.message for p in result.problems)
    assert msgspec.json.decode(msgspec.json.encode(result), type=ScanResult) == result


@contextmanager
def as_somebody_else(tmp_path: Path) -> Iterator[None]:
    """Root may read everything, so nobody looks instead."""
    paths.cache_dir(), paths.data_dir(), paths.config_dir()
    if os.geteuid() != 0:
        yield
        return
    for folder in (tmp_path, *tmp_path.parents[:2], *paths.cache_dir().parents[:2]):
        folder.chmod(0o755)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_what_can_not_be_read_is_a_problem_and_is_read_when_it_can(tmp_path: Path) -> None:
    write_model(tmp_path / "open" / "fine.gguf")
    locked = write_model(tmp_path / "locked.gguf")
    closed = write_model(tmp_path / "closed" / "inside.gguf").parent
    locked.chmod(0)
    closed.chmod(0)
    with as_somebody_else(tmp_path):
        result = look(tmp_path)
        whole = look(closed)
    assert [(m.name, bool(m.problem)) for m in result.models] == [("fine", False), ("locked", True)]
    assert [p.path for p in result.problems] == [str(closed)] == [p.path for p in whole.problems]
    locked.chmod(0o644)
    closed.chmod(0o755)
    result = look(tmp_path)
    assert [(m.name, m.problem) for m in result.models] == [("fine", ""), ("inside", ""), ("locked", "")]


def test_a_folder_that_vanished_is_a_problem_and_ours_is_not(tmp_path: Path) -> None:
    result = scan([*sources.folders([str(tmp_path / "usb" / "models")]), Folder(str(tmp_path / "x\0y"), "odd")])
    assert len(result.models) == 1
    assert str(tmp_path / "usb" / "models") in result.problems[0].message
    assert str(tmp_path) in result.watched  # where the disk will appear
    assert str(paths.models_dir().parent) in result.watched


def test_folders_are_watched(tmp_path: Path) -> None:
    write_model(tmp_path / "me" / "repo" / "tiny.gguf")
    assert watch_paths(look(tmp_path)) == tuple(str(tmp_path / p) for p in ("", "me", "me/repo"))


def test_a_folder_with_too_much_in_it_is_left_with_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MAX_ENTRIES", 30)
    write_model(tmp_path / "tiny.gguf")
    for n in range(40):
        (tmp_path / "deep" / str(n)).mkdir(parents=True)
    result = look(tmp_path)
    assert only(result).name == "tiny"
    assert "more than 30 files" in result.problems[0].message


def test_a_scan_says_how_far_it_is(tmp_path: Path) -> None:
    for n in range(40):
        (tmp_path / f"{n}.gguf").symlink_to(write_model(tmp_path / ".real" / f"{n}.gguf"))
    seen: list[Progress] = []
    assert len(scan([Folder(str(tmp_path), "x")], progress=seen.append).models) == 40
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert {p.unit for p in seen} == {"files"}


def test_a_scan_can_be_cancelled(tmp_path: Path) -> None:
    cancel = Cancel()
    cancel.set()
    with pytest.raises(CancelledError):
        scan([Folder(str(tmp_path), "x")], cancel)


def test_a_link_out_of_our_folder_is_not_ours_to_change(tmp_path: Path) -> None:
    outside = write_model(tmp_path / "disk" / "repo" / "tiny.gguf")
    (paths.models_dir() / "me").mkdir(parents=True)
    (paths.models_dir() / "me" / "repo").symlink_to(outside.parent)
    found = next(m for m in scan(sources.folders(())).models if m.source == "Q8 Chat")
    assert (found.repo, found.writable) == ("me/repo", False)
