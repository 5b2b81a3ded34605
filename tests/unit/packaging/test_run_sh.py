"""run.sh from the outside: nothing to do, nothing to do it with, nobody allowed to do it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import Clone, Poison

RUN = "./packaging/run.sh"


def test_the_second_start_is_the_application_and_nothing_else(finished: Clone, poison: Poison) -> None:
    done = finished.run(RUN, "chat", "two words", "-p", "*")
    assert (done.returncode, done.stdout, done.stderr) == (0, "started:chat two words -p *\n", "")
    assert not poison()


def test_it_may_be_started_from_anywhere_and_through_a_link(
    finished: Clone, poison: Poison, tmp_path: Path
) -> None:
    link = tmp_path / "q8"
    link.symlink_to(finished.root / "packaging" / "run.sh")
    done = subprocess.run([link, "x"], cwd="/", env=finished.env, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("started:x\n", "")
    assert not poison()


@pytest.mark.parametrize(
    "path", ["pyproject.toml", "packaging/requirements.lock", "packaging/set_up.py", "resources/starter.json"]
)
def test_a_change_of_what_is_pinned_sets_up_again(finished: Clone, poison: Poison, path: str) -> None:
    with (finished.root / path).open("a") as f:
        f.write("\n")
    assert finished.run(RUN).returncode != 0
    assert poison()


def test_a_clone_that_was_moved_sets_up_again(finished: Clone, poison: Poison) -> None:
    moved = finished.root.with_name("moved")
    finished.root.rename(moved)
    finished.root = moved
    assert finished.run(RUN).returncode != 0
    assert poison()


def test_an_environment_whose_python_is_gone_is_not_ready(finished: Clone, poison: Poison) -> None:
    python = finished.root / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/usr/bin/python3.this-was-upgraded")
    assert finished.run(RUN).returncode != 0
    assert poison()


def test_no_suitable_python_is_named_with_what_was_found(clone: Clone) -> None:
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        clone.tool(name, "#!/bin/sh\necho 3.9.2\nexit 1\n")
    done = clone.run(RUN)
    assert done.returncode == 1
    assert "needs Python 3.11, 3.12 or 3.13" in done.stderr
    assert f"{clone.tools}/python3: 3.9.2" in done.stderr
    assert not (clone.root / ".venv").exists()


def test_a_wanted_python_that_is_not_there_is_named(clone: Clone) -> None:
    done = clone.run(RUN, Q8CHAT_PYTHON="/opt/no/python3.12")
    assert done.returncode == 1
    assert "Not found: /opt/no/python3.12" in done.stderr


def as_nobody() -> list[str] | None:
    """What to put before a command to run it without root's rights; None where that can't be done (a chroot)."""
    if os.geteuid() != 0:
        return []
    command = ["unshare", "--user"]
    allowed = subprocess.run([*command, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0
    return command if allowed else None


@pytest.mark.skipif(not shutil.which("dpkg-query"), reason="needs Debian or Ubuntu")
@pytest.mark.skipif(as_nobody() is None, reason="can't give up root's rights here")
def test_without_root_the_missing_packages_are_named_with_the_line_to_run(clone: Clone) -> None:
    real = shutil.which("dpkg-query")
    clone.tool("dpkg-query", f"#!/bin/sh\n{real} \"$@\" | grep -vE '\tlibxcb-cursor0\t|\tlibegl1\t'\n")
    done = clone.run(*(as_nobody() or []), RUN)
    assert done.returncode == 1
    assert "libegl1: for drawing the window" in done.stdout
    assert "libxcb-cursor0: for windows on X11" in done.stdout
    assert "sudo apt-get install -y --no-install-recommends libegl1 libxcb-cursor0\n" in done.stderr
    assert "run ./packaging/run.sh again" in done.stderr
    assert not (clone.root / ".venv").exists()
