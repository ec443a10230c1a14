"""The hub's own weather and news against a loopback web."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from http import HTTPStatus

import pytest
from pydantic import ValidationError

from device_adapters.hub import HubAdapter, Sources
from device_adapters.hub.editions import edition
from device_adapters.hub.news import LONGEST, merged, read_headlines
from device_adapters.hub.plain import plain
from device_adapters.simulated.weather import Place, SimulatedWeb
from schemas.device import Device, Kind
from schemas.errors import DeviceRefused, DeviceUnavailable
from schemas.outcome import Done, Evidence
from tests.broker import invocation

HUB = Device(id="hub", kind=Kind.HUB, name="Hub", protocol="hub")
SEOUL = "Seoul: sunny, 24 °C, today 18 to 27 °C"
WHOLE = f"{SEOUL}, wind 8 km/h; tomorrow light rain, 16 to 25 °C"
MORNING = 1_790_000_000.0 // 86_400 * 86_400 + 8 * 3600
"""08:00 UTC of some day."""
MINUTE, HOUR = 60.0, 3600.0


class Clock:
    """What the hub and the web take for now."""

    now = MORNING

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def web(clock: Clock) -> AsyncIterator[SimulatedWeb]:
    async with SimulatedWeb() as simulated:
        simulated.now = clock
        yield simulated


Make = Callable[..., HubAdapter]


@pytest.fixture
async def make(web: SimulatedWeb, clock: Clock) -> AsyncIterator[Make]:
    """A hub on the simulated web; some of its sources, and its region, may be others."""
    made = []

    def build(region: str = "DE", **sources: object) -> HubAdapter:
        home = {
            "location": "London", "forecast_url": web.url, "geocoding_url": web.url,
            "news_url": web.news_url, "headlines_url": web.news_url,
        } | sources  # fmt: skip
        made.append(
            HubAdapter(HUB, Sources.model_validate(home, strict=False), region=region, clock=clock)
        )
        return made[-1]

    yield build
    for adapter in made:
        await adapter.close()
        await adapter.close()


@pytest.fixture
async def adapter(make: Make) -> HubAdapter:
    adapter = make()
    assert await adapter.connect() == {"get_weather_forecast", "get_trending_news"}
    return adapter


async def weather(adapter: HubAdapter, location: str | None = "Seoul", within: float = 3) -> Done:
    return await adapter.call(invocation("get_weather_forecast", location=location, timeout=within))


async def news(adapter: HubAdapter, query: str | None = None, language: str = "en") -> Done:
    return await adapter.call(invocation("get_trending_news", query=query, language=language))


async def test_the_weather_of_a_place(adapter: HubAdapter) -> None:
    assert await weather(adapter) == Done(evidence=Evidence.VERIFIED, result=SEOUL, detail=WHOLE)


async def test_the_weather_at_home(adapter: HubAdapter) -> None:
    done = await weather(adapter, None)
    assert done.result == "London: light rain, 11 °C, today 18 to 27 °C"


@pytest.mark.parametrize(
    ("region", "says"),
    [
        ("US", "75 °F, today 64 to 81 °F, wind 5 mph; tomorrow light rain, 61 to 77 °F"),
        ("GB", "24 °C, today 18 to 27 °C, wind 5 mph; tomorrow light rain, 16 to 25 °C"),
        ("FR", "24 °C, today 18 to 27 °C, wind 8 km/h; tomorrow light rain, 16 to 25 °C"),
    ],
)
async def test_the_units_are_those_of_the_region(make: Make, region: str, says: str) -> None:
    adapter = make(region)
    await adapter.connect()
    assert (await weather(adapter)).detail == f"Seoul: sunny, {says}"


async def test_a_text_message_may_hold_a_forecast(
    adapter: HubAdapter, web: SimulatedWeb, clock: Clock
) -> None:
    web.places["Thunder Bay"] = Place(48.4, -89.2, temperature=-24, code=71, low=-31, high=-22)
    await weather(adapter, "Thunder Bay")
    clock.now += HOUR
    await web.stop()
    assert len(str((await weather(adapter, "Thunder Bay")).result)) <= 70, "characters, with a °"


async def test_the_sun_does_not_shine_at_night(adapter: HubAdapter, web: SimulatedWeb) -> None:
    web.places["Nuuk"] = Place(64.2, -51.7, temperature=-0.4, light=False)
    assert str((await weather(adapter, "Nuuk")).result).startswith("Nuuk: clear, 0 °C")


async def test_a_place_may_be_told_from_others_of_its_name(
    adapter: HubAdapter, web: SimulatedWeb
) -> None:
    web.places["Paris, 1"] = Place(48.9, 2.4, 20, country="France")
    web.places["Paris, 2"] = Place(33.7, -95.6, 31, country="United States")
    assert "31 °C" in str((await weather(adapter, "Paris, United States")).result)
    assert "20 °C" in str((await weather(adapter, "paris")).result)
    with pytest.raises(DeviceRefused, match="Paris, Canada"):
        await weather(adapter, "Paris, Canada")


async def test_an_unknown_place_is_refused(adapter: HubAdapter) -> None:
    with pytest.raises(DeviceRefused, match="Atlantis"):
        await weather(adapter, "Atlantis")


async def test_without_a_home_a_place_must_be_said(make: Make) -> None:
    adapter = make(location="")
    await adapter.connect()
    with pytest.raises(DeviceRefused, match=r"home\.location"):
        await weather(adapter, None)


async def test_a_forecast_is_told_again_for_half_an_hour(
    adapter: HubAdapter, web: SimulatedWeb, clock: Clock
) -> None:
    await weather(adapter)
    assert len(web.asked) == 2, "the place, and its weather"
    clock.now += 29 * MINUTE
    assert (await weather(adapter, "seoul")).result == SEOUL
    assert len(web.asked) == 2
    clock.now += 2 * MINUTE
    await weather(adapter)
    assert [one.partition("?")[0] for one in web.asked[2:]] == ["/v1/forecast"]


async def test_without_a_network_the_last_forecast_is_told_with_its_age(
    adapter: HubAdapter, web: SimulatedWeb, clock: Clock
) -> None:
    await weather(adapter)
    await web.stop()
    clock.now += 35 * MINUTE
    done = await weather(adapter)
    assert done.result == f"{SEOUL} (35 minutes ago)"
    assert done.detail == f"{WHOLE} (as of 35 minutes ago: {NO_WEATHER})"
    assert done.evidence is Evidence.UNVERIFIED
    clock.now += 5 * HOUR
    assert str((await weather(adapter)).result).endswith(" (6 hours ago)")
    clock.now += HOUR
    with pytest.raises(DeviceUnavailable, match=f"^{NO_WEATHER}$"):
        await weather(adapter)


NO_WEATHER = "no network: the weather service cannot be reached"


async def test_after_midnight_today_is_another_day(
    adapter: HubAdapter, web: SimulatedWeb, clock: Clock
) -> None:
    web.places["Suva"] = Place(-18.1, 178.4, offset=13 * 3600)  # 21:00 there
    await weather(adapter, "Suva")
    await web.stop()
    clock.now += 2 * HOUR
    told = (await weather(adapter, "Suva")).detail
    assert "today 18 to 27 °C, wind 8 km/h; tomorrow light rain, 16 to 25 °C" in told
    clock.now += 2 * HOUR
    told = (await weather(adapter, "Suva")).detail
    assert "today 16 to 25 °C, wind 8 km/h; tomorrow light rain, 14 to 23 °C" in told


async def test_a_clock_that_is_set_back_makes_nothing_fresh(
    adapter: HubAdapter, web: SimulatedWeb, clock: Clock
) -> None:
    await weather(adapter)
    clock.now -= HOUR
    await weather(adapter)
    assert [one.partition("?")[0] for one in web.asked].count("/v1/forecast") == 2


async def test_a_service_that_fails_is_covered_by_the_last_forecast(
    adapter: HubAdapter, web: SimulatedWeb, clock: Clock
) -> None:
    await weather(adapter)
    clock.now += HOUR
    web.status = HTTPStatus.SERVICE_UNAVAILABLE
    told = (await weather(adapter)).detail
    assert told.endswith("(as of 60 minutes ago: the weather service answered 503)")
    web.silent = True
    assert "ago: no answer came in time)" in (await weather(adapter, within=0.2)).detail


async def test_the_news(adapter: HubAdapter, web: SimulatedWeb) -> None:
    done = await news(adapter)
    assert done.result == ("Octopus opens a jar", "Rain & sun expected")
    assert done.detail == "Octopus opens a jar; Rain & sun expected"
    assert (await news(adapter, "rain & sun", "fr")).result == ("Rain & sun expected",)
    assert web.asked[-1] == "/rss?q=rain%20%26%20sun&hl=fr"
    with pytest.raises(DeviceRefused, match="about squid"):
        await news(adapter, "squid")


async def test_headlines_are_told_again_for_five_minutes_and_then_with_their_age(
    adapter: HubAdapter, web: SimulatedWeb, clock: Clock
) -> None:
    await news(adapter)
    clock.now += 4 * MINUTE
    await news(adapter)
    assert len(web.asked) == 1
    await web.stop()
    clock.now += 3 * HOUR
    done = await news(adapter)
    assert isinstance(done.result, tuple)
    assert done.result[0] == "Octopus opens a jar"
    assert done.result[-1].startswith("(as of 3 hours ago: no network: the news service at ")
    assert done.evidence is Evidence.UNVERIFIED
    clock.now += 22 * HOUR
    with pytest.raises(DeviceUnavailable, match="no network"):
        await news(adapter)


async def test_google_news_is_asked_for_the_language_in_the_household_s_country(
    make: Make, web: SimulatedWeb
) -> None:
    adapter = make("AT", news_url=f"{web.url}/rss?q={{query}}&{{edition}}",
                   headlines_url=f"{web.url}/rss?{{edition}}")  # fmt: skip
    await adapter.connect()
    await news(adapter, language="de")
    await news(adapter, "jar", "en")
    assert web.asked == ["/rss?hl=de&gl=AT&ceid=AT:de", "/rss?q=jar&hl=en-US&gl=US&ceid=US:en"]
    with pytest.raises(DeviceRefused, match=r"no edition in 'eu': .* home\.feeds"):
        await news(adapter, language="eu")


@pytest.mark.parametrize(
    ("language", "region", "asked"),
    [
        ("en", "US", "hl=en-US&gl=US&ceid=US:en"),
        ("en", "GB", "hl=en-GB&gl=GB&ceid=GB:en"),
        ("de", "US", "hl=de&gl=DE&ceid=DE:de"),
        ("de", "CH", "hl=de&gl=CH&ceid=CH:de"),
        ("fr", "CA", "hl=fr-CA&gl=CA&ceid=CA:fr"),
        ("es", "US", "hl=es-419&gl=US&ceid=US:es-419"),
        ("es", "DE", "hl=es&gl=ES&ceid=ES:es"),
        ("pt", "BR", "hl=pt-BR&gl=BR&ceid=BR:pt-419"),
        ("pt", "US", "hl=pt-PT&gl=PT&ceid=PT:pt-150"),
        ("zh", "US", "hl=zh-CN&gl=CN&ceid=CN:zh-Hans"),
        ("zh", "TW", "hl=zh-TW&gl=TW&ceid=TW:zh-Hant"),
        ("nb", "NO", "hl=no&gl=NO&ceid=NO:no"),
        ("ja", "US", "hl=ja&gl=JP&ceid=JP:ja"),
        ("tlh", "US", None),
    ],
)
def test_every_language_has_google_s_own_form(
    language: str, region: str, asked: str | None
) -> None:
    assert edition(language, region) == asked


def feed(*titles: str) -> bytes:
    items = "".join(f"<item><title>{title}</title></item>" for title in titles)
    return f"<rss><channel><title>A paper</title>{items}</channel></rss>".encode()


async def test_a_household_s_own_feeds_take_turns_and_tell_nothing_twice(
    make: Make, web: SimulatedWeb
) -> None:
    web.pages = {
        "/a": feed("Bridge opens", "Storm ahead", "Third"),
        "/b": feed("STORM ahead!", "Cup final tonight"),
    }
    adapter = make(feeds={"en": [f"{web.url}/a", f"{web.url}/b", f"{web.url}/gone"]})
    await adapter.connect()
    done = await news(adapter)
    assert done.result == ("Bridge opens", "STORM ahead!", "Cup final tonight", "Third")
    assert (await news(adapter, "storm")).result == ("Storm ahead",)
    assert not any(one.startswith("/rss") for one in web.asked), "Google is not asked"
    assert (await news(adapter, "jar", "fr")).result == ("Octopus opens a jar",)


async def test_an_own_feed_may_search_by_itself(make: Make, web: SimulatedWeb) -> None:
    web.pages = {"/find": feed("Cephalopods are clever")}
    adapter = make(feeds={"en": [f"{web.url}/find?about={{query}}"]})
    await adapter.connect()
    assert (await news(adapter, "octopus")).result == ("Cephalopods are clever",)
    assert (await news(adapter)).result == ("Octopus opens a jar", "Rain & sun expected")


@pytest.mark.parametrize(
    ("sources", "says"),
    [
        ({"feeds": {"english": ["https://a.example/"]}}, "no language's code"),
        ({"feeds": {"en": []}}, "1 to 10 feeds"),
        ({"feeds": {"en": ["https://a.example/"] * 11}}, "1 to 10 feeds"),
        ({"feeds": {"en": ["file:///etc/passwd"]}}, "must be an address such as"),
        ({"news_url": "https://a.example/\n"}, "must be an address such as"),
        ({"forecast_url": "localhost"}, "must be an address such as"),
    ],
)
def test_what_could_not_be_asked_is_refused_early(sources: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Sources.model_validate(sources, strict=False)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<![CDATA[Fish & chips]]>", "Fish & chips"),
        ("<![CDATA[<b>Fish</b> &amp; chips]]>", "Fish & chips"),
        ("AT&amp;amp;T &amp;quot;up&amp;quot;", 'AT&T "up"'),
        ("two\n\t lines", "two lines"),
        ("safe\u202eevil\u2066\u200b\u0085end", "safeevil end"),
        ("5 &lt; 6 and 8 &gt; 7", "5 < 6 and 8 > 7"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;", "alert(1)"),
        ("नमस्ते, می\u200cخواهم 👩\u200d🚀", "नमस्ते, می\u200cخواهم 👩\u200d🚀"),
    ],
)
def test_a_headline_is_one_line_of_plain_words(written: str, read: str) -> None:
    assert read_headlines(feed(written)) == (read,)


def test_a_headline_without_an_end_is_cut() -> None:
    [title] = read_headlines(feed("word " * 100_000))
    assert len(title) <= LONGEST
    assert title.endswith("word…")
    assert plain("x" * 10, 5) == "xxxx…"


def test_only_articles_have_headlines() -> None:
    rss = b"""<rss xmlns:media="http://search.yahoo.com/mrss/"><channel><title>A paper</title>
        <image><title>Logo</title></image><item><media:title>A picture</media:title>
        <title>An <em>article</em></title><source><title>Elsewhere</title></source></item>
        <item><title> </title></item></channel></rss>"""
    assert read_headlines(rss) == ("An article",)
    atom = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>A paper</title><entry>
        <title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">An <b>article</b></div>
        </title></entry></feed>"""
    assert read_headlines(atom) == ("An article",)
    rdf = b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
        xmlns="http://purl.org/rss/1.0/"><item><title>An article</title></item></rdf:RDF>"""
    assert read_headlines(rdf) == ("An article",)
    cyrillic = (
        '<?xml version="1.0" encoding="windows-1251"?><rss><item><title>Да</title></item></rss>'
    )
    assert read_headlines(cyrillic.encode("cp1251")) == ("Да",)


def test_feeds_are_merged_in_turn() -> None:
    assert merged([["a1", "a2"], [], ["b1", "A1", "b2"]], 4) == ("a1", "b1", "a2", "b2")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff\xfe\x00",
        b'<!DOCTYPE rss [<!ENTITY a "aaaa">]><rss><item><title>&a;</title></item></rss>',
        b'<!DOCTYPE rss SYSTEM "file:///etc/passwd"><rss/>',
        b'{"results": [{"name": 1}]}',
        b'{"results": 7}',
        b'{"results": [{"name": "Seoul", "latitude": NaN, "longitude": 1e999}]}',
        b"[" * 100_000,
        b"x" * (2 * 1024 * 1024),
    ],
    ids=["empty", "html", "bytes", "entities", "dtd", "odd", "odder", "nan", "deep", "big"],
)
async def test_a_hostile_answer_is_refused(
    adapter: HubAdapter, web: SimulatedWeb, body: bytes
) -> None:
    web.body = body
    with pytest.raises(DeviceRefused):
        await news(adapter, "x")
    with pytest.raises(DeviceRefused):
        await weather(adapter)


def forecasts() -> Iterator[bytes]:
    """Forecasts with one thing wrong each."""
    right = {
        "utc_offset_seconds": 0,
        "current": {"temperature_2m": 1, "weather_code": 0, "is_day": 1, "wind_speed_10m": 1},
        "daily": {"time": ["2026-01-01"], "weather_code": [0], "temperature_2m_max": [1],
                  "temperature_2m_min": [0]},
    }  # fmt: skip
    for section, key, wrong in [
        ("current", "temperature_2m", 1e9), ("current", "weather_code", None),
        ("current", "wind_speed_10m", "NaN"), ("daily", "time", ["yesterday"]),
        ("daily", "temperature_2m_max", []), ("daily", "weather_code", [float("inf")]),
    ]:  # fmt: skip
        yield json.dumps(right | {section: right[section] | {key: wrong}}).encode()  # type: ignore[operator]
    yield json.dumps(right | {"utc_offset_seconds": 1e7}).encode()


@pytest.mark.parametrize("body", [*forecasts()])
async def test_a_forecast_of_impossible_numbers_is_refused(
    adapter: HubAdapter, web: SimulatedWeb, body: bytes
) -> None:
    web.pages["/v1/forecast"] = body
    with pytest.raises(DeviceRefused, match="nonsense"):
        await weather(adapter)


async def test_a_place_s_name_is_plain_words(adapter: HubAdapter, web: SimulatedWeb) -> None:
    name = "Seoul\u202e\n" + "x" * 500
    body = json.dumps({"results": [{"name": name, "latitude": 37.566, "longitude": 126.978}]})
    web.pages["/v1/search"] = body.encode()
    told = str((await weather(adapter)).result)
    assert told.startswith("Seoul xxx")
    assert len(told) < 200


async def test_an_error_of_the_service_is_told(adapter: HubAdapter, web: SimulatedWeb) -> None:
    web.status = HTTPStatus.SERVICE_UNAVAILABLE
    with pytest.raises(DeviceRefused, match="503"):
        await weather(adapter)


async def test_a_silent_service_ends_in_time(adapter: HubAdapter, web: SimulatedWeb) -> None:
    web.silent = True
    with pytest.raises(DeviceUnavailable, match="in time"):
        await weather(adapter, within=0.2)


async def test_no_network_is_said_plainly(adapter: HubAdapter, web: SimulatedWeb) -> None:
    await web.stop()
    with pytest.raises(DeviceUnavailable, match="no network"):
        await weather(adapter)
    await adapter.close()
    with pytest.raises(DeviceUnavailable, match="not connected"):
        await weather(adapter)


async def test_what_the_hub_cannot_do_is_refused(adapter: HubAdapter) -> None:
    for function in ("take_a_photo", "send_email"):
        with pytest.raises(DeviceRefused, match=function):
            await adapter.call(invocation(function, recipient="a@example.org", content="x"))


@pytest.mark.parametrize("encoding", ["EUC-KR", "Shift_JIS", "idna", "rot13", "no-such"])
async def test_a_feed_in_an_encoding_that_is_not_read_is_no_reason_not_to_read_the_others(
    make: Make, web: SimulatedWeb, encoding: str
) -> None:
    head = f'<?xml version="1.0" encoding="{encoding}"?>'.encode()
    web.pages = {"/odd": head + feed("안녕"), "/plain": feed("Hello")}
    adapter = make(feeds={"ko": [f"{web.url}/odd"], "en": [f"{web.url}/odd", f"{web.url}/plain"]})
    await adapter.connect()
    assert (await news(adapter)).result == ("Hello",)
    with pytest.raises(DeviceRefused, match="an encoding that is not read"):
        await news(adapter, language="ko")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 302 Found\r\nLocation: http://xn--0/\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\n\r\n",
        b"X" * 60_000 + b"\r\n\r\n",
    ],
)
async def test_a_service_of_bad_manners_is_told_in_one_short_line(
    make: Make, answer: bytes
) -> None:
    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(answers, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        adapter = make(headlines_url=f"http://127.0.0.1:{port}/")
        await adapter.connect()
        with pytest.raises(DeviceUnavailable, match="broke off") as raised:
            await news(adapter)
    assert len(str(raised.value)) < 200
    assert len(str(raised.value).splitlines()) == 1


def test_a_feed_with_a_namespace_as_long_as_itself_is_not_read() -> None:
    body = b"<rss xmlns='" + b"h" * 300_000 + b"'>" + b"<a/>" * 180_000  # takes minutes otherwise
    with pytest.raises(DeviceRefused, match="not safe to read"):
        read_headlines(body)


async def test_what_no_address_can_hold_is_not_asked_for(adapter: HubAdapter) -> None:
    assert (await weather(adapter, "Se\ud800oul\n")).result == SEOUL
    assert await news(adapter, language="en\ud800")
