# Sourced by the other scripts: a virtual environment with what they need.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# environment EXTRAS: make .venv and install the project with these extras, once per pyproject.
environment() {
    local wanted stamp=".venv/.installed-${1//[^a-z]/-}"
    wanted=$(cat pyproject.toml constraints.txt | cksum)
    if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    local python
    python=$(command -v python3.11 || command -v python3)
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        { echo "Python 3.11 or newer is needed; $python is $("$python" --version)" >&2; exit 2; }
    [ -x .venv/bin/python ] || { echo "making .venv"; "$python" -m venv .venv; }
    echo "installing the hub${1:+ with what its tests and training need} (once; a few minutes)"
    # setuptools has a page of advice for every editable installation.
    PYTHONWARNINGS=ignore .venv/bin/pip install --quiet --disable-pip-version-check \
        --constraint constraints.txt --editable ".${1:+[$1]}"
    echo "$wanted" > "$stamp"
}

# programs NAME[:PACKAGE] ...: have these programs, from Debian's packages if this is Debian and
# we may install.
programs() {
    local missing=() name
    for name in "$@"; do
        command -v "${name%:*}" >/dev/null || [ -x "/usr/sbin/${name%:*}" ] ||
            missing+=("${name#*:}")
    done
    [ ${#missing[@]} -eq 0 ] && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing ${missing[*]} with apt"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
    else
        echo "missing: ${missing[*]} (apt install ${missing[*]})" >&2
        return 1
    fi
}

# foreign_programs: make .venv-programs with the programs of other people's that tests drive; they
# have dependencies of their own.
foreign_programs() {
    local wanted list=tests/programs/requirements.txt stamp=.venv-programs/.installed
    wanted=$(cksum < "$list")
    if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    echo "installing the programs that tests drive (once)"
    python3 -m venv .venv-programs
    .venv-programs/bin/pip install --quiet --disable-pip-version-check --requirement "$list"
    echo "$wanted" > "$stamp"
}
