"""The daemon is killed with SIGKILL at random moments, and started again.

Five clients send commands, each with an id of its own, to a hub whose broker and devices live on.
What the hub said is compared with its journal and with what the devices wrote down.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import signal
import sqlite3
import statistics
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from device_adapters.mqtt import MqttClient
from orchestrator import ledger
from orchestrator.broker import Login
from orchestrator.catalogue import Catalogue
from orchestrator.client import HubClient, NoHub, Refused, connected
from orchestrator.settings import PACKAGED
from schemas.event import Event
from schemas.execution import RunState, StepState
from schemas.function import Effect
from tests.broker import Broker, running_broker
from tests.e2e.daemon import ROOT, Site

BASE = "octopus"
DEVICES = ("office-pc", "Family car")
OPEN_URL, LAST = "lnxlink/office-pc/commands/xdg_open/xdg_open", "the last"
"""An order of the drill's own: what was ordered before it has been written down before it."""
SENTENCES = (
    ("show_notification", "show a notification on my computer saying parcel {mark} is here"),
    ("type_text", "type parcel {mark} on my computer"),
    ("show_notification", "lock the car and show the notification parcel {mark} on the computer"),
    ("type_text", "set the computer's volume to {level} and type parcel {mark} on my computer"),
    ("open_url", "open https://example.com/{mark} on the computer"),
    ("set_climate_temperature", "set the car's temperature to {degrees} degrees"),
    ("start_charging", "start charging the car"),
    ("get_pc_status", "what is the battery level of my computer"),
    ("get_vehicle_status", "what is the car's range"),
)
"""A function that a sentence calls, and the sentence; `mark` is a number that no other has."""
EACH = 2
"""Commands that a client sends in a round, one after the other."""
BURST = 0.2
"""Seconds in which the first command of every client is taken in, read and sent to its device."""
AGAIN = 0.25
"""How often a hub that takes up what was left is killed once more."""
LATE = 2.0
"""Seconds after the hub was ready again in which what may be repeated must have ended."""
QUIET = 0.5
"""Seconds without an event until a client asks."""
ENDS_WITHIN = 30.0
"""Seconds after the hub was ready again until a round is over, whatever is still open."""
_REPEATABLE = (Effect.READ, Effect.SET)
_NOT_DONE = ("", StepState.FAILED, StepState.SKIPPED, StepState.CANCELLED)
_ENDED = {str(state) for state in ledger.ENDED_RUN}


@dataclass(frozen=True)
class Sent:
    """One command on its way in."""

    id: str
    text: str
    function: str
    mark: str


@dataclass(frozen=True)
class Row:
    """One command as the journal has it."""

    state: str
    created: float
    ended: float | None
    steps: dict[int, tuple[str, str]]  # by index: the function, the state
    marked: str  # the state of the step whose arguments hold the mark; empty without one


@dataclass
class Figures:
    """What the drill counts."""

    rounds: int = 0
    kills: int = 0
    accepted: int = 0
    ended: dict[str, int] = field(default_factory=dict)  # commands by the state they ended in
    lost: int = 0  # accepted, and not ended or not in the journal
    repeated: int = 0  # what must happen once and did more often
    lied: int = 0  # steps whose end and whose effects disagree
    late: int = 0  # what may be repeated, and had not ended LATE seconds after the start
    unknown: int = 0  # steps whose outcome nobody knows
    unknown_reported: int = 0  # … and their sender was told
    untold: int = 0  # commands whose end no event had told: their sender had to ask
    effects: int = 0
    ready: list[float] = field(default_factory=list)  # seconds of each start
    findings: list[str] = field(default_factory=list)  # what is wrong, with the journal's rows

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.repeated or self.lied or self.late or self.unreported)

    @property
    def unreported(self) -> int:
        """Steps whose unknown outcome their sender was not told."""
        return self.unknown - self.unknown_reported

    def plain(self) -> dict[str, Any]:
        """As JSON values, without the findings."""
        told = asdict(self)
        del told["findings"]
        ready = told.pop("ready")
        spread = {"median": round(statistics.median(ready), 2), "max": round(max(ready), 2)}
        return {**told, "restart_ready_s": spread}


