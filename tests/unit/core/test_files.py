"""A file is there whole or not at all, whatever happens while it is written."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from q8chat.core import files
from q8chat.core.errors import DiskFullError


def test_a_new_file_in_a_new_folder(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    files.publish(path, b"data")
    assert path.read_bytes() == b"data"
    assert list(path.parent.iterdir()) == [path]


def test_an_old_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for data in (b"old", b"", b"new" * 1_000_000):
        files.publish(path, data)
        assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


WRITER = """
import sys
from pathlib import Path
from q8chat.core import files
print("ready", flush=True)
n = 0
while True:
    files.publish(Path(sys.argv[1]), bytes([n % 256]) * 3_000_000)
    n += 1
"""


def test_kill_9_while_writing_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    files.publish(path, b"\xff" * 3_000_000)
    for n in range(5):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout
            writer.stdout.readline()
            with pytest.raises(subprocess.TimeoutExpired):
                writer.wait(0.02 + n * 0.013)
            writer.kill()
        data = path.read_bytes()
        assert len(data) == 3_000_000
        assert data == data[:1] * len(data)
    assert all(p.name == "file" or p.name.endswith(".part") for p in tmp_path.iterdir())


def test_a_full_disk_leaves_the_old_file(small_disk: Path) -> None:
    path = small_disk / "file"
    files.publish(path, b"old")
    with pytest.raises(DiskFullError, match=f"No space left on the disk to write {path}"):
        files.publish(path, bytes(3 << 20))
    assert path.read_bytes() == b"old"
    assert list(small_disk.iterdir()) == [path]


AS_NOBODY = """
import os, sys
from pathlib import Path
from q8chat.core import files
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
try:
    files.publish(Path(sys.argv[1]), b"new")
except PermissionError:
    print("refused")
"""


def test_no_permission_leaves_the_old_file() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(b"old")
        Path(folder).chmod(0o555)
        command = [sys.executable, "-c", AS_NOBODY, str(path)]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "refused\n"
        Path(folder).chmod(0o755)
        assert path.read_bytes() == b"old"
        assert list(Path(folder).iterdir()) == [path]


def test_a_finished_part_gets_its_name_and_replaces_nothing(tmp_path: Path) -> None:
    part, path = tmp_path / ".a.part", tmp_path / "a.gguf"
    part.write_bytes(b"whole")
    files.reveal(part, path)
    assert (path.read_bytes(), part.exists()) == (b"whole", False)
    part.write_bytes(b"other")
    for taken in (path, tmp_path / "dangling"):
        if taken != path:
            taken.symlink_to(tmp_path / "nowhere")
        with pytest.raises(FileExistsError):
            files.reveal(part, taken)
    assert (path.read_bytes(), part.read_bytes()) == (b"whole", b"other")
