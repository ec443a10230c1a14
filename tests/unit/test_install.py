"""scripts/install, upgrade and uninstall: what they put where, keep, and take back."""

import os
import re
import tomllib
from pathlib import Path

import pytest

from tests.servicekit import ROOT, Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine.made(tmp_path)


@pytest.fixture
def installed(machine: Machine) -> Machine:
    """With a hub that has been running."""
    done = machine.run("install")
    assert done.returncode == 0, done.stderr
    machine.state.mkdir(parents=True)
    (machine.state / "journal.db").write_text("older")
    (machine.state / "hub-id").write_text("it")
    (machine.state / "taught").mkdir()
    (machine.state / "taught/feed_pet").write_text("by hand")
    for name in ("hub", "policy"):
        (machine.etc / f"{name}.toml").write_text(f"# mine: {name}\n")
    machine.calls()
    return machine


def mine(machine: Machine) -> dict[str, str]:
    """What a person wrote and the hub learned."""
    files = [machine.etc / "hub.toml", machine.etc / "policy.toml", *machine.state.rglob("*")]
    return {str(file): file.read_text() for file in files if file.is_file()}


def test_install_puts_everything_into_its_place(machine: Machine) -> None:
    done = machine.run("install", "--extras", "web", "--with", "usb")
    assert (done.returncode, done.stderr) == (0, "")
    assert machine.calls() == [
        "daemon-reload", "enable --quiet orchestrator.service", "restart orchestrator.service",
        "is-active --quiet orchestrator.service",
    ]  # fmt: skip
    assert (machine.etc / "people.toml").read_text() == "# as shipped: people\n"
    assert machine.unit.read_text() == (ROOT / "orchestrator.service").read_text()
    assert (machine.unit.parent / "orchestrator.service.d/usb.conf").exists()
    assert "[web]" in (machine.root / "pip").read_text()
    program = re.search("(?m)^ExecStart=(\\S+)", machine.unit.read_text())
    assert program
    assert os.access(f"{machine.root}{program[1]}", os.X_OK), "the unit names what is there"
    assert os.access(machine.root / "usr/local/bin/octopus", os.X_OK)


def test_installing_again_adds_only_what_is_missing(installed: Machine) -> None:
    (installed.etc / "people.toml").unlink()
    before, version = mine(installed), installed.version("current")
    done = installed.run("install", "--no-start")
    assert done.returncode == 0
    assert "is installed already" in done.stdout
    assert mine(installed) == before
    assert (installed.etc / "people.toml").exists()
    assert installed.versions == {version}
    assert "restart orchestrator.service" not in installed.calls()


def test_packages_that_cannot_be_had_leave_nothing_behind(machine: Machine) -> None:
    machine.mark("no-network")
    done = machine.run("install", "--wheelhouse", "/media/wheels")
    assert done.returncode == 1
    assert "cannot be installed; nothing was changed" in done.stderr
    assert "--no-index --find-links /media/wheels" in (machine.root / "pip").read_text()
    assert machine.versions == set()
    assert not machine.unit.exists()
    assert not machine.etc.exists()


def test_an_upgrade_keeps_what_is_mine_and_the_version_before(installed: Machine) -> None:
    before, old = mine(installed), installed.version("current")
    (installed.packaged / "hub.toml").write_text("# as shipped: hub, with a new key\n")
    done = installed.run("upgrade")
    assert (done.returncode, done.stderr) == (0, "")
    assert installed.calls() == [
        "stop orchestrator.service", "octopus backup", "daemon-reload",
        "restart orchestrator.service", "is-active --quiet orchestrator.service",
    ]  # fmt: skip
    new = installed.version("current")
    assert (installed.version("previous"), new != old) == (old, True)
    assert mine(installed) == before
    assert (installed.etc / "hub.toml.new").read_text().endswith("new key\n")
    assert not (installed.etc / "policy.toml.new").exists(), "nothing is new there"
    (kept,) = (installed.root / "var/backups/octopus-hub").iterdir()
    assert (kept.read_text(), kept.parent.stat().st_mode & 0o777) == ("older", 0o700)

    assert installed.run("upgrade").returncode == 0
    assert installed.versions == {installed.version("current"), new}, "and not all there ever were"


def test_an_upgrade_that_does_not_come_up_goes_back_by_itself(installed: Machine) -> None:
    before, old = mine(installed), installed.version("current")
    installed.mark("broken")
    done = installed.run("upgrade")
    assert done.returncode == 1
    assert f"goes back to versions/{old}" in done.stderr
    assert f"versions/{old} runs" in done.stderr
    assert (installed.version("current"), installed.versions) == (old, {old})
    assert mine(installed) == before
    assert "octopus restore" not in installed.calls(), "the journal is what it was"


