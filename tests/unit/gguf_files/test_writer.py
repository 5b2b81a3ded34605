"""New GGUF files: readable by others, whole or absent, continued after a kill."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from gguf import GGUFReader
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from q8chat.core.errors import DiskFullError, ModelFileError, OutputFileError
from q8chat.gguf_files import metadata as kv
from q8chat.gguf_files.header import read_header
from q8chat.gguf_files.layout import Layout, layout
from q8chat.gguf_files.metadata import Metadata, array, read_metadata, scalar
from q8chat.gguf_files.part_files import discard_part, ledger_path
from q8chat.gguf_files.source import TensorSpec
from q8chat.gguf_files.writer import GgufWriter
from tests.unit.gguf_files.small_gguf import gguf, key, text

KEYS = [
    scalar("general.architecture", kv.STRING, "llama"),
    scalar("llama.block_count", kv.U32, 2),
    scalar("llama.rope.freq_base", kv.F32, 10000.0),
    scalar("a.flag", kv.BOOL, True),
    array("tokenizer.ggml.tokens", kv.STRING, ["a", "é", ""]),
    array("tokenizer.ggml.scores", kv.F32, [0.5, -1.0, 0.0]),
]
SPECS = [
    TensorSpec("token_embd.weight", (64, 3), 0),
    TensorSpec("blk.0.ffn_down.weight", (32, 1, 1), 2),  # 18 bytes: padded, one dimension
    TensorSpec("experts.weight", (32, 2, 3), 8),
    TensorSpec("output_norm.weight", (7,), 0),
]


def contents(made: Layout) -> list[bytes]:
    source = random.Random(4)
    return [source.randbytes(t.n_bytes) for t in made.tensors]


def write(path: Path, made: Layout, blocks: int = 1, **options: str | bool) -> None:
    with GgufWriter(path, made, **options) as writer:  # type: ignore[arg-type]
        for data in contents(made)[writer.n_done :]:
            step = -(-len(data) // blocks)
            for at in range(0, len(data), step):
                writer.write(data[at : at + step])
        writer.publish()


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize("blocks", [1, 5])
def test_the_usual_reader_reads_it(tmp_path: Path, blocks: int) -> None:
    path, made = tmp_path / "new folder" / "é.gguf", layout(Metadata(KEYS), SPECS)
    write(path, made, blocks)
    assert names(path.parent) == ["é.gguf"]
    assert path.stat().st_size == made.size
    reader = GGUFReader(path)
    fields = {name: f.contents() for name, f in reader.fields.items() if not name.startswith("GGUF.")}
    assert fields == {e.key: e.value() for e in KEYS}
    assert [t.name for t in reader.tensors] == [s.name for s in SPECS]
    assert [tuple(t.shape) for t in reader.tensors] == [s.dims for s in SPECS]
    assert [t.data.tobytes() for t in reader.tensors] == contents(made)


@pytest.mark.parametrize("alignment", [8, 64])
def test_alignment_is_honoured(tmp_path: Path, alignment: int) -> None:
    path = tmp_path / "m.gguf"
    made = layout(Metadata([*KEYS, scalar("general.alignment", kv.U32, alignment)]), SPECS)
    write(path, made)
    assert {start % alignment for start in made.starts} == {0}
    assert [t.data.tobytes() for t in GGUFReader(path).tensors] == contents(made)


def test_metadata_goes_through_unchanged(tmp_path: Path, starter_model: Path) -> None:
    header = read_header(starter_model)
    metadata = read_metadata(header)
    assert len(metadata.get("tokenizer.ggml.tokens")) == 49152
    made = layout(metadata, [TensorSpec(t.name, t.shape, t.type_id) for t in header.tensors])
    with starter_model.open("rb") as f:
        assert f.read(header.data_offset) == made.header
    assert made.size == header.file_size


def test_bytes_that_are_no_text_stay(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    odd = [key("general.architecture", 8, text("llama")), key("odd", 8, text(b"\xff\x00\xfe"))]
    path.write_bytes(gguf(odd, []))
    metadata = read_metadata(read_header(path))
    assert metadata.get("odd").encode("utf-8", "surrogateescape") == b"\xff\x00\xfe"
    assert [e.packed() for e in metadata] == odd


def test_a_key_that_is_there_twice(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(gguf([key("twice", 8, text("a"))] * 2, []))
    with pytest.raises(ModelFileError, match=r"m\.gguf has the key 'twice' twice"):
        read_metadata(read_header(path))


def test_setting_a_key_moves_it_to_the_end() -> None:
    metadata = Metadata(KEYS)
    metadata.set(scalar("llama.block_count", kv.U32, 9))
    assert [e.key for e in metadata][-1] == "llama.block_count"
    assert (metadata.get("llama.block_count"), len(metadata)) == (9, len(KEYS))


def test_what_was_interrupted_is_continued(tmp_path: Path) -> None:
    path, made = tmp_path / "m.gguf", layout(Metadata(KEYS), SPECS)
    data = contents(made)
    with GgufWriter(path, made, key="k") as writer:
        writer.write(data[0])
        writer.write(data[1])
        writer.write(data[2][:50])
    assert names(tmp_path) == ["m.gguf.part", "m.gguf.part.ledger"]
    with GgufWriter(path, made, key="k") as writer:
        assert (writer.continued, writer.bytes_done) == (2, made.starts[2])
        for rest in data[2:]:
            writer.write(rest)
        writer.publish()
    assert names(tmp_path) == ["m.gguf"]
    assert [t.data.tobytes() for t in GGUFReader(path).tensors] == data


def test_a_damaged_part_is_continued_before_the_damage(tmp_path: Path) -> None:
    path, made = tmp_path / "m.gguf", layout(Metadata(KEYS), SPECS)
    with GgufWriter(path, made) as writer:
        for data in contents(made)[:3]:
            writer.write(data)
    with writer.part.open("r+b") as f:
        f.seek(made.starts[1] + 5)
        f.write(b"\x00\x01\x02")
    with GgufWriter(path, made) as writer:
        assert writer.continued == 1
    with writer.part.open("r+b") as f:
        f.truncate(made.starts[1] - 4)  # inside the padding, or the tensor
    with GgufWriter(path, made) as writer:
        assert writer.continued == 0
        writer.discard()
    assert names(tmp_path) == []


@pytest.mark.parametrize("change", ["key", "layout", "ledger"])
def test_another_job_begins_anew(tmp_path: Path, change: str) -> None:
    path, made = tmp_path / "m.gguf", layout(Metadata(KEYS), SPECS)
    with GgufWriter(path, made, key="one") as writer:
        writer.write(contents(made)[0])
    if change == "ledger":
        ledger_path(writer.part).write_bytes(b"\xff\xfe\n\n")
    again = layout(Metadata(KEYS[:-1]), SPECS) if change == "layout" else made
    with GgufWriter(path, again, key="two" if change == "key" else "one") as writer:
        assert (writer.continued, writer.bytes_done) == (0, again.starts[0])


def test_names_that_are_taken(tmp_path: Path) -> None:
    path, made = tmp_path / "m.gguf", layout(Metadata(KEYS), SPECS)
    path.write_bytes(b"mine")
    with pytest.raises(OutputFileError, match=r"m\.gguf exists already"):
        GgufWriter(path, made)
    assert names(tmp_path) == ["m.gguf"]
    write(path, made, overwrite=True)
    assert path.stat().st_size == made.size
    with pytest.raises(OutputFileError, match="is a folder"):
        GgufWriter(tmp_path, made)


def test_a_name_taken_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path, made = tmp_path / "m.gguf", layout(Metadata(KEYS), SPECS)
    with GgufWriter(path, made) as writer:
        for data in contents(made):
            writer.write(data)
        path.write_bytes(b"mine")
        with pytest.raises(OutputFileError, match="exists already"):
            writer.publish()
    assert path.read_bytes() == b"mine"


def test_two_writers_of_one_file(tmp_path: Path) -> None:
    path, made = tmp_path / "m.gguf", layout(Metadata(KEYS), SPECS)
    with (
        GgufWriter(path, made),
        pytest.raises(OutputFileError, match="being written by another process"),
    ):
        GgufWriter(path, made)
    assert ".m.gguf.lock" not in names(tmp_path)


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputFileError, match="can't be written"):
        GgufWriter(tmp_path / "file" / "m.gguf", layout(Metadata(KEYS), SPECS))


def test_a_disk_one_may_not_write_to(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(OutputFileError, match="can't be written: Read-only file system"):
        GgufWriter(small_disk / "m.gguf", layout(Metadata(KEYS), SPECS))


def test_no_room_is_said_before_anything_is_written(small_disk: Path) -> None:
    made = layout(Metadata(KEYS), [TensorSpec("big.weight", (1024, 1024), 0)])
    with pytest.raises(DiskFullError, match=r"m\.gguf needs 4\.0 MiB and .* are free"):
        GgufWriter(small_disk / "m.gguf", made)
    assert names(small_disk) == []


def test_a_disk_that_fills_up_meanwhile(small_disk: Path) -> None:
    made = layout(Metadata(KEYS), [TensorSpec(f"t{n}.weight", (1024, 64), 0) for n in range(6)])
    path = small_disk / "m.gguf"
    with GgufWriter(path, made) as writer:
        writer.write(bytes(256 << 10))
        (small_disk / "other").write_bytes(bytes(1 << 20))
        with pytest.raises(DiskFullError, match="No space left"):
            for _ in range(5):
                writer.write(bytes(256 << 10))
    assert not path.exists()
    (small_disk / "other").unlink()
    with GgufWriter(path, made) as writer:
        for _ in made.tensors[writer.n_done :]:
            writer.write(bytes(256 << 10))
        writer.publish()
    assert path.stat().st_size == made.size


def test_wrong_use_is_refused(tmp_path: Path) -> None:
    made = layout(Metadata(KEYS), SPECS)
    with GgufWriter(tmp_path / "m.gguf", made) as writer:
        with pytest.raises(ValueError, match="769 bytes for a tensor that needs 768"):
            writer.write(bytes(769))
        with pytest.raises(ValueError, match="0 of 4 tensors"):
            writer.publish()


def test_what_a_kill_left_can_be_removed(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    for name in ("m.gguf.part", "m.gguf.part.ledger", ".m.gguf.lock", "other.gguf.part"):
        (tmp_path / name).write_bytes(b"x")
    discard_part(path)
    discard_part(path)
    assert names(tmp_path) == ["other.gguf.part"]


NUMBERS = st.one_of(
    st.tuples(st.just(kv.U8), st.integers(0, 255)),
    st.tuples(st.just(kv.I64), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just(kv.F32), st.floats(width=32, allow_nan=False)),
    st.tuples(st.just(kv.BOOL), st.booleans()),
    st.tuples(st.just(kv.STRING), st.text()),
)
LISTS = st.one_of(
    st.tuples(st.just(kv.STRING), st.lists(st.text(), max_size=5)),
    st.tuples(st.just(kv.I32), st.lists(st.integers(-(2**31), 2**31 - 1), max_size=5)),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.dictionaries(st.text(min_size=1).filter(lambda k: k != "general.alignment"), NUMBERS, max_size=6),
    st.dictionaries(st.text(min_size=1).map("list.{}".format), LISTS, max_size=4),
)
def test_any_metadata_comes_back(
    tmp_path: Path, single: dict[str, tuple[int, Any]], lists: dict[str, tuple[int, list[Any]]]
) -> None:
    single = {key: value for key, value in single.items() if key not in lists}
    given_keys = [scalar(key, kind, value) for key, (kind, value) in single.items()]
    given_keys += [array(key, kind, values) for key, (kind, values) in lists.items()]
    path = tmp_path / "m.gguf"
    with GgufWriter(path, layout(Metadata(given_keys), SPECS[:1]), overwrite=True) as writer:
        writer.write(bytes(SPECS[0].n_bytes))
        writer.publish()
    metadata = read_metadata(read_header(path))
    assert list(metadata) == given_keys
    assert {key: metadata.get(key) for key in single} == {key: value for key, (_, value) in single.items()}
    assert {key: metadata.get(key) for key in lists} == {key: values for key, (_, values) in lists.items()}


SLOW_WRITER = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    from tests.unit.gguf_files.test_writer import BIG, big_data
    from q8chat.gguf_files.writer import GgufWriter
    with GgufWriter(Path(sys.argv[1]), BIG) as writer:
        print(writer.continued, flush=True)
        for n in range(writer.n_done, len(BIG.tensors)):
            writer.write(big_data(n))
            time.sleep(0.02)
        writer.publish()
""")
BIG = layout(Metadata(KEYS), [TensorSpec(f"blk.{n}.weight", (256, 32), 0) for n in range(200)])


def big_data(n: int) -> bytes:
    return random.Random(n).randbytes(BIG.tensors[n].n_bytes)


def test_killed_again_and_again(tmp_path: Path) -> None:
    path, continued = tmp_path / "m.gguf", [0]
    for wait in (1.5, 1.9, 60.0):
        command = [sys.executable, "-c", SLOW_WRITER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            continued.append(int(process.stdout.readline()))
            deadline = time.monotonic() + wait
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()
                assert not path.exists()
    assert continued == sorted(continued)
    assert continued[-1] > 0
    assert [t.data.tobytes() for t in GGUFReader(path).tensors] == [big_data(n) for n in range(200)]
    assert names(tmp_path) == ["m.gguf"]
