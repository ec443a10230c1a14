"""A daemon that stops with commands under way or dies as it takes one in; one with a full disk."""

import asyncio
import json
import resource
import signal
import socket
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from device_adapters.simulated.pc import SimulatedPc
from orchestrator.ledger import ENDED_RUN
from tests.broker import running_broker
from tests.doorkit import User, people, told
from tests.drills.kill9 import Hub
from tests.e2e.daemon import CLI, eventually

IMPATIENT = ("-c", "from orchestrator import app, cli; app.DRAIN_WITHIN = 1.0; cli.main()")
"""A daemon that waits a second for what is under way."""
KILLED = f"""
import os
from orchestrator import cli
from orchestrator.journal import Journal

accept = Journal.accept

def accepted(journal, command):
    done = accept(journal, command)
    done.add_done_callback(lambda _: os.kill(os.getpid(), {int(signal.SIGKILL)}))
    return done

Journal.accept = accepted
cli.main()
"""
"""A daemon that dies once a command is in its journal, before anybody hears of it."""
VOLUME, NOTE = "set the computer's volume to {}", "show a notification on my computer saying {}"
ENDED = {str(state) for state in ENDED_RUN}


class HeldPc(SimulatedPc):
    """A computer that does as it was told once it is let go."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self.let_go = asyncio.Event()

    async def obey(self, topic: str, payload: str) -> None:
        await self.let_go.wait()
        await super().obey(topic, payload)


@dataclass(frozen=True)
class Home:
    """A running daemon, a person, and a computer that the daemon may use."""

    hub: Hub
    ann: User
    pc: HeldPc
    seen: set[tuple[str, str]] = field(default_factory=set)  # commands, and states told of them

    async def send(self, text: str, identity: str) -> str:
        """Send a command; `accepted`, or why it was not."""
        answer = await self.ann.command({"text": text, "id": identity})
        return str(answer["code"] if answer["error"] else answer["data"]["state"])

    async def until(self, ids: set[str], states: set[str]) -> None:
        """Wait until one of the states was told of each of these commands, or of a step of it."""
        async with asyncio.timeout(15):
            while ids - {identity for identity, state in self.seen if state in states}:
                message = await self.ann.heard.get()
                if message.topic == "octopus/event":
                    event = json.loads(message.payload)
                    self.seen.add((event["id"], event["state"]))

    def asked(self, query: str) -> list[tuple[object, ...]]:
        """What the journal has."""
        file = f"file:{self.hub.state}/journal.db?mode=ro"
        with closing(sqlite3.connect(file, uri=True)) as journal:
            return journal.execute(query).fetchall()


@asynccontextmanager
async def home(
    folder: Path,
    program: tuple[str, ...] = CLI,
    environment: dict[str, str] | None = None,
    settings: str = "",
) -> AsyncIterator[Home]:
    """All of it, on a broker that lives on; `settings` are more lines of hub.toml."""
    async with running_broker(folder) as broker, people(broker, "ann") as (ann,):
        hub = Hub(folder, broker)
        hub.program, hub.environment = program, environment or {}
        with (hub.config / "hub.toml").open("a") as file:
            file.write(settings)
        await ann.listen("octopus/event")
        try:
            async with HeldPc(broker.host, broker.port) as pc:
                await hub.start()
                await told(ann, "octopus/status", b"online")
                while (await ann.request("device/approve", device=pc.name))["status"] != "ok":  # noqa: ASYNC110 (a foreign process)
                    await asyncio.sleep(0.05)
                yield Home(hub, ann, pc)
        finally:
            await hub.clean_up()


async def test_twenty_running_commands_survive_an_ordinary_stop(tmp_path: Path) -> None:
    ids = {f"volume{number}" for number in range(20)}
    async with home(tmp_path, IMPATIENT) as there:
        for number, identity in enumerate(ids):
            assert await there.send(VOLUME.format(number % 5), identity) == "accepted"
        await there.until(ids, {"running"})
        assert await there.hub.stop() == 0
        await told(there.ann, "octopus/status", b"offline")
        assert there.asked("SELECT DISTINCT state FROM runs") == [("running",)]
        there.pc.let_go.set()
        await there.hub.start()
        await there.until(ids, ENDED)
        assert there.asked("SELECT state, count(*) FROM steps") == [("succeeded", 20)]
        assert await there.hub.stop() == 0


async def test_a_hub_that_stops_takes_nothing_in_and_ends_what_is_under_way(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    async with home(tmp_path, settings=f"[http]\nport = {port}\n") as there:
        assert await there.send(VOLUME.format(3), "volume") == "accepted"
        await there.until({"volume"}, {"dispatched"})
        assert await _answers(port)
        there.hub.kill(signal.SIGTERM)
        async with asyncio.timeout(10):
            while await _answers(port):  # noqa: ASYNC110 (a foreign process)
                await asyncio.sleep(0.02)
            # The broker knows nobody who listens.
            while await there.ann.client.publish("octopus/request/ann/health", "{}"):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert there.asked("SELECT state FROM steps") == [("dispatched",)], "it is waited for"
        there.pc.let_go.set()
        await there.until({"volume"}, {"succeeded"})
        await told(there.ann, "octopus/status", b"offline")
        assert await there.hub.ended() == 0
        assert there.asked("SELECT state FROM runs") == [("succeeded",)]


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def test_a_full_disk_takes_nothing_in_and_sends_nothing(tmp_path: Path) -> None:
    volumes, notes = [f"volume{n}" for n in range(5)], [f"note{n}" for n in range(3)]
    *sent, waiting = volumes
    async with home(tmp_path) as there:
        for number, identity in enumerate(volumes):
            assert await there.send(VOLUME.format(number), identity) == "accepted"
        await there.until(set(sent), {"dispatched"})
        await there.until({waiting}, {"running"})
        with full_disk(there.hub):
            there.pc.let_go.set()
            for identity in notes:
                assert await there.send(NOTE.format(identity), identity) == "storage"
            # What was sent has ended, and what waited has had its turn.
            await eventually(lambda: there.hub.log.count("trying again") >= 5, 5, there.hub)
            assert there.asked("SELECT DISTINCT state FROM runs") == [("running",)]
        for identity in notes:
            assert await there.send(NOTE.format(identity), identity) == "accepted"
        await there.until({*volumes, *notes}, ENDED)
        failed = there.asked("SELECT id FROM runs WHERE state != 'succeeded'")
        assert failed == [(waiting,)], "its intent could not be written"
        assert sum("volume" in topic for topic, _ in there.pc.received) == len(sent)
        assert sorted(there.pc.notifications) == notes
        assert await there.hub.stop() == 0
        assert there.asked("PRAGMA integrity_check") == [("ok",)]


async def test_a_command_that_was_taken_in_by_a_dying_daemon_runs_once(tmp_path: Path) -> None:
    async with home(tmp_path) as there:
        there.pc.let_go.set()
        assert await there.hub.stop() == 0
        there.hub.program = ("-c", KILLED)
        await there.hub.start()
        payload = json.dumps({"text": NOTE.format("hello"), "id": "note"})
        await there.ann.client.publish("octopus/command/ann", payload)
        assert await there.hub.ended() == -signal.SIGKILL
        assert there.ann.answers.empty()
        assert there.asked("SELECT id, state FROM runs") == [("note", "accepted")]
        there.hub.program = CLI
        await there.hub.start()
        assert await there.send(NOTE.format("hello"), "note") in ("accepted", "succeeded")
        await there.until({"note"}, ENDED)
        assert await there.send(NOTE.format("hello"), "note") == "succeeded"
        assert there.pc.notifications == ["hello"]


@contextmanager
def full_disk(hub: Hub) -> Iterator[None]:
    """The daemon's files cannot grow while the block lasts."""
    log = hub.state / "journal.db-wal"
    before = resource.prlimit(hub.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(hub.pid, resource.RLIMIT_FSIZE, (log.stat().st_size, before[1]))
    try:
        yield
    finally:
        resource.prlimit(hub.pid, resource.RLIMIT_FSIZE, before)
