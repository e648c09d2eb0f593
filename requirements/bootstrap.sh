#!/usr/bin/env bash
# Makes .venv with exactly the pinned packages. Called by `make install`; safe to repeat.
# A missing prerequisite is named with the command that mends it.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly PINS=requirements/dev.txt
readonly OLDEST=11   # of Python 3

fail() { printf 'make install: %s\n  to mend it: %s\n' "$1" "$2" >&2; exit 1; }
recent() { "$1" -c "import sys; sys.exit(sys.version_info < (3, $OLDEST))" >/dev/null 2>&1; }

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.11 python3.12 python3.13 python3.14; do
        if [ -n "$candidate" ] && recent "$candidate"; then
            printf '%s' "$candidate"
            return
        fi
    done
    if command -v python3 >/dev/null; then
        fail "Python 3.$OLDEST or newer is needed, python3 is $(python3 -V 2>&1)" \
            "apt-get install python3.$OLDEST-venv, or name one: make install PYTHON=/path/to/python"
    fi
    fail "no Python found" "apt-get install python3 python3-venv"
}

python=$(find_python)
home="$PWD/.venv"

# A folder that was moved or copied has an environment that points elsewhere.
if [ -e "$home" ]; then
    prefix=$("$home/bin/python" -c 'import sys; print(sys.prefix)' 2>/dev/null || true)
    if [ "$prefix" != "$home" ] || ! recent "$home/bin/python"; then
        echo "make install: .venv does not work here and is made anew"
        rm -rf "$home"
    fi
fi

with_uv() {
    [ -e "$home" ] || uv venv --quiet --python "$(command -v "$python")" "$home"
    uv pip install --python "$home/bin/python" --require-hashes -r "$PINS"
    uv pip install --quiet --python "$home/bin/python" --no-deps --no-build-isolation -e .
}

with_pip() {
    local pip=("$home/bin/python" -m pip --disable-pip-version-check --no-input)
    local total version
    if [ ! -e "$home" ]; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        "$python" -c 'import venv, ensurepip' 2>/dev/null ||
            fail "Python $version has no venv module" \
                "apt-get install python3-venv (where it is not the system's: python$version-venv)"
        "$python" -m venv "$home"
    elif ! "$home/bin/python" -m pip --version >/dev/null 2>&1; then
        "$home/bin/python" -m ensurepip >/dev/null ||
            fail ".venv has no pip" "rm -rf .venv && make install"
    fi
    total=$(grep -c '^[^ ].*==' "$PINS")
    # The pins are complete. Resolving them again makes older pips look at the newest version of a
    # package that another one asks for with an extra (coverage[toml]), which no hash allows.
    "${pip[@]}" install --progress-bar off --no-deps --require-hashes -r "$PINS" |
        awk -v total="$total" '
            /^(Collecting|Processing) / {
                n++; sub(".*/", "", $2); printf "  [%d/%d] %s\n", n, total, $2; fflush()
            }
            /^Installing collected/ { print "  unpacking"; fflush() }'
    "${pip[@]}" install --quiet --no-deps --no-build-isolation -e .
    "${pip[@]}" check >/dev/null || "${pip[@]}" check >&2
}

echo "make install: $("$python" -V), packages of $PINS into .venv"
if command -v uv >/dev/null; then
    with_uv || { echo "make install: uv did not succeed, trying pip"; with_pip; }
else
    with_pip
fi
touch "$home/.installed"
echo "make install: done"
