#!/usr/bin/env bash
# Start Q8 Chat from this clone. The first time, set up everything that it needs. Arguments go to q8chat.
set -euo pipefail
# shellcheck source=packaging/lib.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib.sh"

if q8_is_ready run; then
    exec "$Q8_ROOT/.venv/bin/q8chat" "$@"
fi
q8_set_up run "$Q8_ROOT/.venv/bin/q8chat" "$@"
