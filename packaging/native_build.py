"""llama.cpp, compiled for this CPU: built by pip from the locked sdist, kept in pip's cache, checked before use."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from environment import Environment, pip_env
from logged import run_logged
from report import SetUpError

GIB = 1 << 30
NAME = "llama-cpp-python"
_NINJA = re.compile(r"\[(\d+)/(\d+)\] ")


def build_env(env: Mapping[str, str]) -> dict[str, str]:
    """`env` for the build. SOURCE_DATE_EPOCH must go: llama.cpp takes it as a wish to leave all SIMD out."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    jobs = max(1, min(os.cpu_count() or 1, memory // GIB))
    kept = {k: v for k, v in env.items() if k != "SOURCE_DATE_EPOCH"}
    less = Path(__file__).with_suffix(".cmake")
    return {
        **kept,
        "CMAKE_ARGS": "-DLLAVA_BUILD=OFF",
        "CMAKE_BUILD_PARALLEL_LEVEL": str(jobs),
        # Not among CMAKE_ARGS, which are split at spaces: the clone's path may have some.
        "SKBUILD_CMAKE_DEFINE": f"CMAKE_PROJECT_INCLUDE={less}",
    }


def progress(line: str) -> str | None:
    """What a line of pip's and ninja's output says about how far the build is."""
    if match := _NINJA.match(line):
        return f"building llama.cpp {match[1]}/{match[2]}"
    if line.startswith("Downloading"):
        return "downloading what the build needs"
    if line.startswith(("Installing build dependencies", "Preparing metadata", "Building wheel")):
        return "preparing the build of llama.cpp"
    return None


def install(environment: Environment, requirement: Path, constraint: Path, *, again: bool = False) -> bool:
    """Install the one requirement: from the wheel that pip kept of an earlier build, or compiled now.

    `again`: compile in any case. Returns whether it was compiled now. Raises SetUpError when that fails.
    """
    options = ["-v", "--no-deps", "--require-hashes", "--build-constraint", str(constraint), "-r", str(requirement)]
    if again:
        options += ["--no-cache-dir", "--force-reinstall"]
    log = environment.log("llama.cpp")
    run_logged(
        [str(environment.python), "-m", "pip", "install", *options],
        log,
        "llama.cpp (compiling it for this CPU takes some minutes the first time)",
        progress,
        env=build_env(pip_env()),
        lock_fd=environment.lock_fd,
    )
    return "Building wheel for llama" in log.read_text(errors="replace")


def misfit(python: Path, model: Path) -> str:
    """Why the installed build is wrong for this CPU, "" if it is right.

    Asked in a child process, because a build for another CPU dies of an illegal instruction.
    """
    script = Path(__file__).with_name("native_fit.py")
    asked = subprocess.run(
        [python, script, model], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if asked.returncode < 0:
        return f"it dies of signal {-asked.returncode} on this CPU"
    if asked.returncode != 0:
        raise SetUpError(f"The llama.cpp that was just built does not work:\n{asked.stderr.strip()}")
    answer = json.loads(asked.stdout)
    if answer["unsafe"]:
        return f"it uses {', '.join(answer['unsafe'])}, which this CPU does not have"
    if answer["missing"]:
        return f"it does not use this CPU's {', '.join(answer['missing'])}"
    return ""