class Hub(Site):
    """A daemon whose broker is not its own, and that acts without asking."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        super().__init__(folder)
        (self.config / "hub.toml").write_text(
            f'[hub]\nstate = "{self.state}"\nmanagers = ["ann", "drill-0"]\n'
            "[discovery]\nzeroconf = false\n"
            f'[broker]\nurl = "mqtt://{broker.host}:{broker.port}"\ntopic = "{BASE}"\n'
        )
        (self.config / "people.toml").write_text("[users.ann]\n[users.drill-0]\n")
        (self.config / "policy.toml").write_text(
            '[[rule]]\nfunction = ["type_text", "lock_doors"]\nverdict = "allow"\n'
        )


class Sender:
    """A client that sends one command after the other, and sees each to its end."""

    def __init__(self, client: HubClient) -> None:
        self.client = client
        self.accepted: list[Sent] = []
        self.ended: set[str] = set()
        """Commands whose end an event told."""
        self.unknown: set[tuple[str, int | None]] = set()
        """Steps that it was told have an unknown outcome; None: some step of the command."""

    async def send_all(self, commands: list[Sent]) -> None:
        """Each until the hub has it in its journal, and then until it has ended."""
        for sent in commands:
            while True:
                with suppress(NoHub):
                    await self.client.send(sent.text, sent.id)
                    break
            self.accepted.append(sent)
            while not await self._told(sent.id) and not await self._answered(sent.id):
                pass

    def hear(self) -> None:
        """Take in the events that are there."""
        while not self.client.events.empty():
            self._hear(self.client.events.get_nowait())

    def _hear(self, event: Event) -> None:
        if event.state in (RunState.NEEDS_ATTENTION, StepState.UNKNOWN):
            self.unknown.add((event.id, event.step))
        if event.step is None and event.state in _ENDED:
            self.ended.add(event.id)

    async def _told(self, identity: str) -> bool:
        """Whether an event tells the command's end before it has been quiet for a while."""
        with suppress(TimeoutError):
            while identity not in self.ended:
                async with asyncio.timeout(QUIET):
                    self._hear(await self.client.events.get())
        return identity in self.ended

    async def _answered(self, identity: str) -> bool:
        """Whether the hub, asked for the command's record, says that it has ended."""
        with suppress(TimeoutError, NoHub, Refused):
            async with asyncio.timeout(QUIET):
                record = await self.client.request("execution/get", execution=identity)
            unknown = [s["index"] for s in record["steps"] if s["state"] == StepState.UNKNOWN]
            self.unknown.update((identity, index) for index in unknown)
            return record["state"] in _ENDED
        return False


