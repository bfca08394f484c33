#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image: Python 3.11 or newer, bubblewrap, and
# the grader in an environment of its own. AUTOGRADER_ROOT is for a trial outside of Gradescope.
set -euo pipefail

root="${AUTOGRADER_ROOT:-/autograder}"
export DEBIAN_FRONTEND=noninteractive

# The first Python that is new enough and can make an environment; fails if there is none.
find_python() {
    local candidate
    for candidate in python3.13 python3.12 python3.11 python3; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

# The base image's own Python if it will do, else the newest that its packages have.
install_python() {
    local version
    for version in 3 3.13 3.12 3.11; do
        apt-get install -y -qq "python$version" "python$version-venv" >/dev/null 2>&1 || continue
        find_python >/dev/null && return
    done
    return 1
}

if ! command -v bwrap >/dev/null || ! find_python >/dev/null; then
    apt-get update -qq || echo "the package lists could not be updated"
fi
if ! command -v bwrap >/dev/null; then
    apt-get install -y -qq bubblewrap >/dev/null ||
        echo "bubblewrap cannot be installed: the next best isolation will be used"
fi
if ! find_python >/dev/null && ! install_python; then
    echo "Python 3.11 or newer cannot be installed here: choose a newer base image, such as Ubuntu 22.04" >&2
    exit 1
fi

"$(find_python)" -m venv --clear "$root/venv"
"$root/venv/bin/python" -m pip install --quiet --editable "$root/source/course"
"$root/venv/bin/python" -m grader --help >/dev/null
