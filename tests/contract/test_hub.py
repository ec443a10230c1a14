"""The hub's own functions against a loopback web."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest

from device_adapters.hub import HubAdapter
from device_adapters.simulated.weather import SimulatedWeb
from schemas.device import Device, Kind
from schemas.errors import DeviceRefused, DeviceUnavailable
from schemas.outcome import Done, Evidence
from tests.broker import invocation

HUB = Device(id="hub", kind=Kind.HUB, name="Hub", protocol="hub")


@pytest.fixture
async def web() -> AsyncIterator[SimulatedWeb]:
    async with SimulatedWeb() as simulated:
        yield simulated


@pytest.fixture
async def adapter(web: SimulatedWeb) -> AsyncIterator[HubAdapter]:
    adapter = HubAdapter(
        HUB,
        weather_url=web.url,
        geocoding_url=web.url,
        news_url=web.news_url,
        headlines_url=web.news_url,
        location="London",
    )
    assert await adapter.connect() == {"get_weather_forecast", "get_trending_news"}
    yield adapter
    await adapter.close()
    await adapter.close()


async def test_the_weather_of_a_place(adapter: HubAdapter) -> None:
    text = "Seoul: sunny, 24 °C, today 18 to 27 °C"
    assert await adapter.call(invocation("get_weather_forecast", location="Seoul")) == Done(
        evidence=Evidence.VERIFIED, result=text, detail=text
    )


async def test_the_weather_at_home(adapter: HubAdapter) -> None:
    done = await adapter.call(invocation("get_weather_forecast", location=None))
    assert done.result == "London: light rain, 11 °C, today 18 to 27 °C"


async def test_an_unknown_place_is_refused(adapter: HubAdapter) -> None:
    with pytest.raises(DeviceRefused, match="Atlantis"):
        await adapter.call(invocation("get_weather_forecast", location="Atlantis"))


async def test_the_news(adapter: HubAdapter, web: SimulatedWeb) -> None:
    done = await adapter.call(invocation("get_trending_news", query=None, language="en"))
    assert done.result == ("Octopus opens a jar", "Rain & sun expected")
    done = await adapter.call(invocation("get_trending_news", query="rain & sun", language="fr"))
    assert done.result == ("Rain & sun expected",)
    assert web.asked[-1] == "/rss?q=rain%20%26%20sun&hl=fr"
    with pytest.raises(DeviceRefused, match="about squid"):
        await adapter.call(invocation("get_trending_news", query="squid", language="en"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff\xfe\x00",
        b'<!DOCTYPE rss [<!ENTITY a "aaaa">]><rss><item><title>&a;</title></item></rss>',
        b'<!DOCTYPE rss SYSTEM "file:///etc/passwd"><rss/>',
        b'{"results": [{"name": 1}]}',
        b"[" * 100_000,
        b"x" * (2 * 1024 * 1024),
    ],
    ids=["empty", "html", "bytes", "entities", "dtd", "nonsense", "deep", "big"],
)
async def test_a_hostile_answer_is_refused(
    adapter: HubAdapter, web: SimulatedWeb, body: bytes
) -> None:
    web.body = body
    with pytest.raises(DeviceRefused):
        await adapter.call(invocation("get_trending_news", query="x", language="en"))
    with pytest.raises(DeviceRefused):
        await adapter.call(invocation("get_weather_forecast", location="Seoul"))


async def test_an_error_of_the_service_is_told(adapter: HubAdapter, web: SimulatedWeb) -> None:
    web.status = HTTPStatus.SERVICE_UNAVAILABLE
    with pytest.raises(DeviceRefused, match="503"):
        await adapter.call(invocation("get_weather_forecast", location="Seoul"))


async def test_a_silent_service_ends_in_time(adapter: HubAdapter, web: SimulatedWeb) -> None:
    web.silent = True
    with pytest.raises(DeviceUnavailable, match=r"0\.2 s"):
        await adapter.call(invocation("get_weather_forecast", location="Seoul", timeout=0.2))


async def test_no_network_is_said_plainly(web: SimulatedWeb) -> None:
    url = web.url
    await web.__aexit__(None, None, None)
    adapter = HubAdapter(HUB, weather_url=url, geocoding_url=url)
    await adapter.connect()
    with pytest.raises(DeviceUnavailable, match="no network"):
        await adapter.call(invocation("get_weather_forecast", location="Seoul"))
    await adapter.close()
    with pytest.raises(DeviceUnavailable):
        await adapter.call(invocation("get_weather_forecast", location="Seoul"))
