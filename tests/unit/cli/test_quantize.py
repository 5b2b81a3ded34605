"""`q8chat quantize` in a real process."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from pathlib import Path

import pytest

from q8chat.gguf_files import provenance
from q8chat.gguf_files.header import read_header
from tests.unit.cli.test_cli import COMMAND, q8chat
from tests.unit.quantize.small_models import Shape, write_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "Small-1B-F16.gguf", Shape(layers=2, vocab=600, tied=False))


def quantize(*args: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return q8chat("quantize", *args, stdin=stdin)


def test_the_result_is_named_and_tells_where_it_came_from(model: Path) -> None:
    done = quantize(model, "--to", "q4_k_m", "--tensor-type", "FFN_UP=q8_0")
    out = model.with_name("Small-1B-Q4_K_M.gguf")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{out}: ")
    header = read_header(out)
    types = {t.name: t.type_id for t in header.tensors}
    assert types["blk.0.ffn_up.weight"] == 8  # the pattern is made lower case, as llama-quantize does it
    known, told = header.metadata, provenance.read(out)
    assert known["q8chat.parent.file"] == model.name
    assert known["q8chat.parent.sha256"] == told.parent_sha256
    assert len(told.parent_sha256) == len(told.sha256) == 64
    assert told.parent == str(model)
    assert (
        told.how == known["q8chat.command"] == f"q8chat quantize {model.name} --to q4_k_m --tensor-type ffn_up=Q8_0"
    )
    assert told.tools["llama-cpp-python"] == known["q8chat.tool.llama-cpp-python"]


def test_the_size_is_told_before(model: Path) -> None:
    told = json.loads(quantize(model, "--to", "Q5_K_M", "--dry-run", "--json").stdout)
    assert sorted(p.name for p in model.parent.iterdir()) == [model.name]
    assert told["tensors"]["output.weight"] == ["F16", "Q6_K"]
    made = json.loads(quantize(model, "--to", "Q5_K_M", "--json").stdout)
    assert told["bytes"] == made["bytes"] == Path(made["file"]).stat().st_size
    text = quantize(model, "--to", "Q5_K_M", "--dry-run").stdout
    assert f"{told['bytes']:,} bytes" in text
    assert "output.weight" in text


def test_what_is_quantized_already_is_not_quantized_silently(model: Path) -> None:
    assert quantize(model, "--to", "Q8_0").returncode == 0
    lossy = model.with_name("Small-1B-Q8_0.gguf")
    refused = quantize(lossy, "--to", "Q4_0")
    assert refused.returncode == 1
    assert "are quantized already (Q8_0)" in refused.stderr
    assert "nobody can be asked here" in refused.stderr
    assert not model.with_name("Small-1B-Q4_0.gguf").exists()
    assert quantize(lossy, "--to", "Q4_0", "--yes").returncode == 0


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("\n", 1)])
def test_it_asks_on_a_terminal(model: Path, answer: str, code: int) -> None:
    assert quantize(model, "--to", "Q8_0").returncode == 0
    lossy = model.with_name("Small-1B-Q8_0.gguf")
    ours, theirs = pty.openpty()
    command = [*COMMAND, "quantize", str(lossy), "--to", "Q4_0"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        seen = ""
        while "[y/N]" not in seen:
            seen += os.read(ours, 1000).decode()
        os.write(ours, answer.encode())
        try:
            while data := os.read(ours, 1000):
                seen += data.decode("utf-8", "replace")
        except OSError:
            pass  # the other end is closed
        assert process.wait(30) == code, seen
    os.close(ours)
    assert ("Nothing was done." in seen) == bool(code)


@pytest.mark.parametrize(
    ("args", "code", "text"),
    [
        (["--to", "q4_9"], 1, "There is no quantization 'q4_9'"),
        (["--to", "q4_0", "--tensor-type", "attn"], 1, "'attn' is not PATTERN=TYPE"),
        (["--to", "q4_0", "--tensor-type", "attn=q9"], 1, "There is no tensor type 'q9'"),
        (["--to", "q4_0", "--threads", "-1"], 2, "--threads can't be negative"),
        ([], 2, "--to"),
        (["--to", "iq1_s"], 1, "IQ1_S needs an importance matrix"),
        (["--to", "f16"], 1, "is the model itself"),
    ],
)
def test_what_makes_no_sense(model: Path, args: list[str], code: int, text: str) -> None:
    done = quantize(model, *args)
    assert (done.returncode, done.stdout) == (code, "")
    assert text in done.stderr
    assert done.stderr.count("\n") == 1
    assert sorted(p.name for p in model.parent.iterdir()) == [model.name]


def test_ctrl_c_keeps_what_is_done(starter_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.gguf"
    args = [
        "quantize",
        str(starter_model),
        "--to",
        "Q5_1",
        "-o",
        str(out),
        "--threads",
        "1",
        "--no-provenance",
        "--yes",
    ]
    with subprocess.Popen([*COMMAND, *args], stderr=subprocess.PIPE, text=True) as process:
        part = tmp_path / "out.gguf.part"
        while process.poll() is None and not (part.exists() and part.stat().st_size > 40 << 20):
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.returncode == 130
    assert "The same command continues after the last complete tensor." in said
    assert not out.exists()
    done = q8chat(*args, "--json")
    assert json.loads(done.stdout)["continued"] > 10
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.gguf"]
