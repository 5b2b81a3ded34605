"""llama.cpp as a library: loaded once per process, quiet, its last errors at hand."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any

# Spins of libgomp before a waiting thread sleeps in the kernel. Long enough for the gap between two tokens, so that
# no thread has to be woken for each; a tenth of libgomp's default, which costs more when another program holds the
# core waited for. Measured: see "Under load" in the README.
SPIN_COUNT = "30000"

# ggml's own levels; llama-cpp-python's are mis-mapped.
_INFO = 2
_WARN = 3
_ERROR = 4
_CONTINUED = 5

_LogCallback = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
_recent_errors: deque[str] = deque(maxlen=20)
_buffers: list[tuple[str, int]] = []
_muted = False
_BUFFER = re.compile(r"(?P<name>\S+ (?:model|KV|RS|compute|output))\s+buffer size\s*=\s*(?P<size>[\d.]+) MiB")


def _log(level: int, text: bytes | None, _user_data: Any) -> None:
    line = (text or b"").decode("utf-8", "replace")
    if level == _ERROR and line.strip():
        _recent_errors.append(line.strip())
    if level == _INFO and "buffer size" in line and (buffer := _BUFFER.search(" ".join(line.split()))):
        _buffers.append((buffer["name"], round(float(buffer["size"]) * (1 << 20))))
    if level in (_WARN, _ERROR, _CONTINUED) and not _muted:
        sys.stderr.write(line)
        sys.stderr.flush()


_loading = threading.Lock()
_log_callback = _LogCallback(_log)  # llama.cpp keeps only the pointer


def library() -> ModuleType:
    """llama-cpp-python's low-level module, its backend initialised. Warnings and errors go to stderr."""
    with _loading:  # the worker's calls have a thread each; half a package must not be seen by another
        return _load()


@cache
def _load() -> ModuleType:
    _spin_less()
    _skip_high_level_api()
    import llama_cpp.llama_cpp as lib

    lib.llama_log_set(_log_callback, ctypes.c_void_p(0))
    lib.llama_backend_init()
    return lib


def _spin_less() -> None:
    """libgomp reads this when it is loaded, with llama.cpp."""
    if not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys():
        os.environ["GOMP_SPINCOUNT"] = SPIN_COUNT


def _skip_high_level_api() -> None:
    """Make the package importable without running its __init__.

    That imports the high-level API with numpy, of which we use nothing and which takes 0.3 s, half the time until
    the starter model is ready.
    """
    spec = importlib.util.find_spec("llama_cpp")
    if spec and "llama_cpp" not in sys.modules:
        package = ModuleType("llama_cpp")
        package.__path__ = list(spec.submodule_search_locations or ())
        sys.modules["llama_cpp"] = package


@contextmanager
def muted() -> Iterator[None]:
    """What llama.cpp says meanwhile is not shown: to it an evaluation that is stopped on purpose is a failure."""
    global _muted  # noqa: PLW0603  llama.cpp's log is one per process
    _muted = True
    try:
        yield
    finally:
        _muted = False


def clear_errors() -> None:
    """Forget what was logged before the call whose errors matter."""
    _recent_errors.clear()


def buffers() -> list[tuple[str, int]]:
    """What llama.cpp allocated since the last call, in bytes: ("CPU_Mapped model", ...), ("CPU KV", ...)."""
    found = _buffers.copy()
    _buffers.clear()
    return found


def last_error() -> str:
    """What llama.cpp said when it last failed, in one line without its function prefix; "" if nothing."""
    for line in _recent_errors:
        text = line.split(": ", 1)[-1] if line.startswith(("llama_", "gguf_", "ggml_")) else line
        if text:
            return text.rstrip(".")
    return ""


def version() -> str:
    """Of the loaded llama.cpp's kernels: "ggml 0.25.3 0c1e570"."""
    lib = library()._lib
    parts = []
    for name in ("ggml_version", "ggml_commit"):
        function = getattr(lib, name)
        function.restype = ctypes.c_char_p
        parts.append(function().decode("ascii", "replace"))
    return " ".join(["ggml", *parts])


def system_info() -> str:
    """What the loaded kernels were compiled for: "CPU : AVX2 = 1 | ..."."""
    return bytes(library().llama_print_system_info()).decode("utf-8", "replace")
