"""Backup and restore: what comes back is what was there, or nothing is touched."""

import asyncio
import fcntl
import io
import json
import os
import random
import re
import shutil
import sqlite3
import tarfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from click.testing import Result
from typer.testing import CliRunner

from orchestrator.cli.commands import cli
from orchestrator.journal import Journal, opening
from orchestrator.journal.audit import look
from orchestrator.journal.backup import NoBackup, backup
from orchestrator.journal.engine import connect_to
from orchestrator.journal.reading import reading
from orchestrator.journal.restore import restore
from schemas.errors import HubError
from schemas.execution import RunState, StepState
from schemas.schedule import ScheduleState
from tests.hubkit import older_journal
from tests.journalkit import behind_its_back, content, ended, lived, url, wrong
from tests.schedulekit import schedule, scheduled

pytestmark = pytest.mark.both_stores

OTHERS = {
    "devices.json": "[]",
    "adbkey": "a secret",
    "adbkey.pub": "no secret",
    "broker/passwords.json": '{"hub": "secret"}',
    "taught/current": "2",
    "taught/2/decider.onnx": "weights",
}
PASSING = {
    "lock": "", "files/photo.jpg": "big", "backups/octopus-2026-01-01.tar.gz": "old",
    "broker/pid": "1", "broker/mosquitto.db": "messages", "devices.partial": "half",
    "taught/3.partial/decider.onnx": "half", "taught/1/decider.onnx": "before",
}  # fmt: skip


@pytest_asyncio.fixture
async def state(tmp_path: Path) -> Path:
    """A state folder as a hub leaves it that was stopped."""
    folder = tmp_path / "state"
    for name, text in (OTHERS | PASSING).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    await lived(folder / "journal.db")
    return folder


@pytest.fixture
def archive(state: Path, tmp_path: Path) -> Path:
    """A backup of it."""
    backup(url(state / "journal.db"), state, tmp_path / "b.tar.gz")
    return tmp_path / "b.tar.gz"


def test_what_was_backed_up_comes_back_on_another_machine(
    state: Path, archive: Path, tmp_path: Path
) -> None:
    assert archive.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"b.tar.gz", "state"}
    other = tmp_path / "other"
    assert restore(archive, url(other / "journal.db"), other).aside is None
    assert _files(other) == OTHERS | {"lock": "", "hub-id": (state / "hub-id").read_text()}
    assert {path.stat().st_mode & 0o077 for path in other.rglob("*") if path.name != "lock"} == {0}
    assert wrong(other / "journal.db") == []
    was, now = _content(state), _content(other)
    over = [schedule for schedule in was["schedules"] if schedule["state"] != "active"]
    assert over
    assert [schedule for schedule in now["schedules"] if schedule in over] == over
    assert now["events"][: len(was["events"])] == was["events"]
    over = [run for run in was["runs"] if run["ended"]]
    assert over
    assert [run for run in now["runs"] if run in over] == over


async def test_a_backup_is_made_beside_a_hub_that_writes(tmp_path: Path) -> None:
    source, number = url(tmp_path / "journal.db"), 0
    async with Journal(tmp_path / "journal.db") as journal:
        await ended(journal, "before")
        making = asyncio.to_thread(backup, source, tmp_path, tmp_path / "b.tar.gz")
        made = asyncio.create_task(making)
        while not made.done():
            await ended(journal, f"c{number}")
            number += 1
        await made
    other = tmp_path / "other"
    restore(tmp_path / "b.tar.gz", url(other / "journal.db"), other)
    assert wrong(other / "journal.db") == []
    assert number > 1
    kept = {run["id"] for run in _content(other)["runs"]}
    assert kept == {"before", *(f"c{n}" for n in range(len(kept) - 1))}


async def test_a_hub_goes_on_and_does_nothing_again_that_was_under_way(
    archive: Path, tmp_path: Path
) -> None:
    """It went on after the backup was made: no call may be made twice."""
    other = tmp_path / "other"
    restore(archive, url(other / "journal.db"), other)
    async with Journal(other / "journal.db") as journal:
        assert await journal.unfinished() == ()
        running, asked = await journal.get("running"), await journal.get("asked")
        assert running
        assert running.state is RunState.NEEDS_ATTENTION
        assert [step.state for step in running.steps] == [StepState.UNKNOWN, StepState.SKIPPED]
        assert asked
        assert (asked.state, asked.answer) == (RunState.EXPIRED, running.answer)
        assert [kept.id for kept in await journal.schedules("ann")] == ["daily"]
        await ended(journal, "after")
    assert wrong(other / "journal.db") == []


