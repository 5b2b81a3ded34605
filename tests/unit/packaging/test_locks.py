from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from environment import entries
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]
LOCKS = sorted((ROOT / "packaging").glob("*.lock"))


def requirements(lock: Path) -> dict[str, list[Requirement]]:
    found: dict[str, list[Requirement]] = {}
    for name, text in entries(lock):
        found.setdefault(name, []).append(Requirement(text.partition("\\")[0]))
    return found


def test_the_four_locks_are_there() -> None:
    names = {"requirements.lock", "requirements-test.lock", "bootstrap.lock", "build-constraints.lock"}
    assert {lock.name for lock in LOCKS} == names


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_requirement_is_pinned_with_hashes(lock: Path) -> None:
    found = list(entries(lock))
    lines = [line for line in lock.read_text().splitlines() if line and not line.startswith(("#", " "))]
    assert len(found) == len(lines) > 0
    for name, text in found:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", text), name


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_no_lock_says_where_packages_come_from(lock: Path) -> None:
    assert not re.search(r"://|index-url|find-links|trusted-host", lock.read_text())


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-test.lock"])
def test_pyside_is_the_version_that_python_3_11_survives(name: str) -> None:
    pins = requirements(ROOT / "packaging" / name)
    for package in ("pyside6-essentials", "shiboken6"):
        assert [str(pin.specifier) for pin in pins[package]] == ["==6.11.3"]
        assert pins[package][0].marker is None


def test_the_test_lock_holds_what_the_application_is_pinned_to() -> None:
    run, test = (requirements(ROOT / "packaging" / n) for n in ("requirements.lock", "requirements-test.lock"))
    assert run.items() <= test.items()


def test_the_locks_satisfy_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    pins = requirements(ROOT / "packaging" / "requirements-test.lock")
    for line in [*project["project"]["dependencies"], *project["dependency-groups"]["test"]]:
        wanted = Requirement(line)
        for pin in pins[canonicalize_name(wanted.name)]:
            (exact,) = pin.specifier
            assert wanted.specifier.contains(exact.version), line


def test_these_tests_run_on_what_is_locked() -> None:
    for name, pins in requirements(ROOT / "packaging" / "requirements-test.lock").items():
        for pin in pins:
            if pin.marker is None or pin.marker.evaluate():
                assert pin.specifier.contains(metadata.version(name)), name