class Drill:
    """Rounds on one hub, then `reckon`; what both find is in `figures`."""

    def __init__(self, hub: Hub, senders: list[Sender], devices: Devices, seed: int) -> None:
        self.figures = Figures()
        self._hub, self._senders, self._devices = hub, senders, devices
        self._random = random.Random(seed)
        self._catalogue = Catalogue.load(PACKAGED / "functions")
        self._marks = iter(range(100_000, 1_000_000))
        self._window, self._starting = 0.0, 0.0
        self._accepted: list[Sent] = []

    async def rehearse(self) -> None:
        """A start and a round without a kill: how long they take."""
        self._starting = await self._hub.start()
        await approve(self._senders[0].client)
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            self._send(group)
        self._window = time.monotonic() - began
        self._look(time.time())

    async def round(self) -> None:
        """Commands, a kill at a random moment, a start, and how each command ended."""
        with suppress(TimeoutError):  # what did not end is found in the journal
            async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as group:
                self._send(group)
                await self._kill(self._random.choice((BURST, self._window)))
                if self._random.random() < AGAIN:
                    await self._hub.spawn()
                    await self._kill(self._starting)
                self.figures.ready.append(await self._hub.start())
                ready = time.time()
                limit.reschedule(asyncio.get_running_loop().time() + ENDS_WITHIN)
        self.figures.rounds += 1
        self._look(ready)

    async def reckon(self) -> Figures:
        """Compare, once no more comes, what the devices did with what was said of it."""
        effects = await self._devices.effects()
        done = Counter(m for e in effects for m in re.findall(r"\b\d{6}\b", e["payload"]))
        with closing(_reader(self._hub.state / "journal.db")) as journal:
            for sent in self._accepted:
                wrong = self._check_effects(sent, _row(journal, sent), done[sent.mark])
                theirs = [e for e in effects if sent.mark in e["payload"]]
                self._note(wrong, sent, journal, theirs)
        self.figures.effects = len(effects)
        return self.figures

    async def _kill(self, within: float) -> None:
        await asyncio.sleep(self._random.uniform(0, within))
        await self._hub.stop(signal.SIGKILL)
        self.figures.kills += 1

    def _send(self, group: asyncio.TaskGroup) -> None:
        """Have each client send; the same values for all, so that no two undo each other."""
        values = {"level": self._random.randrange(11), "degrees": self._random.randrange(60, 81)}
        for sender in self._senders:
            group.create_task(sender.send_all([self._command(values) for _ in range(EACH)]))

    def _command(self, values: dict[str, int]) -> Sent:
        function, sentence = self._random.choice(SENTENCES)
        mark = str(next(self._marks))
        text = sentence.format(mark=mark, **values)
        return Sent(id=f"drill-{mark}", text=text, function=function, mark=mark)

    def _look(self, ready: float) -> None:
        """Count how this round's commands ended, the hub having been ready at `ready`."""
        with closing(_reader(self._hub.state / "journal.db")) as journal:
            for sender in self._senders:
                sender.hear()
                for sent in sender.accepted:
                    wrong = self._check_end(sent, _row(journal, sent), sender, ready)
                    self._note(wrong, sent, journal, [])
                self._accepted += sender.accepted
                sender.accepted.clear()

    def _check_end(self, sent: Sent, row: Row | None, sender: Sender, ready: float) -> list[str]:
        """Count how one command ended; gives what is wrong with it."""
        figures = self.figures
        figures.accepted += 1
        if row is None or row.state not in _ENDED:
            figures.lost += 1
            return ["lost"]
        figures.ended[row.state] = figures.ended.get(row.state, 0) + 1
        figures.untold += sent.id not in sender.ended
        unknown = [index for index, (_, state) in row.steps.items() if state == StepState.UNKNOWN]
        told = [i for i in unknown if {(sent.id, i), (sent.id, None)} & sender.unknown]
        late = self._is_late(row, ready)
        figures.unknown += len(unknown)
        figures.unknown_reported += len(told)
        figures.late += late
        return ["unreported"] * (told != unknown) + ["late"] * late

    def _check_effects(self, sent: Sent, row: Row | None, done: int) -> list[str]:
        """Count what one command did; gives what is wrong with it."""
        once = self._effect(sent.function) is Effect.ONCE
        repeated = once and done > 1
        lied = row is not None and _lies(row.marked, done, once)
        self.figures.repeated += repeated
        self.figures.lied += lied
        return ["repeated"] * repeated + ["lied"] * lied

    def _note(
        self, wrong: list[str], sent: Sent, journal: sqlite3.Connection, effects: list[Any]
    ) -> None:
        if wrong:
            rows = json.dumps({"journal": _dump(journal, sent.id), "devices": effects})
            self.figures.findings.append(f"{', '.join(wrong)}: {sent}: {rows}")

    def _is_late(self, row: Row, ready: float) -> bool:
        """Whether a command that was left behind, and may be repeated, took too long."""
        repeatable = all(self._effect(name) in _REPEATABLE for name, _ in row.steps.values())
        return repeatable and row.created < ready and (row.ended or 0) > ready + LATE

    def _effect(self, function: str) -> Effect:
        return self._catalogue[function].effect


