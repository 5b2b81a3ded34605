#!/usr/bin/env bash
# Run every check, after setting up what the checks need. Arguments go to pytest: ./packaging/test.sh tests/unit -k gguf
set -uo pipefail
# shellcheck source=packaging/lib.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib.sh"
cd -- "$Q8_ROOT" || exit 1

q8_is_ready test || q8_set_up test || exit
bin=$Q8_ROOT/.venv/bin
scripts=(packaging/*.sh .ci/run)
failed=()

check() {
    local name=$1
    shift
    echo "== $name"
    "$@" || failed+=("$name")
}

syntax() {
    local script
    for script in "${scripts[@]}"; do bash -n "$script" || return; done
}

check 'ruff check' "$bin/ruff" check
check 'ruff format' "$bin/ruff" format --check
check 'mypy' "$bin/mypy"
check 'mypy packaging' "$bin/mypy" packaging/*.py
check 'import contracts' "$bin/lint-imports"
check 'shell syntax' syntax
check 'shellcheck' "$bin/shellcheck" -x "${scripts[@]}"
check 'pytest' "$bin/python" -m pytest "$@"

# Nothing is printed after a good run: pytest's own summary is its last line.
if ((${#failed[@]})); then
    printf -v names '%s, ' "${failed[@]}"
    echo "Failed: ${names%, }"
    exit 1
fi
