"""The real `q8chat get` and `q8chat chat REPO:QUANT`, in real processes, against a hub of our own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from q8chat.core import paths
from tests.fakes.hub_environment import use_hub
from tests.fakes.hub_server import HubServer, RandomContent

COMMAND = str(Path(sys.executable).parent / "q8chat")
REPO = "org/model-GGUF"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with HubServer() as server:
        use_hub(monkeypatch, server, tmp_path)
        yield server


def q8chat(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *args],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )


def test_get_prints_the_paths_alone(hub: HubServer) -> None:
    shards = {f"q8/model-Q8_0-0000{i}-of-00002.gguf": RandomContent(300_000, i) for i in (1, 2)}
    hub.add_repo(REPO, {"model-Q4_K_M.gguf": RandomContent(500_000), **shards})
    folder = paths.models_dir() / REPO
    done = q8chat("get", REPO)
    assert (done.returncode, done.stdout) == (0, f"{folder / 'model-Q4_K_M.gguf'}\n")
    assert "model-Q4_K_M.gguf" in done.stderr
    assert "488 KiB" in done.stderr
    done = q8chat("get", f"{REPO}:q8_0", "--json")
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert told["files"] == [str(folder / name) for name in shards]
    assert (told["repo"], told["label"], told["bytes"]) == (REPO, "Q8_0", 600_000)
    assert told["revision"] == hub.repos[REPO].branches["main"]
    assert all((folder / name).stat().st_size == 300_000 for name in shards)


def test_get_of_a_checkpoint(hub: HubServer) -> None:
    config = json.dumps({"architectures": ["LlamaForCausalLM"], "model_type": "llama"})
    files = {"config.json": config, "tokenizer.json": "{}", "model.safetensors": RandomContent(100_000)}
    hub.add_repo(
        "org/model", files, safetensors={"parameters": {"F16": 50_000}, "total": 50_000}, config=json.loads(config)
    )
    done = q8chat("get", "org/model", "--checkpoint")
    assert (done.returncode, sorted(Path(p).name for p in done.stdout.splitlines())) == (0, sorted(files)), (
        done.stderr
    )
    assert q8chat("get", "org/model:Q8_0", "--checkpoint").returncode == 2


def test_what_can_not_be_got_is_one_line(hub: HubServer) -> None:
    hub.add_repo(REPO, {"model-Q4_K_M.gguf": RandomContent(500_000)})
    for args, part in (
        (("nobody/nothing",), "no repository nobody/nothing"),
        ((REPO, "Q2_K"), "Q4_K_M"),
        ((REPO, "--revision", "v9"), "no revision 'v9'"),
    ):
        done = q8chat("get", *args)
        assert (done.returncode, done.stdout) == (1, "")
        assert part in done.stderr
        assert len(done.stderr.splitlines()) == 1
    done = q8chat("get", REPO, HF_HUB_OFFLINE="1")
    assert (done.returncode, "Offline mode is on" in done.stderr) == (1, True)


def test_control_c_keeps_the_part_and_says_how_to_go_on(hub: HubServer) -> None:
    content = RandomContent(6_000_000)
    hub.add_repo(REPO, {"model-Q4_K_M.gguf": content})
    target = f"{REPO}/model-Q4_K_M.gguf"
    hub.fault(target, stall_after=3_000_000, times=1)
    child = subprocess.Popen([COMMAND, "get", REPO], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while hub.sent(target) < 3_000_000:
        assert child.poll() is None
        time.sleep(0.01)
    time.sleep(0.2)  # until it has read what is on its way
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=5)
    assert (child.returncode, out) == (130, "")
    assert "the same command goes on" in err
    assert "Traceback" not in err
    assert q8chat("get", REPO).returncode == 0
    assert hub.sent(target) == content.size


def test_one_line_from_a_repository_to_a_chat(hub: HubServer, starter_model: Path) -> None:
    hub.add_repo(REPO, {"SmolLM2-135M-Instruct.Q4_1.gguf": starter_model})
    line = ("chat", f"{REPO}:Q4_1", "-p", "Say hello.", "--temperature", "0", "--max-tokens", "8")
    first = q8chat(*line)
    assert first.returncode == 0, first.stderr
    assert first.stdout.strip()
    fetched = hub.sent(f"{REPO}/SmolLM2-135M-Instruct.Q4_1.gguf")
    assert fetched == starter_model.stat().st_size
    hub.requests.clear()
    again = q8chat(*line)
    assert (again.returncode, again.stdout) == (0, first.stdout)
    assert hub.requests == []  # what is there is found without asking
    assert q8chat("chat", f"{REPO}:Q8_0", "-p", "x", HF_HUB_OFFLINE="1").returncode == 1