class Devices:
    """A computer and a car in a process of their own, and what they wrote down."""

    def __init__(self, file: Path, client: MqttClient) -> None:
        self._file, self._client = file, client

    async def effects(self) -> list[dict[str, Any]]:
        """Every effect of what was ordered before."""
        await self._client.publish(OPEN_URL, LAST)
        async with asyncio.timeout(10):
            while True:
                found = [json.loads(line) for line in self._file.read_text().splitlines()]
                if any(effect["payload"] == LAST for effect in found):
                    return [effect for effect in found if effect["payload"] != LAST]
                await asyncio.sleep(0.02)


@asynccontextmanager
async def drill(folder: Path, *, clients: int = 5, seed: int = 1) -> AsyncIterator[Drill]:
    """A broker, the devices, a hub that knows them, and its clients; ready for the first round."""
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(running_broker(folder))
        login = Login(broker.host, broker.port, None, None)
        devices = await stack.enter_async_context(_devices(broker, folder / "effects.jsonl"))
        senders = [
            Sender(await stack.enter_async_context(connected(login, BASE, f"drill-{number}")))
            for number in range(clients)
        ]
        hub = Hub(folder, broker)
        stack.push_async_callback(hub.clean_up)
        made = Drill(hub, senders, devices, seed)
        await made.rehearse()
        yield made


@asynccontextmanager
async def _devices(broker: Broker, file: Path) -> AsyncIterator[Devices]:
    program = ("-m", "device_adapters.simulated.ledger", "--broker", f"{broker.host}:{broker.port}")
    process = await asyncio.create_subprocess_exec(
        sys.executable, *program, "--file", str(file), cwd=ROOT
    )
    try:
        async with MqttClient(broker.host, broker.port, client_id="drill") as client:
            await client.wait_connected(10)
            yield Devices(file, client)
    finally:
        process.terminate()
        await process.wait()


async def approve(client: HubClient) -> None:
    """Wait until every device is found, and approve it."""
    async with asyncio.timeout(15):
        for name in DEVICES:
            while True:
                with suppress(Refused):
                    await client.request("device/approve", device=name)
                    break
                await asyncio.sleep(0.05)


def _lies(state: str, done: int, once: bool) -> bool:
    """Whether a step that ended so is at odds with how often its effect was seen."""
    if state == StepState.SUCCEEDED:
        return done != 1 if once else done == 0
    return state in _NOT_DONE and done > 0


def _reader(file: Path) -> sqlite3.Connection:
    reader = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    reader.row_factory = sqlite3.Row
    return reader


def _row(journal: sqlite3.Connection, sent: Sent) -> Row | None:
    run = journal.execute("SELECT * FROM runs WHERE id = ?", (sent.id,)).fetchone()
    if run is None:
        return None
    steps = journal.execute("SELECT * FROM steps WHERE run = ?", (sent.id,)).fetchall()
    return Row(
        state=run["state"],
        created=run["created"],
        ended=run["ended"],
        steps={s["index"]: (json.loads(s["step"])["function"], s["state"]) for s in steps},
        marked=next((s["state"] for s in steps if sent.mark in s["step"]), ""),
    )


def _dump(journal: sqlite3.Connection, run: str) -> list[dict[str, Any]]:
    """Every row of a command, for whoever looks for what went wrong."""
    wanted = {"runs": "id", "steps": "run", "events": "run"}
    found = []
    for table, key in wanted.items():
        rows = journal.execute(f"SELECT * FROM {table} WHERE {key} = ?", (run,))
        found += [{k: v for k, v in dict(r).items() if not isinstance(v, bytes)} for r in rows]
    return found
