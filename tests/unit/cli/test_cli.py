"""The real `q8chat` in a real process, as shells and scripts use it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from q8chat import __version__

COMMAND = [str(Path(sys.executable).parent / "q8chat")]


def q8chat(*args: object, stdin: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, args)],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        **options,
    )


def answer(model: Path, *args: object, **options: Any) -> str:
    """What one prompt prints; nothing may appear on stderr."""
    done = q8chat("chat", model, "--max-tokens", 16, *args, **options)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_version_and_help() -> None:
    done = q8chat("--version")
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, f"q8chat {__version__}", "")
    assert "chat" in q8chat("--help").stdout
    assert "--temperature" in q8chat("chat", "--help").stdout


def test_one_prompt(starter_model: Path) -> None:
    text = answer(starter_model, "-p", "Name three colours.", "--temperature", 0)
    assert len(text.strip()) > 3
    assert text.endswith("\n")


def test_the_prompt_may_come_from_standard_input(starter_model: Path) -> None:
    prompt = "Name three colours.\nOne per line: é 👍 שלום"
    piped = answer(starter_model, "-p", "-", "--temperature", 0, stdin=prompt)
    assert piped == answer(starter_model, "-p", prompt, "--temperature", 0)


def test_json(starter_model: Path) -> None:
    data = json.loads(answer(starter_model, "-p", "Name a river.", "--json", "--seed", 3, "--threads", 1))
    assert data["prompt"] == "Name a river."
    assert data["model"] == str(starter_model)
    assert data["finish_reason"] in ("stop", "length")
    assert data["text"]
    assert data["usage"]["seed"] == 3
    assert data["usage"]["threads"] == 1
    assert data["usage"]["completion_tokens"] <= 16


def test_a_seed_repeats_the_text(starter_model: Path) -> None:
    texts = [answer(starter_model, "-p", "Tell me a tale.", "--temperature", 1.5, "--seed", s) for s in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_the_system_prompt(starter_model: Path) -> None:
    plain = answer(starter_model, "-p", "Who are you?", "--temperature", 0)
    pirate = answer(
        starter_model, "-p", "Who are you?", "--temperature", 0, "--system", "You are a pirate captain."
    )
    assert plain != pirate


def test_cpu() -> None:
    done = q8chat("cpu", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert isinstance(json.loads(done.stdout), dict)
    assert "AVX" in q8chat("cpu").stdout or "NEON" in q8chat("cpu").stdout


def check_error(done: subprocess.CompletedProcess[str], code: int, words: str) -> None:
    """The exit code and exactly one clear line on stderr."""
    assert done.returncode == code
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("q8chat: ")
    assert words in line


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["nonsense"], "nonsense"),
        (["chat"], "MODEL"),
        (["chat", "x.gguf", "--top-k", "many"], "many"),
        (["chat", "x.gguf", "--temperature", "-1", "-p", "x"], "temperature"),
        (["chat", "x.gguf", "--nonsense"], "--nonsense"),
        (["chat", "x.gguf", "--json"], "-p"),
        (["chat", "x.gguf", "--ctx", "-5", "-p", "x"], "--ctx"),
        (["chat", "x.gguf", "--template", "Chatty", "-p", "x"], "ChatML"),
        (["chat", "x.gguf", "--overflow", "explode", "-p", "x"], "drop_oldest"),
        (["cpu", "--yaml"], "--yaml"),
        (["--nonsense"], "COMMAND"),
    ],
)
def test_usage_errors(args: list[str], words: str) -> None:
    check_error(q8chat(*args), 2, words)


def test_errors(starter_model: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.gguf").touch()
    (tmp_path / "cut.gguf").write_bytes(starter_model.read_bytes()[:30_000_000])
    for name, words in (
        ("gone.gguf", "There is no file"),
        ("empty.gguf", "is empty"),
        ("cut.gguf", "cut off"),
        (".", "is a folder"),
    ):
        check_error(q8chat("chat", tmp_path / name, "-p", "x"), 1, words)
    check_error(q8chat("chat", starter_model, "-p", "word " * 10_000, "--ctx", 512), 1, "512")


@pytest.mark.parametrize("args", [["-p", "Hello."], []])
def test_a_model_without_template_names_the_option(starter_model: Path, tmp_path: Path, args: list[str]) -> None:
    bare = tmp_path / "bare.gguf"
    bare.write_bytes(starter_model.read_bytes().replace(b"tokenizer.chat_template", b"tokenizer.chat_tempLATE", 1))
    check_error(q8chat("chat", bare, *args, stdin="Hello.\n"), 1, "--template ChatML")
    assert answer(bare, "--template", "ChatML", *args, stdin="Hello.\n").strip()


def test_no_room_for_the_output(starter_model: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        for args in (["cpu", "--json"], ["chat", str(starter_model), "-p", "x", "--max-tokens", "3"]):
            done = subprocess.run([*COMMAND, *args], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
            assert done.returncode == 1
            (line,) = done.stderr.splitlines()
            assert "No space left" in line


def test_into_a_closed_pipe(starter_model: Path) -> None:
    script = f'"{COMMAND[0]}" chat "$1" -p "Write a long story." --temperature 0 | head -c 5'
    done = subprocess.run(
        ["bash", "-c", script, "-", str(starter_model)], capture_output=True, text=True, timeout=60, check=False
    )
    assert len(done.stdout) == 5
    assert done.stderr == ""


def test_turn_after_turn_over_a_pipe(starter_model: Path) -> None:
    script = "My name is Zebulon. Remember it.\n\nWhat is my name?\n"
    done = q8chat("chat", starter_model, "--temperature", 0, "--max-tokens", 24, stdin=script)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") >= 2
    assert "Zebulon" in done.stdout.splitlines()[-1]


def test_the_engine_ends_with_the_command(starter_model: Path) -> None:
    script = "import sys, time; from q8chat import cli; print(cli.run(sys.argv[1:]), flush=True); time.sleep(60)"
    command = [sys.executable, "-c", script, "chat", str(starter_model), "-p", "x", "--max-tokens", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = []
        while not lines or lines[-1] != "0\n":
            lines.append(process.stdout.readline())
            assert lines[-1]
        assert psutil.Process(process.pid).children() == []
        process.kill()


WITHOUT = """
import sys
from q8chat.__main__ import main
try:
    code = main(sys.argv[1:])
except SystemExit as e:
    code = e.code
forbidden = {"PySide6", "shiboken6", "numpy", "huggingface_hub", "torch", "transformers"}
print(code, sorted(forbidden & set(sys.modules)), "llama_cpp" in sys.modules, file=sys.stderr)
"""


def test_no_verb_imports_qt_or_other_heavy_things(starter_model: Path) -> None:
    """llama.cpp itself is loaded in the engine only; its Python package needs numpy."""
    for args in (
        ["--version"],
        ["chat", "--help"],
        ["chat", str(starter_model), "-p", "Hello.", "--max-tokens", "2"],
    ):
        done = subprocess.run([sys.executable, "-c", WITHOUT, *args], capture_output=True, text=True, check=False)
        assert done.stderr == "0 [] False\n"
    done = subprocess.run([sys.executable, "-c", WITHOUT, "cpu"], capture_output=True, text=True, check=False)
    assert "PySide6" not in done.stderr
    assert done.stderr.startswith("0 [")
