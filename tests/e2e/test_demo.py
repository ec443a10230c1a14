"""The demo as it stands in the README."""

from __future__ import annotations

import re

from tests.e2e.daemon import octopus


async def test_the_inner_call_runs_before_the_outer() -> None:
    ran = await octopus("demo", "Text John the weather in Seoul")
    assert (ran.status, ran.err) == (0, "")
    states = re.findall(r"step \d (\w+) on [^:]+: (\w+)", ran.out)
    assert states == [
        ("get_weather_forecast", "dispatched"), ("get_weather_forecast", "succeeded"),
        ("send_text_message", "dispatched"), ("send_text_message", "succeeded"),
    ]  # fmt: skip
    assert re.search(r"send_text_message.*verified", ran.out)
