"""The real `q8chat convert` and `q8chat imatrix`, in real processes, from folders and from a hub of our own."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from q8chat.core import paths
from q8chat.gguf_files import provenance
from q8chat.gguf_files.header import read_header
from tests.fakes.hub_environment import use_hub
from tests.fakes.hub_server import HubServer
from tests.unit.convert.conftest import kit_checkpoints  # noqa: F401  a fixture
from tests.unit.quantize.calibration_prose import prose

COMMAND = str(Path(sys.executable).parent / "q8chat")
REPO = "org/tiny"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with HubServer() as server:
        use_hub(monkeypatch, server, tmp_path)
        yield server


@pytest.fixture
def tiny(kit_checkpoints: Path) -> Path:  # noqa: F811
    return kit_checkpoints / "llama2-spm"


def q8chat(*args: str | Path) -> subprocess.CompletedProcess[str]:
    command = [COMMAND, *map(str, args)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL
    )


def test_a_repository_is_fetched_and_converted_in_one_line(hub: HubServer, tiny: Path) -> None:
    files = {f.name: f for f in sorted(tiny.iterdir()) if f.is_file()}
    config = json.loads((tiny / "config.json").read_text())
    hub.add_repo(REPO, files, safetensors={"parameters": {"BF16": 1000}, "total": 1000}, config=config)
    done = q8chat("convert", REPO, "--to", "q4_0", "--json")
    assert done.returncode == 0, done.stderr
    out = paths.models_dir() / "org" / "tiny" / "tiny-Q4_0.gguf"
    told = json.loads(done.stdout)
    assert (told["target"], told["level"], told["size"]) == (str(out), "Q4_0", out.stat().st_size)
    commit = hub.repos[REPO].branches["main"]
    beside, inside = provenance.read(out), read_header(out).metadata
    assert (beside.parent, beside.how) == (REPO, "q8chat convert tiny --to Q4_0")
    assert (inside["q8chat.parent.repo"], inside["q8chat.parent.revision"]) == (REPO, commit)
    again = q8chat("convert", REPO, "--to", "Q4_0")
    assert again.returncode == 1
    assert "exists already" in again.stderr


def test_a_dry_run_tells_the_exact_size_and_writes_nothing(tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.gguf"
    dry = q8chat("convert", tiny, "--to", "Q5_K_M", "-o", out, "--dry-run", "--json")
    planned = json.loads(dry.stdout)
    assert list(tmp_path.iterdir()) == []
    assert q8chat("convert", tiny, "--to", "Q5_K_M", "-o", out).returncode == 0
    assert out.stat().st_size == planned["size"]
    text = q8chat("convert", tiny, "--to", "auto", "-o", tmp_path / "b.gguf", "--dry-run").stdout
    assert "LlamaForCausalLM" in text and "bits per weight" in text


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["nowhere/at/all", "--to", "Q4_0"], 1, "There is no folder nowhere/at/all"),
        (["{tiny}/config.json", "--to", "Q4_0"], 1, "is a file, not a checkpoint's folder"),
        (["{tiny}", "--to", "Q9_Z"], 1, "Q9_Z"),
        (["{tiny}", "--to", "F16", "--imatrix", "m.gguf"], 1, "make no difference"),
        (["{tiny}", "--to", "Q4_0", "--threads", "-1"], 2, "can't be negative"),
        (["{tiny}"], 2, "--to"),
    ],
)
def test_what_can_not_be_done_is_one_line(args: list[str], code: int, words: str, tiny: Path) -> None:
    done = q8chat("convert", *(a.replace("{tiny}", str(tiny)) for a in args))
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (code, "")
    assert words in line


def test_on_a_terminal_there_is_a_bar(tiny: Path, tmp_path: Path) -> None:
    master, slave = pty.openpty()
    command = [COMMAND, "convert", str(tiny), "--to", "Q8_0", "-o", str(tmp_path / "out.gguf")]
    child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env={**os.environ, "TERM": "xterm"})
    os.close(slave)
    shown = b""
    try:
        while data := os.read(master, 4096):
            shown += data
    except OSError:  # the other end is closed
        pass
    os.close(master)
    assert child.wait() == 0
    assert "━".encode() in shown and b"out.gguf" in shown


def test_a_matrix_from_a_text_serves_a_quantization(starter_model: Path, tmp_path: Path) -> None:
    text, matrix, out = tmp_path / "a.txt", tmp_path / "m.gguf", tmp_path / "out.gguf"
    text.write_text(prose(40))
    made = q8chat(
        "imatrix", starter_model, "--text", text, "-o", matrix, "--chunk-size", "32", "--chunks", "2",
        "--threads", "1", "--json",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["chunks"] == 2
    done = q8chat("quantize", starter_model, "--to", "IQ4_NL", "--imatrix", matrix, "-o", out, "--yes")
    assert done.returncode == 0, done.stderr
    keys = read_header(out).metadata
    assert (keys["quantize.imatrix.file"], keys["quantize.imatrix.chunks_count"]) == (str(matrix), 2)


def test_a_matrix_needs_a_text(starter_model: Path, tmp_path: Path) -> None:
    done = q8chat("imatrix", starter_model)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    done = q8chat("imatrix", starter_model, "--conversations", "-o", tmp_path / "m.gguf")
    assert done.returncode == 1
    assert "no conversations" in done.stderr
