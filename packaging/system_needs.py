"""The system libraries and programs that the application and its tests need, and how they get here.

Debian and Ubuntu: the missing packages are installed (root) or named in one line to run (anyone else).
Other Linux: what is missing is named; the set-up stops if the application could not start without it.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from report import SetUpError

APT_LISTS = Path("/var/lib/apt/lists")


@dataclass(frozen=True)
class Need:
    """One Debian package and how to see elsewhere that its content is there (`program` or `library`)."""

    package: str
    why: str
    library: str = ""
    program: str = ""
    essential: bool = True


DRAWING, X11, WAYLAND = "drawing the window", "windows on X11", "windows on Wayland"
TESTS = "end-to-end tests on a virtual screen"

RUN = (
    Need("libegl1", DRAWING, library="libEGL.so.1"),
    Need("libgl1", DRAWING, library="libGL.so.1"),
    Need("libxkbcommon0", "the keyboard", library="libxkbcommon.so.0"),
    Need("libdbus-1-3", "the desktop's settings", library="libdbus-1.so.3"),
    Need("libfontconfig1", "finding fonts", library="libfontconfig.so.1"),
    Need("libglib2.0-0", "Qt's event loop", library="libglib-2.0.so.0"),
    Need("libgomp1", "llama.cpp's threads", library="libgomp.so.1"),
    Need("fonts-dejavu-core", "a font for text and code", essential=False),
    Need("libxcb-cursor0", X11, library="libxcb-cursor.so.0", essential=False),
    Need("libxcb-icccm4", X11, library="libxcb-icccm.so.4", essential=False),
    Need("libxcb-keysyms1", X11, library="libxcb-keysyms.so.1", essential=False),
    Need("libxcb-image0", X11, library="libxcb-image.so.0", essential=False),
    Need("libxcb-render-util0", X11, library="libxcb-render-util.so.0", essential=False),
    Need("libxcb-randr0", X11, library="libxcb-randr.so.0", essential=False),
    Need("libxcb-shape0", X11, library="libxcb-shape.so.0", essential=False),
    Need("libxcb-sync1", X11, library="libxcb-sync.so.1", essential=False),
    Need("libxcb-xfixes0", X11, library="libxcb-xfixes.so.0", essential=False),
    Need("libxcb-xkb1", X11, library="libxcb-xkb.so.1", essential=False),
    Need("libxkbcommon-x11-0", X11, library="libxkbcommon-x11.so.0", essential=False),
    Need("libx11-xcb1", X11, library="libX11-xcb.so.1", essential=False),
    Need("libwayland-cursor0", WAYLAND, library="libwayland-cursor.so.0", essential=False),
    Need("g++", "compiling llama.cpp for this CPU", program="c++"),
)
TEST = (
    Need("xvfb", TESTS, program="Xvfb"),
    Need("xauth", TESTS, program="xauth"),
    Need("xdotool", TESTS, program="xdotool"),
)


def needs_for(purpose: str) -> list[Need]:
    """What `run` or `test` needs, with the parts of Python that Debian keeps in a package of their own."""
    needs = [*RUN, *(TEST if purpose == "test" else ())]
    if importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        needs.append(Need(f"python{version}-venv", "making the environment in .venv"))
    return needs


def provide(needs: Iterable[Need]) -> None:
    """Install what is missing, or raise SetUpError that says what is."""
    if sys.platform.startswith("linux"):
        _check_libc()
    if shutil.which("apt-get") and shutil.which("dpkg-query"):
        _provide_by_apt(needs)
    else:
        _name_missing(needs)


def missing_packages(needs: Iterable[Need]) -> list[Need]:
    """Those that dpkg does not have; a package that `Provides:` the name counts, and so does a program on PATH."""
    form = "${db:Status-Status}\\t${Package}\\t${Provides}\\n"
    listing = subprocess.run(["dpkg-query", "-W", "-f", form], capture_output=True, text=True, check=True)
    present: set[str] = set()
    for line in listing.stdout.splitlines():
        status, package, provides = line.split("\t")
        if status == "installed":
            present |= {package, *(word.split()[0] for word in provides.split(",") if word.strip())}
    return [n for n in needs if n.package not in present and not (n.program and shutil.which(n.program))]


def _provide_by_apt(needs: Iterable[Need]) -> None:
    missing = missing_packages(needs)
    if not missing:
        return
    reasons: dict[str, list[str]] = {}
    for need in missing:
        reasons.setdefault(need.why, []).append(need.package)
    print("System packages that are missing:")
    for why, packages in reasons.items():
        print(f"  {' '.join(packages)}: for {why}")
    install = ["apt-get", "install", "-y", "--no-install-recommends", *(n.package for n in missing)]
    if os.geteuid() != 0:
        update = "" if any(APT_LISTS.glob("*Packages*")) else "sudo apt-get update && "
        raise SetUpError(
            f"Installing them takes an administrator. Run this line:\n\n    {update}sudo {shlex.join(install)}\n"
        )
    print("Installing them with apt-get.", flush=True)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    wait = ["-o", "DPkg::Lock::Timeout=120", "-q"]
    for command in (["apt-get", "update"], install):
        done = subprocess.run([*command, *wait], stdin=subprocess.DEVNULL, env=env, check=False)
        # Packages may still install from the lists that are here when one source can't be refreshed.
        if done.returncode != 0 and command is install:
            raise SetUpError(
                f"apt-get could not install them; its words stand above. Get this to work: {shlex.join(install)}"
            )


def _name_missing(needs: Iterable[Need]) -> None:
    missing = [n for n in needs if not _is_here(n)]
    for need in missing:
        weight = "missing" if need.essential else "missing, you may not need it"
        print(f"  {need.library or need.program or need.package}: {weight} (for {need.why})")
    if any(n.essential for n in missing):
        raise SetUpError(
            "Install what is named above with this system's package manager (Debian's names are "
            f"{' '.join(n.package for n in missing)})."
        )


def _is_here(need: Need) -> bool:
    if need.program:
        return shutil.which(need.program) is not None
    if not need.library:
        return not need.package.endswith("-venv")
    try:
        ctypes.CDLL(need.library)
    except OSError:
        return False
    return True


def _check_libc() -> None:
    """PySide6's wheels ask for glibc 2.34; pip's own words about that name no cause."""
    name, version = platform.libc_ver()
    if name == "glibc" and tuple(map(int, version.split(".")[:2])) >= (2, 34):
        return
    found = f"{name} {version}" if name else "another C library"
    raise SetUpError(f"Qt's libraries need glibc 2.34 or newer (Debian 12, Ubuntu 22.04); this system has {found}.")
