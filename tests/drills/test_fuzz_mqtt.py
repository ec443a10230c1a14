"""Messages that mean harm: each is answered or ignored with a reason, and the hub goes on."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections import defaultdict
from pathlib import Path

import pytest

from device_adapters.mqtt import Message
from orchestrator.catalogue import Catalogue
from tests.broker import running_broker
from tests.doorkit import door, people, told
from tests.mqttfuzz import SENTENCE, hostile

MANY = 500
ROOMY = "allow_anonymous true\nmax_queued_messages 10000"


async def test_each_is_answered_or_ignored_with_a_reason(
    tmp_path: Path, catalogue: Catalogue, caplog: pytest.LogCaptureFixture
) -> None:
    wanted: set[str] = set()
    answers: dict[str, list[str]] = defaultdict(list)
    news, ignored = asyncio.Event(), 0

    async def hear(message: Message) -> None:
        answer = json.loads(message.payload)
        mark = (message.correlation_data or b"").decode()
        answers[mark].append(answer.get("code") or answer["status"])
        news.set()

    async def all_are_there() -> None:
        async with asyncio.timeout(20):
            while not wanted <= answers.keys():
                news.clear()
                await news.wait()

    model = defaultdict(lambda: "<nexa_20>()<nexa_end>")
    async with (
        running_broker(tmp_path, ROOMY) as broker,
        people(broker, "ann") as (ann,),
        door(broker, tmp_path, catalogue, model),
    ):
        await told(ann, "octopus/status", b"online")
        ann.client.subscribe("octopus/response/#", hear)
        with caplog.at_level(logging.WARNING):
            for number, one in enumerate(itertools.islice(hostile(seed=11), MANY)):
                heard = await ann.client.publish(
                    one.topic, one.payload, correlation_data=str(number).encode()
                )
                if one.answerable:
                    wanted.add(str(number))
                else:
                    ignored += heard
            await all_are_there()
        await ann.client.publish("octopus/command/ann", SENTENCE, correlation_data=b"the end")
        wanted.add("the end")
        await all_are_there()
    assert answers["the end"] == ["ok"]
    assert all(len(one) == 1 for one in answers.values()), "once"
    assert ["bug"] not in answers.values(), caplog.text
    said_so = len(answers) - len(wanted) + caplog.text.count(": ignored, ")
    assert said_so == ignored, "each with a reason"
