#!/usr/bin/env bash
# Write the lock files anew from pyproject.toml and the two lists below. Needs network and uv (`pip install uv`).
# Pins stay as they are while they fit; `packaging/lock.sh --upgrade` takes the newest of everything,
# `--upgrade-package NAME` of one package.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.."

command -v uv >/dev/null || PATH=$PWD/.venv/bin:$PATH
command -v uv >/dev/null || { echo 'uv is missing: .venv/bin/python -m pip install uv' >&2; exit 1; }

# One file for Linux on Python 3.11 to 3.13, every file pinned by its hash, no word about where it comes from.
lock() {
    local target=$1
    shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
        --custom-compile-command packaging/lock.sh --output-file "packaging/$target" "$@"
}

lock requirements.lock pyproject.toml "$@"
lock requirements-test.lock pyproject.toml --group test --constraint packaging/requirements.lock "$@"
# What the environment needs before the locks can be installed, and to install the application itself.
printf 'pip\nsetuptools\n' | lock bootstrap.lock - "$@"
# What llama-cpp-python's build runs on.
printf 'cmake\nninja\nscikit-build-core[pyproject]\n' | lock build-constraints.lock - "$@"