def test_a_journal_that_only_the_new_version_reads_is_put_back(installed: Machine) -> None:
    before, old = mine(installed), installed.version("current")
    installed.mark("broken", "migrated")
    assert installed.run("upgrade").returncode == 1
    assert installed.version("current") == old
    assert "octopus restore" in installed.calls()
    assert mine(installed) == before


@pytest.mark.parametrize("trouble", ["refused", "full", "no-network"])
def test_an_upgrade_that_cannot_be_made_changes_nothing(installed: Machine, trouble: str) -> None:
    before, old = mine(installed), installed.version("current")
    installed.mark(trouble)
    done = installed.run("upgrade")
    assert done.returncode == 1
    assert "nothing was changed" in done.stderr
    assert (installed.version("current"), installed.versions) == (old, {old})
    assert mine(installed) == before
    calls = installed.calls()
    assert calls == [] or calls[-2].startswith("restart"), "it runs again"


def test_going_back_and_forth(installed: Machine) -> None:
    old = installed.version("current")
    assert "no version to go back to" in installed.run("upgrade", "--back").stderr
    assert installed.run("upgrade").returncode == 0
    new = installed.version("current")
    assert installed.run("upgrade", "--back").returncode == 0
    assert (installed.version("current"), installed.version("previous")) == (old, new)
    assert installed.run("upgrade", "--back").returncode == 0
    assert installed.version("current") == new


def test_going_back_from_a_newer_journal_says_how(installed: Machine) -> None:
    installed.mark("new")
    assert installed.run("upgrade").returncode == 0
    old, new = installed.version("previous"), installed.version("current")
    (installed.state / "journal.db").write_text("newer")
    done = installed.run("upgrade", "--back")
    assert done.returncode == 1
    assert "scripts/upgrade --back --restore" in done.stderr
    assert installed.run("upgrade", "--back").returncode == 0, "the newer one again"
    assert installed.version("current") == new
    done = installed.run("upgrade", "--back", "--restore")
    assert done.returncode == 0, done.stderr
    assert installed.version("current") == old
    assert (installed.state / "journal.db").read_text() == "older"


def test_uninstalling_keeps_what_is_mine_unless_it_is_told_otherwise(installed: Machine) -> None:
    before = mine(installed)
    done = installed.run("uninstall")
    assert (done.returncode, done.stderr) == (0, "")
    assert installed.calls() == ["disable --quiet --now orchestrator.service", "daemon-reload"]
    assert mine(installed) == before
    assert not installed.prefix.exists()
    assert not installed.unit.exists()
    assert not (installed.root / "usr/local/bin/octopus").exists()
    assert installed.run("install").returncode == 0, "and it may come back"
    assert mine(installed) == before
    assert installed.run("uninstall", "--purge").returncode == 0
    assert not installed.state.exists()
    assert not installed.etc.exists()
    assert installed.run("uninstall").returncode == 0, "twice does no harm"


@pytest.mark.parametrize(
    ("script", "option"), [("install", "--with=usb"), ("upgrade", "--purge"), ("uninstall", "all")]
)
def test_a_wrong_option_is_answered_with_the_right_ones(
    machine: Machine, script: str, option: str
) -> None:
    done = machine.run(script, option)
    assert done.returncode == 1
    assert f"use: scripts/{script}" in done.stderr
    assert "no config/systemd/radio.conf" in machine.run("install", "--with", "radio").stderr


def test_every_package_of_the_checkout_is_installed() -> None:
    said = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = set(said["tool"]["setuptools"]["packages"])
    code = ("schemas", "orchestrator", "device_adapters", "training")
    there = {file.parent for top in code for file in (ROOT / top).rglob("*.py")}
    assert {str(folder.relative_to(ROOT)).replace("/", ".") for folder in there} <= packages


@pytest.mark.parametrize("script", ["install", "upgrade", "uninstall"])
def test_wrong_options_say_what_there_is_and_change_nothing(script: str, machine: Machine) -> None:
    for options in (["--prefix"], ["--perfix", "/opt"], ["here"]):
        done = machine.run(script, *options)
        assert (done.returncode, done.stdout) == (1, "")
        first, *_ = done.stderr.splitlines()
        assert first.startswith("octopus-hub: ")
        assert options[0] in first
        assert f"use: scripts/{script} " in first
    assert not machine.prefix.exists()
    asked = machine.run(script, "--help")
    assert (asked.returncode, asked.stderr) == (0, "")
    assert asked.stdout.startswith(f"use: scripts/{script} ")
