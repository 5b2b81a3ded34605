"""Without a screen the application says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_one_line_instead_of_an_abort() -> None:
    env = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    done = subprocess.run(
        [Path(sys.prefix) / "bin" / "q8chat"], env=env, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "q8chat chat MODEL.gguf" in done.stderr
