# Shared by run.sh and test.sh, which source it: where the clone is, whether it is ready, which Python to use.
# shellcheck shell=bash

Q8_ROOT=$(cd -P -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.." && pwd)

# Everything that the set-up depends on, in one hash: the clone's place, the CPU, what is pinned, the scripts.
q8_stamp() {
    {
        printf '%s\n' "$Q8_ROOT"
        grep -m1 -E '^(flags|Features)' /proc/cpuinfo 2>/dev/null
        cat -- "$Q8_ROOT"/{pyproject.toml,resources/starter.json} "$Q8_ROOT"/packaging/*.{cmake,lock,py,sh}
    } | sha256sum
}

# q8_is_ready run|test: was this very state set up already? Takes milliseconds and starts no Python.
# Q8_STAMP is left behind for q8_set_up.
q8_is_ready() {
    local venv=$Q8_ROOT/.venv
    Q8_STAMP=$(q8_stamp)
    [[ -x $venv/bin/python && -f $venv/q8chat-ready-$1 && $(<"$venv/q8chat-ready-$1") == "$Q8_STAMP" ]] || return 1
    [[ -z ${Q8CHAT_PYTHON:-} ]] && return 0
    local wanted
    wanted=$(command -v -- "$Q8CHAT_PYTHON") && [[ $(readlink -f -- "$wanted") == $(readlink -f -- "$venv/bin/python") ]]
}

# Print the Python to make the environment with: $Q8CHAT_PYTHON, else the first of the usual names that will do.
q8_python() {
    local candidate found='' answer
    local probe='
import sys
version = "%d.%d.%d" % sys.version_info[:3]
if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(version)
try:
    import ctypes, json, sqlite3, ssl, venv, zipfile
except ImportError as e:
    sys.exit(version + " without its module " + str(e.name))
'
    local candidates=(python3 python3.13 python3.12 python3.11)
    [[ -n ${Q8CHAT_PYTHON:-} ]] && candidates=("$Q8CHAT_PYTHON")
    for candidate in "${candidates[@]}"; do
        command -v -- "$candidate" >/dev/null || continue
        if answer=$("$candidate" -c "$probe" 2>&1 </dev/null); then
            command -v -- "$candidate"
            return
        fi
        found+="  $(command -v -- "$candidate"): ${answer%%$'\n'*}"$'\n'
    done
    {
        echo 'Q8 Chat needs Python 3.11, 3.12 or 3.13.'
        if [[ -n $found ]]; then
            printf 'Found, but of no use here:\n%s' "$found"
        else
            echo "Not found: ${candidates[*]}."
        fi
        echo 'Install one of them (on Debian and Ubuntu: sudo apt-get install python3), or name it: Q8CHAT_PYTHON=/path/to/python3.12'
    } >&2
    return 1
}

# q8_set_up run|test [COMMAND...]: make the clone ready, then become the command, if there is one.
q8_set_up() {
    local python purpose=$1
    shift
    python=$(q8_python) || return 1
    if (($#)); then
        exec "$python" "$Q8_ROOT/packaging/set_up.py" --for "$purpose" --stamp "$Q8_STAMP" -- "$@"
    fi
    "$python" "$Q8_ROOT/packaging/set_up.py" --for "$purpose" --stamp "$Q8_STAMP"
}
