"""What the engine is compared with: llama-bench from the very same sources, and llama-cpp-python's own chat."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

import platformdirs

VERSION = "0.3.36"  # of llama-cpp-python, as in the lock file
REPEATS = 3  # runs per measurement, ours and theirs; single ones differ by 10 % on a machine with neighbours
TARGETS = ("llama-bench", "llama-completion")


def build_llama_cpp(targets: Sequence[str] = TARGETS) -> Path:
    """Folder of llama.cpp's own programs, built once (about ten minutes on two cores) with default flags."""
    root = platformdirs.user_cache_path("q8chat-benchmarks", appauthor=False, ensure_exists=True)
    binaries = root / f"llama-cpp-{VERSION}" / "bin"
    if all((binaries / name).exists() for name in targets):
        return binaries
    print(f"building {targets[0]} from llama-cpp-python's sources, once ...", file=sys.stderr)
    package = f"llama-cpp-python=={VERSION}"
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", package]
    subprocess.run([*pip, "-d", root], check=True)
    with tarfile.open(next(root.glob("llama_cpp_python-*.tar.gz"))) as archive:
        archive.extractall(root, filter="data")
    source = next(root.glob("llama_cpp_python-*/vendor/llama.cpp"))
    env = {k: v for k, v in os.environ.items() if k != "SOURCE_DATE_EPOCH"}
    off = ("LLAMA_CURL", "LLAMA_BUILD_TESTS", "LLAMA_BUILD_EXAMPLES", "LLAMA_BUILD_SERVER")
    configure = ["cmake", "-S", source, "-B", binaries.parent, "-DCMAKE_BUILD_TYPE=Release"]
    subprocess.run([*configure, *(f"-D{name}=OFF" for name in off)], check=True, env=env)
    jobs = str(os.cpu_count())
    subprocess.run(["cmake", "--build", binaries.parent, "-j", jobs, "--target", *targets], check=True, env=env)
    return binaries


def llama_bench(
    binaries: Path, model: Path, *, prompt: int, generate: int, threads: int, depth: int = 0, **env: str
) -> float:
    """Tokens per second, the mean of REPEATS runs of llama-bench after its own warm-up."""
    command = [binaries / "llama-bench", "-m", model, "-p", str(prompt), "-n", str(generate), "-d", str(depth)]
    command += ["-t", str(threads), "-r", str(REPEATS), "-o", "json"]
    done = subprocess.run(command, check=True, capture_output=True, env=dict(os.environ, **env))
    return float(json.loads(done.stdout)[0]["avg_ts"])


HIGH_LEVEL = """
import json, sys, time, llama_cpp
llm = llama_cpp.Llama(sys.argv[1], n_ctx=2048, n_threads=int(sys.argv[2]), verbose=False)
for measured in (False, True):
    times = []
    for part in llm.create_chat_completion(json.loads(sys.argv[3]), temperature=0, max_tokens=128, stream=True):
        if part["choices"][0]["delta"].get("content"):
            times.append(time.perf_counter())
    llm.reset()
print((len(times) - 1) / (times[-1] - times[0]))
"""


def high_level(model: Path, threads: int, question: str) -> float:
    """Decoded tokens per second of `Llama.create_chat_completion`, streaming, in a process of its own."""
    turns = json.dumps([{"role": "user", "content": question}])
    command = [sys.executable, "-c", HIGH_LEVEL, str(model), str(threads), turns]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])