async def test_what_was_due_since_the_backup_is_not_run_again(tmp_path: Path) -> None:
    now, here = time.time(), tmp_path / "here"
    here.mkdir()
    async with Journal(here / "journal.db") as journal:
        await scheduled(journal, schedule(now + 3600, "to come"))
        await scheduled(journal, schedule(now - 90_000, "daily", rule="FREQ=DAILY"))
        await scheduled(journal, schedule(now - 60, "once"))
    backup(url(here / "journal.db"), here, tmp_path / "b.tar.gz")
    other = tmp_path / "other"
    assert restore(tmp_path / "b.tar.gz", url(other / "journal.db"), other).passed == 2
    async with Journal(other / "journal.db") as journal:
        assert await journal.due(time.time()) == ()
        to_come, daily = await journal.schedules("ann")
        assert to_come.next == now + 3600
        assert daily.next == pytest.approx(now - 90_000 + 2 * 86_400, abs=1)
        once = await journal.schedule_of("once")
        assert once
        assert once.state is ScheduleState.MISSED
        states = [record.state for record in await journal.latest(9, "ann")]
        assert states.count(RunState.MISSED) == 1
    assert wrong(other / "journal.db") == []


def test_a_backup_fits_every_store(archive: Path, tmp_path: Path) -> None:
    file = sa.URL.create("sqlite", database=str(tmp_path / "other/journal.db"))
    restore(archive, file, tmp_path / "other")
    assert look(file).faults == ()
    backup(file, tmp_path / "other", tmp_path / "again.tar.gz")
    restore(tmp_path / "again.tar.gz", url(tmp_path / "third/journal.db"), tmp_path / "third")
    assert wrong(tmp_path / "third/journal.db") == []


def test_a_journal_that_is_there_is_never_lost(state: Path, archive: Path, store: str) -> None:
    (state / "devices.json").write_text("[1]")
    before = _files(state)
    here = url(state / "journal.db")
    if store == "postgresql":
        with pytest.raises(NoBackup, match="not empty: restore into a new database"):
            restore(archive, here, state, replace=True)
    else:
        with pytest.raises(NoBackup, match=r"journal\.db: there is a journal here already: --repl"):
            restore(archive, here, state)
    assert _files(state) == before
    assert wrong(state / "journal.db") == []


@pytest.mark.sqlite
def test_what_is_replaced_is_moved_aside(state: Path, archive: Path) -> None:
    (state / "devices.json").write_text("[1]")
    was = _content(state)
    aside = restore(archive, url(state / "journal.db"), state, replace=True).aside
    assert aside
    assert (aside.parent, aside.name[:15]) == (state, "before-restore-")
    assert _content(aside) == was
    assert _files(aside)["devices.json"] == "[1]"
    assert _files(aside)["hub-id"] == (state / "hub-id").read_text()
    assert _files(state).items() >= OTHERS.items()
    assert _files(state)["files/photo.jpg"] == "big"
    assert wrong(state / "journal.db") == []


