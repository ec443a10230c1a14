# shellcheck shell=sh
# Sourced by install, upgrade and uninstall: where everything lies, and how a version is made.
# DESTDIR goes before every path, for packages and tests.
# shellcheck disable=SC2034  # used by those that source this
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
prefix=/opt/octopus-hub
unit=orchestrator.service
destdir=${DESTDIR:-}
source=
extras=
wheelhouse=
python=${PYTHON:-}

say() { echo "octopus-hub: $*"; }
fail() { say "$*" >&2; exit 1; }

# Options, as a script's own loop reads them; $usage says which there are.
value() { [ $# -ge 2 ] || fail "$1 needs a value; $usage"; }
other() {
    case $1 in
    -h | --help) echo "$usage" && exit 0 ;;
    *) fail "there is no option $1; $usage" ;;
    esac
}

# Set where everything lies, once the options are known.
places() {
    root=$destdir$prefix
    etc=$destdir/etc/octopus-hub
    state=$destdir/var/lib/octopus-hub
    backups=$destdir/var/backups/octopus-hub
    share=share/octopus-hub
    units=$destdir/etc/systemd/system
    command=$destdir/usr/local/bin/octopus
    [ -n "$extras" ] || extras=$(cat "$root/extras" 2>/dev/null || echo web,mail)
    [ -n "$destdir" ] || [ "$(id -u)" = 0 ] || fail "run this as root (sudo $0)"
}

# The path that a symbolic link of the prefix names, or nothing.
version() { readlink "$root/$1" || true; }

# Have a link of the prefix name a version, in one step: nobody ever finds none.
point() {
    ln -sfn "$2" "$root/$1.new"
    mv -T "$root/$1.new" "$root/$1"
}

# Make a version beside those there are, from the source and nothing else; sets $new.
build() {
    [ -n "$python" ] || python=$(command -v python3.11 || command -v python3) ||
        fail "Python 3.11 or newer is needed: apt install python3-venv"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "Python 3.11 or newer is needed; $python is older"
    new=versions/$(date -u +%Y%m%d-%H%M%S)-$$
    mkdir -p "$root/versions"
    copy=$(mktemp -d)
    trap 'rm -rf "${root:?}/$new" "$copy"' EXIT
    say "makes $root/$new"
    "$python" -m venv "$root/$new" || fail "no environment can be made: apt install python3-venv"
    if [ -z "$source" ]; then  # building in the checkout would leave things there, and take old ones in
        cp -R "$here/schemas" "$here/orchestrator" "$here/device_adapters" "$here/training" \
            "$here/config" "$here/pyproject.toml" "$here/README.md" "$here/LICENSE" "$copy"
        source=$copy
    fi
    set -- --quiet --disable-pip-version-check --no-input
    [ -z "$wheelhouse" ] || set -- "$@" --no-index --find-links "$wheelhouse"
    [ ! -f "$here/constraints.txt" ] || set -- "$@" --constraint "$here/constraints.txt"
    PYTHONWARNINGS=ignore "$root/$new/bin/python" -m pip install "$@" "${source}[$extras]" ||
        fail "the packages cannot be installed; nothing was changed"
    packaged=$("$root/$new/bin/python" -P -c 'from orchestrator import settings; print(settings.PACKAGED)')
    mkdir -p "$root/$new/$share"
    cp "$packaged"/*.toml "$here/orchestrator.service" "$here/README.md" "$root/$new/$share/"
    echo "$extras" > "$root/extras"
    rm -rf "$copy"
    trap - EXIT
}

# Put the unit and the command into place; they name the link, so a new version changes neither.
place() {
    mkdir -p "$units" "$(dirname "$command")"
    sed "s#/opt/octopus-hub/#$prefix/#g" "$root/current/$share/orchestrator.service" > "$units/$unit.new"
    chmod 644 "$units/$unit.new"
    mv "$units/$unit.new" "$units/$unit"
    cat > "$command.new" <<END
#!/bin/sh
# The command line of this machine's hub: its configuration, its state, its secrets.
: "\${OCTOPUS_CONFIG:=/etc/octopus-hub}" "\${STATE_DIRECTORY:=/var/lib/octopus-hub}"
[ -d "\${CREDENTIALS_DIRECTORY:=/run/credentials/$unit}" ] || CREDENTIALS_DIRECTORY=/etc/octopus-hub/credentials
export OCTOPUS_CONFIG STATE_DIRECTORY CREDENTIALS_DIRECTORY
exec $prefix/current/bin/octopus "\$@"
END
    chmod 755 "$command.new"
    mv "$command.new" "$command"
    systemctl daemon-reload
}

# Run a version's command line on the state of a hub that has stopped.
octopus_of() {
    of=$1
    shift
    OCTOPUS_CONFIG=$etc STATE_DIRECTORY=$state CREDENTIALS_DIRECTORY=$etc/credentials \
        "$root/$of/bin/octopus" "$@"
}

# Start the service and wait until it says that it is ready.
start() { systemctl restart "$unit" && systemctl is-active --quiet "$unit"; }
