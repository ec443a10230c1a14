"""Whether messages that mean harm do any: to a real daemon, on its own broker.

    python -m benchmarks.fuzz_mqtt [--json] [--count 10000] [--seed 1]

Bytes that are no text, JSON that is none, or 3,000 levels deep, or longer than is allowed, numbers
that are none, halves of surrogate pairs, wrong types for every field of every operation, and
topics with anything in them. Counted: what was answered, what was ignored with a reason in the log,
what neither; bugs that the daemon met; and whether it is whole afterwards, threads included.
"""

import argparse
import asyncio
import itertools
import json
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.processes import sample
from device_adapters.mqtt import Message, MqttClient
from orchestrator.broker import HUB
from tests.e2e.daemon import Site
from tests.mqttfuzz import SENTENCE, Hostile, hostile

AT_ONCE = 200
"""Messages that wait for their answers together."""
ANSWER_WITHIN = 60.0


@dataclass
class Report:
    """How it went."""

    sent: int
    seconds: float
    answered: int
    ignored_with_reason: int
    unheard: int
    """On topics that nobody listens to, as the broker says."""
    unanswered: int
    bugs: int
    codes: dict[str, int]
    kinds: dict[str, int]
    same_process: bool
    threads_before: int
    threads_after: int
    memory_grew_mib: float
    works_afterwards: bool

    @property
    def well(self) -> bool:
        """Whether no harm was done."""
        return (
            self.unanswered == self.bugs == 0
            and self.same_process
            and self.works_afterwards
            and self.threads_after >= self.threads_before
        )


class Sender:
    """Sends, a few hundred at once, and counts what comes back."""

    def __init__(self, client: MqttClient) -> None:
        self._client = client
        self._waiting: dict[str, asyncio.Future[str]] = {}
        self.codes: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.unanswered: list[Hostile] = []
        self.unheard = self.maybe_ignored = 0

    async def hear(self, message: Message) -> None:
        """One answer."""
        waiting = self._waiting.get((message.correlation_data or b"").decode())
        if waiting is not None and not waiting.done():
            answer = json.loads(message.payload)
            waiting.set_result(answer.get("code") or "ok")

    async def send(self, number: int, one: Hostile) -> None:
        """Send one, and wait for what comes of it."""
        mark = str(number)
        answered = self._waiting[mark] = asyncio.get_running_loop().create_future()
        self.kinds[one.kind] += 1
        heard = await self._client.publish(
            one.topic, one.payload, correlation_data=mark.encode(), within=ANSWER_WITHIN
        )
        if not heard:
            self.unheard += 1
        else:
            try:
                async with asyncio.timeout(ANSWER_WITHIN if one.answerable else 5):
                    self.codes[await answered] += 1
            except TimeoutError:
                if one.answerable:
                    self.unanswered.append(one)
                else:
                    self.maybe_ignored += 1
        del self._waiting[mark]


async def measured(count: int, seed: int) -> Report:
    """Send so many to a daemon of its own."""
    with tempfile.TemporaryDirectory(prefix="octopus-fuzz-") as folder:
        site = Site(Path(folder))
        await site.start()
        try:
            async with site.client(HUB) as client:
                await client.wait_connected(10)
                return await _measured(site, client, count, seed)
        finally:
            await site.clean_up()


async def _measured(site: Site, client: MqttClient, count: int, seed: int) -> Report:
    sender = Sender(client)
    client.subscribe("octopus/response/#", sender.hear)
    await sender.send(-1, Hostile("octopus/request/ann/health", b"", "first"))
    before, began = sample(site.pid, time.monotonic()), time.perf_counter()
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, what: Hostile) -> None:
        async with slots:
            await sender.send(number, what)

    stream = itertools.islice(hostile(seed), count)
    await asyncio.gather(*itertools.starmap(one, enumerate(stream)))
    seconds = time.perf_counter() - began
    pid, codes, kinds = site.pid, dict(sender.codes), dict(sender.kinds)
    after = sample(site.pid, time.monotonic())
    ran = await site.octopus("plan", SENTENCE)
    reasons = site.log.count(": ignored, ")
    codes["ok"] -= 1  # the first
    return Report(
        sent=count, seconds=seconds, answered=sum(codes.values()),
        ignored_with_reason=min(reasons, sender.maybe_ignored), unheard=sender.unheard,
        unanswered=len(sender.unanswered) + max(0, sender.maybe_ignored - reasons),
        bugs=codes.get("bug", 0) + site.log.count("Traceback"), codes=codes, kinds=kinds,
        same_process=pid == site.pid and Path(f"/proc/{pid}").exists(),
        threads_before=before.threads, threads_after=after.threads,
        memory_grew_mib=after.resident - before.resident, works_afterwards=ran.status == 0,
    )  # fmt: skip


def main() -> None:
    """Measure, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    report = asyncio.run(measured(arguments.count, arguments.seed))
    if arguments.json:
        print(json.dumps(asdict(report)))
    else:
        Console().print(report)
    if not report.well:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