async def test_a_backup_of_another_hub_takes_its_place(archive: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    async with Journal(other / "elsewhere.db"):  # a hub that has run, with its journal lost
        pass
    mine = (other / "hub-id").read_text()
    restore(archive, url(other / "journal.db"), other)
    assert (other / "hub-id").read_text() != mine
    async with Journal(other / "journal.db") as journal:
        assert await journal.get("done")


@pytest.mark.sqlite
def test_a_hub_that_found_no_journal_can_be_restored(archive: Path, state: Path) -> None:
    (state / "journal.db").unlink()
    with pytest.raises(HubError, match="octopus restore BACKUP"):
        _open(state)
    restore(archive, url(state / "journal.db"), state)
    _open(state)


@pytest.mark.sqlite
@pytest.mark.parametrize("step", range(15))
def test_a_restore_that_is_killed_leaves_one_state_or_says_what_to_do(
    state: Path, archive: Path, step: int
) -> None:
    (state / "devices.json").write_text("[1]")
    with behind_its_back(url(state / "journal.db")) as connection:
        connection.exec_driver_sql("CREATE TABLE of_before (x INTEGER)")
        connection.commit()
    _killed_at(step, lambda: restore(archive, url(state / "journal.db"), state, replace=True))
    try:
        _open(state)
    except HubError as refused:
        assert "restore" in str(refused) or "hub-id" in str(refused)  # noqa: PT017
    else:
        devices = (state / "devices.json").read_text()
        assert devices == ("[1]" if _is_of_before(state) else "[]")
    restore(archive, url(state / "journal.db"), state, replace=True)
    _open(state)
    assert not _is_of_before(state)
    assert _files(state).items() >= OTHERS.items()
    assert any(_is_of_before(aside) for aside in state.glob("before-restore-*"))


def test_while_a_hub_runs_nothing_is_restored(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with (tmp_path / "other/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(NoBackup, match="a hub runs with this folder: stop it first"):
            restore(archive, url(tmp_path / "other/journal.db"), tmp_path / "other", replace=True)
    assert _files(tmp_path / "other") == {"lock": ""}


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda file: file.unlink(), "b.tar.gz: No such file"),
    "empty": (lambda file: file.write_bytes(b""), "is damaged, or no backup"),
    "text": (lambda file: file.write_text("hello" * 99), "is damaged, or no backup: Not a gzipped"),
    "cut": (lambda file: os.truncate(file, 900), "is damaged, or no backup: Compressed file ended"),
    "flipped": (lambda file: _flip(file, -9), "is damaged, or no backup: "),
    "other": (lambda file: _pack(file, {"hub-id": b"x"}), r"has no journal\.db"),
    "outside": (lambda file: _pack(file, {"../evil": b"x"}), "is damaged, or no backup: .*outside"),
    "no-journal": (
        lambda file: _pack(file, {"hub-id": b"x", "journal.db": b"no journal" * 1000}),
        "is damaged: file is not a database",
    ),
    "newer": (
        lambda file: _repack(file, "UPDATE alembic_version SET version_num = '9999'"),
        "is of a newer release .its tables are 9999, this one knows .*: install that release first",
    ),
    "forged": (
        lambda file: _repack(file, "UPDATE runs SET answer = 'no' WHERE id = 'done'"),
        "is not as it was written: command done: decision, answer or trace",
    ),
    "of-another": (
        lambda file: _repack(file, "UPDATE seal SET hub = 'another'"),
        "another hub",
    ),
}


@pytest.mark.sqlite
@pytest.mark.parametrize("case", BAD)
def test_what_is_no_backup_changes_nothing(state: Path, archive: Path, case: str) -> None:
    spoil, said = BAD[case]
    spoil(archive)
    before = _files(state)
    with pytest.raises(NoBackup, match=said) as refused:
        restore(archive, url(state / "journal.db"), state, replace=True)
    assert "\n" not in str(refused.value)
    assert _files(state) == before
    _open(state)


@pytest.mark.sqlite
def test_no_byte_of_a_backup_changes_unnoticed(state: Path, archive: Path, tmp_path: Path) -> None:
    restore(archive, url(tmp_path / "whole/journal.db"), tmp_path / "whole")
    whole = _files(tmp_path / "whole")
    written, chance = archive.read_bytes(), random.Random(5)
    for number, at in enumerate([*range(10), *(chance.randrange(len(written)) for _ in range(30))]):
        archive.write_bytes(written)
        _flip(archive, at)
        other = tmp_path / f"other{number}"
        try:
            restore(archive, url(other / "journal.db"), other)
        except NoBackup:
            assert _files(other) == {"lock": ""}
        else:
            assert _files(other) == whole


@pytest.mark.sqlite
def test_a_backup_of_an_older_release_is_brought_to_this_one(tmp_path: Path) -> None:
    older_journal(tmp_path / "journal.db")
    with closing(sqlite3.connect(tmp_path / "journal.db")) as made:
        made.execute("CREATE TABLE alembic_version (version_num TEXT)")
        made.execute("INSERT INTO alembic_version VALUES ('0001')")
        made.commit()
    journal = (tmp_path / "journal.db").read_bytes()
    _pack(tmp_path / "b.tar.gz", {"hub-id": b"a-hub\n", "journal.db": journal})
    restore(tmp_path / "b.tar.gz", url(tmp_path / "other/journal.db"), tmp_path / "other")
    assert wrong(tmp_path / "other/journal.db") == []


def test_of_a_journal_that_is_not_whole_no_backup_is_made(state: Path, archive: Path) -> None:
    good = archive.read_bytes()
    with behind_its_back(url(state / "journal.db")) as connection:
        connection.exec_driver_sql("UPDATE runs SET answer = 'no' WHERE id = 'done'")
        connection.commit()
    with pytest.raises(
        NoBackup, match="so no backup was made: command done: decision, answer or trace"
    ):
        backup(url(state / "journal.db"), state, archive)
    assert archive.read_bytes() == good


def test_a_backup_that_cannot_be_written_leaves_nothing(state: Path, tmp_path: Path) -> None:
    here = url(state / "journal.db")
    with pytest.raises(NoBackup, match=r"nowhere/b\.tar\.gz: there is no such folder"):
        backup(here, state, tmp_path / "nowhere/b.tar.gz")
    with pytest.raises(NoBackup, match="interrupted"):
        backup(here, state, tmp_path / "b.tar.gz", lambda: True)
    assert {path.name for path in tmp_path.iterdir()} == {"state"}


def test_a_backup_stops_between_two_files(state: Path, tmp_path: Path) -> None:
    read = []

    def stopped() -> bool:
        read.extend(partial.stat().st_size for partial in tmp_path.glob("*.partial/archive"))
        return bool(read)

    with pytest.raises(NoBackup, match="interrupted"):
        backup(url(state / "journal.db"), state, tmp_path / "b.tar.gz", stopped)
    assert read
    assert {path.name for path in tmp_path.iterdir()} == {"state"}


@pytest.mark.sqlite
def test_only_a_file_is_replaced_by_a_backup(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, pipe, folder = url(state / "journal.db"), tmp_path / "pipe", tmp_path / "b.tar.gz.partial"
    os.mkfifo(pipe)
    folder.mkdir()
    (folder / "mine").write_text("mine")
    monkeypatch.chdir(tmp_path)
    for target, said in [
        (pipe, "pipe is no regular file"), (state, "state is a folder"), (Path(), "is a folder"),
        (Path("/"), "is a folder"), (pipe / "b.tar.gz", "there is no such folder"),
    ]:  # fmt: skip
        with pytest.raises(NoBackup, match=said):
            backup(here, state, target)
    assert pipe.is_fifo()
    backup(here, state, tmp_path / "b.tar.gz")
    assert (folder / "mine").read_text() == "mine"


@pytest.mark.sqlite
def test_the_command_line_backs_up_audits_and_restores(state: Path, tmp_path: Path) -> None:
    (tmp_path / "hub.toml").write_text(f"[hub]\nstate = '{state}'\n")

    def octopus(*arguments: str) -> Result:
        return CliRunner().invoke(cli, [*arguments, "--config", str(tmp_path)])

    target = str(tmp_path / "b.tar.gz")
    assert octopus("backup", target).stdout.startswith(f"backed up: {target} (0.0 MB)")
    whole = octopus("audit")
    assert whole.exit_code == 0
    assert re.fullmatch(r"\d+ events since \d{4}-\d\d-\d\d, whole\n", whole.stdout)
    with behind_its_back(url(state / "journal.db")) as connection:
        connection.exec_driver_sql("UPDATE runs SET answer = 'no' WHERE id = 'done'")
        connection.commit()
    wrong = octopus("audit", "--json")
    assert wrong.exit_code == 1
    told = "command done: decision, answer or trace is not as event"
    assert json.loads(wrong.stdout)["faults"][0].startswith(told)
    assert octopus("audit").stdout.startswith(told)
    assert isinstance(octopus("restore", target).exception, NoBackup)
    restored = octopus("restore", target, "--replace").stdout
    assert "; what was due since the backup is not run again (schedules: 1); what was" in restored
    assert "; what was there before is in" in restored
    assert octopus("audit").exit_code == 0


def _files(folder: Path) -> dict[str, str]:
    """Every file but the journal's, by its name in the folder."""
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith("journal.db")
    }


def _content(folder: Path) -> dict[str, list[dict[str, Any]]]:
    with reading(url(folder / "journal.db")) as connection:
        return content(connection)


def _open(folder: Path) -> None:
    """As a hub does that starts."""
    engine = connect_to(url(folder / "journal.db"))
    try:
        opening.prepare(engine, folder / "hub-id")
    finally:
        engine.dispose()


def _is_of_before(folder: Path) -> bool:
    with closing(sqlite3.connect(folder / "journal.db")) as connection:
        named = "SELECT count(*) FROM sqlite_master WHERE name = 'of_before'"
        return bool(connection.execute(named).fetchone()[0])


def _killed_at(step: int, work: Callable[[], object]) -> None:
    """Do it in a process of its own that is killed before its renaming number `step`."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        left = iter(range(step))
        for name in ("rename", "replace"):
            setattr(Path, name, _or_killed(getattr(Path, name), left))
        work()
    finally:
        os._exit(0)


def _or_killed(move: Callable[[Path, Path], Path], left: Any) -> Callable[[Path, Path], Path]:
    def moved(path: Path, to: Path) -> Path:
        if next(left, None) is None:
            os._exit(9)
        return move(path, to)

    return moved


def _flip(file: Path, at: int) -> None:
    said = bytearray(file.read_bytes())
    said[at] ^= 0x55
    file.write_bytes(said)


def _pack(file: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(file, "w:gz") as tar:
        for name, said in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(said)
            tar.addfile(member, io.BytesIO(said))


def _repack(file: Path, change: str) -> None:
    """A backup again, with its journal changed."""
    folder = file.with_name("unpacked")
    with tarfile.open(file) as tar:
        tar.extractall(folder, filter="data")
    with closing(sqlite3.connect(folder / "journal.db")) as connection:
        connection.execute(change)
        connection.commit()
    names = ("hub-id", "journal.db")
    _pack(file, {name: (folder / name).read_bytes() for name in names})
    shutil.rmtree(folder)
