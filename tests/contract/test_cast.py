"""The Cast adapter against a simulated Cast device."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from device_adapters.cast import CastDriver, CastOptions, library
from device_adapters.cast.adapter import CastAdapter
from device_adapters.driver import Service, Site
from device_adapters.ha import HaClient
from device_adapters.mqtt import MqttClient
from device_adapters.simulated.cast import MEDIA, RECEIVER, SimulatedCast, framed
from schemas.call import Invocation
from schemas.device import Device, Kind
from schemas.errors import DeviceNeedsPerson, DeviceRefused, DeviceUnavailable, DeviceUncertain
from schemas.outcome import Done, Evidence
from schemas.state import DeviceState
from tests.broker import invocation

JAZZ, FILM = "http://radio.example/jazz", "http://nas.example/films/The%20Matrix.mp4"
TABLES = {
    library.MUSIC: {"Jazz radio": JAZZ, "Classical": "http://radio.example/classical"},
    library.VIDEO: {"The Matrix": FILM},
}


@pytest.fixture
async def display() -> AsyncIterator[SimulatedCast]:
    async with SimulatedCast() as simulated:
        yield simulated


def device(display: SimulatedCast, **more: str) -> Device:
    return Device(id="cast-1", kind=Kind.HOME, name=display.name, protocol="cast",
                  address=display.address | more)  # fmt: skip


@pytest.fixture
async def adapter(display: SimulatedCast) -> AsyncIterator[CastAdapter]:
    adapter = CastAdapter(device(display), TABLES)
    await adapter.connect()
    yield adapter
    await adapter.close()


def play(kind: str, name: str | None = None, service: str | None = None, **more: Any) -> Invocation:
    named = {f"{kind}_name": name, f"{kind}_service": service}
    return invocation(f"play_{kind}_on_nest_hub", **named, **more)


async def test_a_stream_that_has_a_name_plays(adapter: CastAdapter, display: SimulatedCast) -> None:
    done = await adapter.call(play("music", "jazz"))
    assert done == Done(evidence=Evidence.VERIFIED, detail="Playing Jazz radio on Kitchen display")
    [loaded] = display.loads
    assert (loaded["contentId"], loaded["contentType"], loaded["streamType"]) == (
        *(JAZZ, "audio/mpeg", "LIVE"),
    )
    assert loaded["metadata"]["title"] == "Jazz radio"


async def test_a_name_without_a_word_means_nothing(adapter: CastAdapter) -> None:
    only = CastAdapter(adapter.device, {library.MUSIC: {"Jazz radio": JAZZ}})
    await only.connect()
    with pytest.raises(DeviceRefused, match="has no !"):
        await only.call(play("music", "!"))
    await only.close()


async def test_a_connection_that_is_given_up_leaves_no_thread(display: SimulatedCast) -> None:
    adapter = CastAdapter(device(display), TABLES)
    connecting = asyncio.create_task(adapter.connect())
    await asyncio.sleep(0)  # its thread has started
    [thread] = [t for t in threading.enumerate() if t.name.startswith("cast ")]
    connecting.cancel()
    await asyncio.gather(connecting, return_exceptions=True)
    await adapter.close()
    await asyncio.to_thread(thread.join, 10)
    assert not thread.is_alive()


@pytest.mark.parametrize("port", ["http", "0", "99999"])
async def test_a_port_that_is_none_is_said(display: SimulatedCast, port: str) -> None:
    with pytest.raises(DeviceNeedsPerson, match="the port of Kitchen display"):
        await CastAdapter(device(display, port=port), TABLES).connect()


async def test_a_film_and_an_address_play(adapter: CastAdapter, display: SimulatedCast) -> None:
    done = await adapter.call(play("video", "the matrix"))
    assert done.evidence is Evidence.VERIFIED
    assert (await adapter.call(play("music", "https://x.example/a.ogg"))).evidence is (
        Evidence.VERIFIED
    )
    assert [(m["contentId"], m["contentType"], m["streamType"]) for m in display.loads] == [
        (FILM, "video/mp4", "BUFFERED"),
        ("https://x.example/a.ogg", "audio/ogg", "BUFFERED"),
    ]


async def test_a_name_is_found_whichever_kind_the_sentence_seemed_to_mean(
    adapter: CastAdapter, display: SimulatedCast
) -> None:
    done = await adapter.call(play("video", "jazz"))
    assert done.detail == "Playing Jazz radio on Kitchen display"
    await adapter.call(play("music", "matrix"))
    assert [m["contentType"] for m in display.loads] == ["audio/mpeg", "video/mp4"]


async def test_another_app_makes_way(adapter: CastAdapter, display: SimulatedCast) -> None:
    await display.play("So What", app="SPOTIFY")
    done = await adapter.call(play("music", "jazz"))
    assert done.evidence is Evidence.VERIFIED
    assert display.app
    assert display.app["appId"] == "CC1AD845"


@pytest.mark.parametrize(
    ("kind", "name", "service", "said"),
    [
        (
            "music",
            "polka",
            None,
            r"has no polka: there is Jazz radio, Classical, The Matrix; .*cast.music",
        ),
        ("music", "jazz", "Spotify", "has no jazz Spotify"),
        ("video", "dune", "Netflix", r"has no dune Netflix: .*cast.videos"),
    ],
)
async def test_what_nobody_gave_a_name_is_refused_with_how_to(
    adapter: CastAdapter, display: SimulatedCast, kind: str, name: str, service: str, said: str
) -> None:
    with pytest.raises(DeviceRefused, match=said):
        await adapter.call(play(kind, name, service))
    assert display.loads == []


async def test_music_without_a_name_goes_on_or_is_the_first(
    adapter: CastAdapter, display: SimulatedCast
) -> None:
    done = await adapter.call(play("music"))
    assert done.detail == "Playing Jazz radio on Kitchen display"
    await adapter.call(invocation("media_control", action="pause"))
    assert await adapter.call(play("music")) == Done(
        evidence=Evidence.VERIFIED, detail="Playing on Kitchen display"
    )
    assert len(display.loads) == 1


async def test_what_plays_is_controlled(adapter: CastAdapter, display: SimulatedCast) -> None:
    await display.play("one", "two")
    assert display.playing
    for action, state, at in (("pause", "PAUSED", 0), ("play", "PLAYING", 0),
                              ("next", "PLAYING", 1), ("previous", "PLAYING", 0)):  # fmt: skip
        done = await adapter.call(invocation("media_control", action=action))
        assert (done.evidence, display.playing.state, display.playing.at) == (
            Evidence.VERIFIED,
            state,
            at,
        )
    with pytest.raises(DeviceRefused, match="Kitchen display cannot previous now"):
        await adapter.call(invocation("media_control", action="previous"))
    done = await adapter.call(invocation("media_control", action="stop"))
    assert (done.evidence, display.playing) == (Evidence.VERIFIED, None)
    with pytest.raises(DeviceRefused, match="nothing plays on Kitchen display"):
        await adapter.call(invocation("media_control", action="pause"))


async def test_what_is_refused_by_the_device_is_told(
    adapter: CastAdapter, display: SimulatedCast
) -> None:
    display.faults.refuses = True
    with pytest.raises(DeviceRefused, match="Kitchen display refused: load failed"):
        await adapter.call(play("music", "jazz"))
    display.faults.refuses, display.faults.breaks = False, True
    with pytest.raises(DeviceRefused, match="Kitchen display could not play Jazz radio"):
        await adapter.call(play("music", "jazz"))
    await display.start("OTHER", "urn:x-cast:other")
    display.faults.no_apps = True
    with pytest.raises(DeviceRefused, match="Kitchen display refused: not found"):
        await adapter.call(play("music", "jazz"))


async def test_what_buffers_is_not_said_to_play(
    adapter: CastAdapter, display: SimulatedCast
) -> None:
    display.faults.stalls = True
    done = await adapter.call(play("music", "jazz", timeout=0.8))
    assert done.evidence is Evidence.UNVERIFIED
    display.faults.ignores = True
    done = await adapter.call(invocation("media_control", action="pause", timeout=0.8))
    assert done.evidence is Evidence.UNVERIFIED


async def test_a_device_that_dies_in_a_call_leaves_it_uncertain(
    adapter: CastAdapter, display: SimulatedCast
) -> None:
    await display.play("one")
    display.faults.ends = True
    with pytest.raises(DeviceUncertain, match="Kitchen display was gone before it answered"):
        await adapter.call(invocation("media_control", action="pause"))
    with pytest.raises(DeviceUnavailable, match="not connected; nothing was sent"):
        await adapter.call(invocation("media_control", action="pause"))
    display.faults.ends = False
    await adapter.connect()
    done = await adapter.call(invocation("media_control", action="pause"))
    assert done.evidence is Evidence.VERIFIED


async def test_a_device_that_hangs_leaves_the_call_uncertain(
    adapter: CastAdapter, display: SimulatedCast
) -> None:
    await display.play("one")
    display.faults.hangs = True
    with pytest.raises(DeviceUncertain, match="did not answer in time"):
        await adapter.call(invocation("media_control", action="pause", timeout=0.4))


async def test_a_device_that_goes_is_noticed_and_comes_back(display: SimulatedCast) -> None:
    adapter, told = CastAdapter(device(display), TABLES), asyncio.Event()
    adapter.noticed = told.set
    await adapter.connect()
    await display.kill()
    async with asyncio.timeout(5):
        await told.wait()
    assert adapter.notice
    assert adapter.notice.state is DeviceState.OFFLINE
    with pytest.raises(DeviceUnavailable, match="does not answer"):
        await adapter.connect()
    async with SimulatedCast(port=int(display.address["port"])):
        await adapter.connect()
        assert adapter.notice is None
        await adapter.close()


async def test_something_that_takes_the_connection_and_says_nothing_is_left(
    display: SimulatedCast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device_adapters.cast.link._CONNECT_WITHIN", 0.2)
    monkeypatch.setattr("device_adapters.cast.thread._SOCKET_WITHIN", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = {"host": "127.0.0.1", "port": str(silent.getsockname()[1])}
        quiet = device(display).model_copy(update={"address": address})
        with pytest.raises(DeviceUnavailable, match="does not answer"):
            await CastAdapter(quiet, TABLES).connect()
    display.faults.silent = True
    with pytest.raises(DeviceUnavailable, match="does not answer"):
        await CastAdapter(device(display), TABLES).connect()


@pytest.mark.parametrize(
    "data",
    [
        (2**31).to_bytes(4, "big") + b"x" * 100,
        (50).to_bytes(4, "big") + b"\xff" * 50,
        framed(MEDIA, "[" * 100_000),
    ],
    ids=["endless", "no message", "deep"],
)
async def test_garbage_ends_the_connection(
    adapter: CastAdapter, display: SimulatedCast, data: bytes
) -> None:
    gone = asyncio.Event()
    adapter.noticed = gone.set
    await display.send_raw(data)
    async with asyncio.timeout(5):
        await gone.wait()
    assert adapter.notice
    await adapter.connect()
    assert (await adapter.call(play("music", "jazz"))).evidence is Evidence.VERIFIED


async def test_half_a_message_ends_the_connection(
    display: SimulatedCast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device_adapters.cast.thread._MESSAGE_WITHIN", 0.1)
    monkeypatch.setattr("device_adapters.cast.thread._SOCKET_WITHIN", 0.2)
    adapter, gone = CastAdapter(device(display), TABLES), asyncio.Event()
    adapter.noticed = gone.set
    await adapter.connect()
    await display.send_raw((50).to_bytes(4, "big") + b"x")
    async with asyncio.timeout(5):
        await gone.wait()
    await adapter.close()


@pytest.mark.parametrize(
    ("namespace", "payload"),
    [
        (MEDIA, "no json"),
        (MEDIA, "[]"),
        (MEDIA, json.dumps({"type": ["MEDIA_STATUS"]})),
        (MEDIA, json.dumps({"type": "MEDIA_STATUS", "status": "all"})),
        (MEDIA, json.dumps({"type": "MEDIA_STATUS", "status": [{"media": {"metadata": 7}}]})),
        (MEDIA, json.dumps({"type": "MEDIA_STATUS", "status": [{"playerState": {}}]})),
        (RECEIVER, json.dumps({"type": "RECEIVER_STATUS", "status": []})),
        ("urn:x-cast:unheard.of", "{}"),
    ],
)
async def test_messages_that_make_no_sense_change_nothing(
    adapter: CastAdapter, display: SimulatedCast, namespace: str, payload: str
) -> None:
    await display.send_raw(framed(namespace, payload))
    assert (await adapter.call(play("music", "jazz"))).evidence is Evidence.VERIFIED
    assert adapter.notice is None


async def test_the_device_is_answered_when_it_asks_who_is_there(
    adapter: CastAdapter, display: SimulatedCast
) -> None:
    await display.ping()
    await display.until(lambda: any(data["type"] == "PONG" for _, data in display.received))


# The driver


def site(folder: Path, options: CastOptions) -> Site:
    mqtt = MqttClient("127.0.0.1", 1, client_id="hub")
    return Site(mqtt, HaClient(mqtt), folder, options=options)


def service(**properties: str) -> Service:
    return Service("_googlecast._tcp.local.", "Google-Nest-Hub-1", "192.0.2.9", 8009, properties)


def test_what_announces_itself_is_recognised(tmp_path: Path) -> None:
    driver = CastDriver(site(tmp_path, CastOptions()))
    told = {"id": "ABCDEF0123456789ABCDEF0123456789", "md": "Google Nest Hub", "fn": "Kitchen"}
    found = driver.recognise(service(**told, ca="201221"))
    assert found
    assert (found.id, found.name, found.kind) == (
        *("cast-abcdef0123456789abcdef0123456789", "Kitchen", Kind.HOME),
    )
    assert found.address == {"host": "192.0.2.9", "port": "8009", "ca": "201221"}
    everything = {"media_control", "play_music_on_nest_hub", "play_video_on_nest_hub"}
    assert set(found.functions) == everything
    speaker = driver.recognise(service(**told, ca="199172"))
    assert speaker
    assert set(speaker.functions) == everything - {"play_video_on_nest_hub"}
    for wrong in ("", "../../x", "7" * 100):
        assert driver.recognise(service(id=wrong)) is None


async def test_a_speaker_shows_no_videos(display: SimulatedCast) -> None:
    adapter = CastAdapter(device(display, ca="199172"), TABLES)
    assert await adapter.connect() == {"media_control", "play_music_on_nest_hub"}
    with pytest.raises(DeviceRefused, match="cannot play_video"):
        await adapter.call(play("video", "the matrix"))
    await adapter.close()
    await adapter.close()


@pytest.mark.parametrize("url", ["jazz.mp3", "ftp://x/y", "http://", "file:///etc/passwd", ""])
def test_a_table_holds_addresses(url: str) -> None:
    with pytest.raises(ValidationError, match="address of a stream"):
        CastOptions(music={"jazz": url})


@pytest.mark.parametrize(
    ("url", "mime", "live"),
    [
        ("http://x/a.mp3?token=1", "audio/mpeg", False),
        ("http://x/live.m3u8", "application/x-mpegURL", False),
        ("http://x/radio", "audio/mpeg", True),
        ("http://x/stream.php", "audio/mpeg", True),
    ],
)
def test_the_type_of_an_address_is_told_by_its_name(url: str, mime: str, live: bool) -> None:
    title = library.title(library.MUSIC, "x", url)
    assert (title.type, title.live) == (mime, live)
