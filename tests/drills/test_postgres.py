"""A database server that dies or falls silent: nothing accepted is lost, its sender is told."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from orchestrator import pipeline
from orchestrator.catalogue import Catalogue
from orchestrator.journal import Journal, JournalUnavailable, engine
from orchestrator.journal import journal as journals
from orchestrator.keeper import Keeper
from orchestrator.settings import Store
from schemas.command import Command
from schemas.errors import HubError
from tests.hubkit import command, rig, sql
from tests.postgres import Cluster

SELFIE = {"selfie": "<nexa_0>('front')<nexa_end>"}


@pytest.fixture
def elsewhere(postgres: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Journals without a URL are in the server that is given."""
    at = engine.at
    monkeypatch.setattr(engine, "at", lambda url, file: at(url or postgres.url(file), file))
    return postgres


async def test_a_server_that_is_killed_refuses_and_comes_back_with_everything(
    tmp_path: Path, catalogue: Catalogue, elsewhere: Cluster
) -> None:
    async with rig(tmp_path, catalogue, SELFIE) as hub:
        for number in range(5):
            await hub.pipeline.submit(command("selfie", f"before{number}"))
        await asyncio.to_thread(elsewhere.kill)
        with pytest.raises(JournalUnavailable):
            await hub.pipeline.submit(command("selfie", "meanwhile"))
        await asyncio.to_thread(elsewhere.start)
        assert await _submitted(hub.pipeline.submit, "after")
        await hub.pipeline.drain(10)
        records = await hub.journal.latest(10, "ann")
        assert {r.command.id for r in records} == {*(f"before{n}" for n in range(5)), "after"}
        called = [call.key.partition("/")[0] for call in hub.adapter.calls]
        assert len(called) == len(set(called)), "nothing is sent twice"
        for record in records:
            # Where the intent could not be written nothing was sent; where only the answer to that
            # was lost, it may have been.
            assert record.state in ("succeeded", "refused", "needs_attention"), record
            if record.state != "needs_attention":
                assert (record.command.id in called) == (record.state == "succeeded")
        assert "after" in called


async def test_a_silent_server_takes_nothing_in_and_holds_nothing_up_for_ever(
    tmp_path: Path, catalogue: Catalogue, elsewhere: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "ACCEPT_WITHIN", 0.3)
    async with rig(tmp_path, catalogue, SELFIE) as hub:
        await hub.pipeline.submit(command("selfie", "before"))
        await asyncio.to_thread(elsewhere.pause)
        try:
            with pytest.raises(JournalUnavailable, match="does not answer"):
                await hub.pipeline.submit(command("selfie", "meanwhile"))
        finally:
            await asyncio.to_thread(elsewhere.resume)
        assert await _submitted(hub.pipeline.submit, "after")
        await hub.pipeline.drain(10)
        states = {r.command.id: r.state for r in await hub.journal.latest(10, "ann")}
        assert states.pop("meanwhile", "refused") == "refused"
        assert states == {"before": "succeeded", "after": "succeeded"}


async def test_one_hub_writes_a_database(tmp_path: Path, elsewhere: Cluster) -> None:
    async with Journal(tmp_path / "journal.db"):
        with pytest.raises(JournalUnavailable, match="in use by another hub"):
            async with Journal(tmp_path / "journal.db"):
                pass


async def test_a_silent_server_holds_up_no_end(
    tmp_path: Path, elsewhere: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "CLOSE_WITHIN", 0.3)
    try:
        async with asyncio.timeout(5), Journal(tmp_path / "journal.db") as journal:
            await asyncio.to_thread(elsewhere.pause)
            meanwhile = journal.accept(command("selfie"))
    finally:
        await asyncio.to_thread(elsewhere.resume)
    assert await meanwhile
    await asyncio.to_thread(journal._thread.join)
    journal._engine.dispose()


async def test_a_silent_server_holds_up_no_keeper_and_no_exit(
    tmp_path: Path, elsewhere: Cluster
) -> None:
    begun = threading.Event()

    class Watched(Keeper):
        def _back_up(self) -> None:
            begun.set()
            super()._back_up()

    async with Journal(tmp_path / "journal.db") as journal:
        here = engine.at("", tmp_path / "journal.db")
        await asyncio.to_thread(elsewhere.pause)
        try:
            async with asyncio.timeout(4), Watched(journal, here, tmp_path, Store(), soon=0):
                await asyncio.to_thread(begun.wait)
            (thread,) = [one for one in threading.enumerate() if one.name == "backup"]
            assert thread.daemon
        finally:
            await asyncio.to_thread(elsewhere.resume)
        await asyncio.to_thread(thread.join)


async def test_both_ends_look_whether_the_other_is_still_there(
    tmp_path: Path, elsewhere: Cluster
) -> None:
    async with Journal(tmp_path / "journal.db") as journal:
        for name, number in [("idle", "10"), ("interval", "5"), ("count", "3")]:
            assert await sql(journal, f"SHOW tcp_keepalives_{name}") == [(number,)]
            assert engine._SOCKET[f"keepalives_{name}"] == int(number)


async def test_many_changes_that_find_another_hub_fail_together(
    tmp_path: Path, elsewhere: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_SESSION", ("lock_timeout=1s",))
    async with Journal(tmp_path / "journal.db") as journal:
        await asyncio.to_thread(elsewhere.kill)
        with pytest.raises(JournalUnavailable, match="the database postgres: ") as refused:
            await journal.get("c1")
        assert "127.0.0.1" not in str(refused.value)
        await asyncio.to_thread(elsewhere.start)
        async with _another_hub(tmp_path / "journal.db"), asyncio.timeout(3):
            found = [journal.get(f"c{n}") for n in range(6)]
            for result in await asyncio.gather(*found, return_exceptions=True):
                assert isinstance(result, JournalUnavailable)
                assert "in use by another hub" in str(result)
        assert await journal.get("c1") is None


async def test_many_changes_that_find_no_server_fail_together(
    tmp_path: Path, elsewhere: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(engine._SOCKET, "connect_timeout", 2)
    async with Journal(tmp_path / "journal.db") as journal:
        await asyncio.to_thread(elsewhere.kill)
        with pytest.raises(JournalUnavailable):
            await journal.get("c1")
        with socket.create_server(("127.0.0.1", elsewhere.port)):  # it takes calls, says nothing
            async with asyncio.timeout(5):
                found = [journal.get(f"c{n}") for n in range(6)]
                for result in await asyncio.gather(*found, return_exceptions=True):
                    assert isinstance(result, JournalUnavailable)
        await asyncio.to_thread(elsewhere.start)


@asynccontextmanager
async def _another_hub(journal: Path) -> AsyncIterator[None]:
    """One that holds the database of a journal."""
    other = engine.connect_to(engine.at("", journal))
    connection = await asyncio.to_thread(other.connect)
    try:
        yield
    finally:
        connection.close()
        other.dispose()


async def _submitted(submit: Callable[[Command], Awaitable[bool]], identity: str) -> bool:
    """Send a command until it is taken, as a client does."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await submit(command("selfie", identity))
            except HubError:
                await asyncio.sleep(0.05)
