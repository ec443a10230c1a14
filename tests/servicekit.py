"""A machine for scripts/install and its like: a folder as its root, a `systemctl` that notes what
it is told, and a Python whose environments hold a small `octopus` instead of the hub."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SYSTEMCTL = """#!/bin/sh
# Starts nothing; a service whose current version has a file `broken` does not come up.
echo "$*" >> "$DESTDIR/calls"
broken=$(cat "$DESTDIR/opt/octopus-hub/current/broken" 2>/dev/null)
journal=$(cat "$DESTDIR/var/lib/octopus-hub/journal.db" 2>/dev/null)
case $1 in
restart | is-active)
    [ "$broken" != migrated ] || echo newer > "$DESTDIR/var/lib/octopus-hub/journal.db"
    [ -z "$broken" ] || exit 1
    # An older version cannot read what a newer one has made of the journal.
    [ "$journal" != newer ] || [ -e "$DESTDIR/opt/octopus-hub/current/new" ]
    ;;
esac
"""
PYTHON = """#!/bin/sh
# `-m venv FOLDER` makes an environment of scripts; anything else is done.
[ "$1 $2" = "-m venv" ] || exit 0
mkdir -p "$3/bin" && cat > "$3/bin/python" <<'END'
#!/bin/sh
case "$*" in
*"pip install"*) echo "$*" >> "$DESTDIR/pip"; [ ! -e "$DESTDIR/no-network" ] ;;
*PACKAGED*) echo "$PACKAGED" ;;
*settings.load*) [ ! -e "$DESTDIR/refused" ] ;;
esac
END
cat > "$3/bin/octopus" <<'END'
#!/bin/sh
echo "octopus $1" >> "$DESTDIR/calls"
case $1 in
backup) [ ! -e "$DESTDIR/full" ] && cp "$STATE_DIRECTORY/journal.db" "$2" ;;
restore) cp "$2" "$STATE_DIRECTORY/journal.db" ;;
esac
END
chmod +x "$3/bin/python" "$3/bin/octopus"
for file in broken new; do
    [ ! -e "$DESTDIR/$file" ] || cp "$DESTDIR/$file" "$3/$file"
done
"""


@dataclass(frozen=True)
class Machine:
    """What the scripts see of it."""

    root: Path
    packaged: Path
    programs: Path

    @classmethod
    def made(cls, folder: Path) -> "Machine":
        """One without a hub."""
        machine = cls(folder / "root", folder / "packaged", folder / "programs")
        for path in (machine.root, machine.packaged, machine.programs):
            path.mkdir()
        for name, text in (("systemctl", SYSTEMCTL), ("python3.11", PYTHON), ("mosquitto", "")):
            (machine.programs / name).write_text(text)
            (machine.programs / name).chmod(0o755)
        for name in ("hub", "devices", "people", "policy"):
            (machine.packaged / f"{name}.toml").write_text(f"# as shipped: {name}\n")
        return machine

    @property
    def prefix(self) -> Path:
        """Where the versions are."""
        return self.root / "opt/octopus-hub"

    @property
    def etc(self) -> Path:
        """The configuration."""
        return self.root / "etc/octopus-hub"

    @property
    def state(self) -> Path:
        """What systemd makes for the service."""
        return self.root / "var/lib/octopus-hub"

    @property
    def unit(self) -> Path:
        """The unit in its place."""
        return self.root / "etc/systemd/system/orchestrator.service"

    @property
    def versions(self) -> set[str]:
        """Those that are there."""
        return {path.name for path in (self.prefix / "versions").iterdir()}

    def version(self, link: str) -> str:
        """Which version a link names."""
        return (self.prefix / link).resolve(strict=True).name

    def calls(self) -> list[str]:
        """What systemctl and octopus were told since this was last asked."""
        file = self.root / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return lines

    def mark(self, name: str, text: str = "yes") -> Path:
        """Have something be so on this machine, from now on."""
        (self.root / name).write_text(text)
        return self.root / name

    def run(self, script: str, *options: str) -> "subprocess.CompletedProcess[str]":
        """Run one of the scripts on it."""
        environment = {
            "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
            "DESTDIR": str(self.root), "PACKAGED": str(self.packaged),
        }  # fmt: skip
        return subprocess.run(
            [ROOT / "scripts" / script, *options],
            capture_output=True, text=True, check=False, env=environment,
        )  # fmt: skip
