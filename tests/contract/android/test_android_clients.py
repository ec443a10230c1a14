"""Clients that others wrote for real phones drive the simulated one, each for what it does."""

import asyncio
import io
import json
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import adbutils
import pytest
from androidtv.androidtv.androidtv_async import AndroidTVAsync
from androidtv.setup_async import setup

from device_adapters.adb import keys
from device_adapters.simulated.phone import Phone, SimulatedPhone, Trust
from device_adapters.simulated.phone.makers import CHROME
from device_adapters.simulated.phone.state import PLAYING, Timer
from tests import npm
from tests.contract.android import mcp_kit
from tests.contract.android.adb_kit import Adb, started

ADB36 = Path(adbutils.__file__).parent / "binaries" / "adb"

needs_adb = pytest.mark.skipif(not ADB36.exists(), reason="this adbutils brings no adb")
needs_npm = npm.needed


# adbutils, through the server of adb 36


@pytest.fixture
async def device(
    phone: SimulatedPhone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[adbutils.AdbDevice]:
    """The phone as adbutils sees it, through a server on a port of its own."""
    monkeypatch.setenv("ADBUTILS_ADB_PATH", str(ADB36))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("ADB_EMU", "ADB_USB", "ADB_MDNS"):
        monkeypatch.setenv(name, "0")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = await asyncio.create_subprocess_exec(
        ADB36, "-P", str(port), "start-server", stderr=asyncio.subprocess.DEVNULL
    )
    await server.wait()
    client = adbutils.AdbClient("127.0.0.1", port)
    try:
        serial = f"127.0.0.1:{phone.port}"
        assert "connected" in await asyncio.to_thread(client.connect, serial, 10.0)
        assert [one.serial for one in await asyncio.to_thread(client.list)] == [serial]
        yield client.device(serial)
    finally:
        await asyncio.to_thread(client.server_kill)


@needs_adb
async def test_adbutils_reads_the_phone(phone: SimulatedPhone, device: adbutils.AdbDevice) -> None:
    def read() -> None:
        assert device.get_state() == "device"
        assert "shell_v2" in device.get_features()
        assert (device.prop.model, device.getprop("ro.build.version.sdk")) == ("Pixel 8", "34")
        assert tuple(device.window_size()) == (1080, 2400)
        assert device.rotation() == 0
        assert device.is_screen_on()
        assert device.wlan_ip() == "192.168.1.42"
        battery = device.battery()
        assert (battery.level, battery.usb_powered, battery.temperature) == (83, True, 27.4)
        assert "com.spotify.music" in device.list_packages(["-3"])
        assert "com.android.shell" not in device.list_packages(["-3"])
        told = device.app_info("com.android.chrome")
        assert told is not None
        assert told.version_name == "14"
        assert device.app_info("com.example.none") is None
        answer = device.shell2("ls /nowhere", v2=True)
        assert (answer.returncode, answer.stdout) == (1, "")
        assert answer.stderr == "ls: /nowhere: No such file or directory\n"
        assert device.shell2("false").returncode == 1

    await asyncio.to_thread(read)


@needs_adb
async def test_adbutils_works_the_phone(phone: SimulatedPhone, device: adbutils.AdbDevice) -> None:
    def work() -> None:
        device.app_start("com.google.android.youtube")
        assert device.app_current().package == "com.google.android.youtube"
        device.keyevent("HOME")
        icon = re.search(
            r'text="Spotify"[^>]*bounds="\[(\d+),(\d+)\]\[(\d+),(\d+)\]"', device.dump_hierarchy()
        )
        assert icon
        left, top, right, bottom = map(int, icon.groups())
        device.click((left + right) // 2, (top + bottom) // 2)
        assert device.app_current().package == "com.spotify.music"
        device.app_stop("com.spotify.music")
        device.open_browser("https://example.org/?a=b&c='d'")
        device.brightness_value = 200
        assert device.brightness_value == 200
        device.volume_up(3)
        device.send_keys("hi there's more")
        assert device.screenshot().size == (1080, 2400)
        device.switch_screen(False)
        assert not device.is_screen_on()

    await asyncio.to_thread(work)
    assert phone.state.resumed == CHROME
    assert phone.state.intents[-1] == "https://example.org/?a=b&c='d'"
    assert phone.state.settings["system"]["screen_brightness"] == "200"
    assert (phone.state.volumes[3].index, phone.state.typed) == (8, "hi there's more")
    assert not phone.state.awake


@needs_adb
async def test_adbutils_moves_files(phone: SimulatedPhone, device: adbutils.AdbDevice) -> None:
    data = bytes(range(256)) * 1000

    def move() -> None:
        assert device.sync.push(io.BytesIO(data), "/sdcard/Download/a b.bin", 0o644) == len(data)
        assert device.sync.stat("/sdcard/Download/a b.bin").size == len(data)
        assert [one.path for one in device.sync.list("/sdcard/Download")] == ["a b.bin"]
        assert device.sync.read_bytes("/sdcard/Download/a b.bin") == data
        device.remove("/sdcard/Download/a b.bin")
        assert not device.sync.exists("/sdcard/Download/a b.bin")

    await asyncio.to_thread(move)
    assert phone.state.files.list("/sdcard/Download") == []


# androidtv, by itself over adb-shell


async def television(phone: SimulatedPhone, key: Path) -> AndroidTVAsync:
    """The phone as androidtv sees it; it wants a key that is there."""
    await asyncio.to_thread(keys.load, key)
    tv = await setup("127.0.0.1", phone.port, str(key), device_class="androidtv", auth_timeout_s=5)
    assert tv.available
    return tv


@pytest.mark.parametrize("sdk", [29, 30, 31, 33, 34])
async def test_androidtv(sdk: int, key: Path) -> None:
    async with SimulatedPhone(state=Phone(sdk=sdk), trust=Trust.ACCEPT) as phone:
        tv = await television(phone, key)
        told = tv.device_properties
        assert (told["manufacturer"], told["model"]) == ("Google", "Pixel 8")
        assert (told["serialno"], told["wifimac"]) == ("SIM0001", "3c:28:6d:00:11:22")

        _, app, *_, device, muted, level, _ = await tv.update()
        assert (app, device) == ("com.google.android.apps.nexuslauncher", "speaker")
        assert (muted, level) == (False, 5 / 15)
        assert await tv.set_volume_level(0.8) == 0.8
        assert phone.state.volumes[3].index == 12
        assert await tv.volume_up() == 13 / 15
        assert phone.state.volumes[3].index == 13
        await tv.mute_volume()
        assert phone.state.volumes[3].muted
        assert await tv.is_volume_muted()

        await tv._send_intent("com.spotify.music", "android.intent.category.LAUNCHER")
        assert (await tv.update())[1] == "com.spotify.music"
        await tv.media_play()
        assert phone.state.media_state == PLAYING
        assert (await tv.update())[0] == "playing"
        assert "com.spotify.music" in await tv.get_installed_apps()
        await tv.stop_app("com.spotify.music")
        assert (await tv.update())[1] == "com.google.android.apps.nexuslauncher"
        await tv.turn_off()
        assert (await tv.update())[0] == "off"
        assert not phone.state.awake
        await tv.turn_on()
        assert phone.state.awake
        assert (await tv.adb_screencap()).startswith(b"\x89PNG")
        await tv.adb_close()


async def test_androidtv_opens_no_app_that_is_not_for_televisions(key: Path) -> None:
    async with SimulatedPhone(trust=Trust.ACCEPT) as phone:
        tv = await television(phone, key)
        await tv.launch_app("com.google.android.youtube")
        assert phone.state.resumed == phone.state.maker.home
        await tv.adb_close()


# mobile-mcp, by its own adb commands and by its mobilecli


@pytest.fixture(scope="session")
def npm_clients() -> None:
    """What `tests/clients` pins, installed once."""
    npm.install()


@pytest.fixture
async def adb(tmp_path: Path) -> AsyncIterator[Adb]:
    """adb 36."""
    async with started(str(ADB36), tmp_path) as running:
        yield running


@needs_adb
@needs_npm
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("npm_clients")
@pytest.mark.parametrize("legacy", [True, False])
async def test_mobile_mcp(phone: SimulatedPhone, adb: Adb, legacy: bool) -> None:
    serial = f"127.0.0.1:{phone.port}"
    await adb("connect", serial)
    phone.state.timers.append(Timer(1, "tea", made=0.0))
    async with mcp_kit.mobile_mcp(adb, legacy=legacy) as mcp:

        async def call(tool: str, **arguments: object) -> str:
            said = await mcp.call(f"mobile_{tool}", device=serial, **arguments)
            return said[0]["text"]

        listed = json.loads((await mcp.call("mobile_list_available_devices"))[0]["text"])
        (seen,) = listed["devices"]
        assert (seen["id"], seen["name"], seen["version"]) == (serial, "Pixel 8", "14")
        assert "1080x2400" in await call("get_screen_size")

        await call("launch_app", packageName="com.google.android.deskclock")
        assert phone.state.resumed.startswith("com.google.android.deskclock/")
        elements = await call("list_elements_on_screen")
        stop = re.search(r'Button text="Stop" at=(\d+),(\d+)', elements)
        assert stop, elements
        x, y = int(stop[1]), int(stop[2])
        await call("click_on_screen_at_coordinates", x=x + 5, y=y + 5)
        assert phone.state.timers == []

        await call("press_button", button="HOME")
        assert phone.state.resumed == phone.state.maker.home
        await call("type_keys", text="it's 5 > 4; $HOME", submit=False)
        assert phone.state.typed == "it's 5 > 4; $HOME"
        await call("open_url", url="https://example.org/a?b=c")
        assert phone.state.intents[-1] == "https://example.org/a?b=c"
        await call("terminate_app", packageName="com.android.chrome")
        assert "com.android.chrome" in phone.state.stopped

        *_, picture = await mcp.call("mobile_take_screenshot", device=serial)
        assert picture["type"] == "image"
        await call("set_orientation", orientation="landscape")
        assert "landscape" in await call("get_orientation")
        assert phone.state.settings["system"]["user_rotation"] == "1"


@needs_adb
@needs_npm
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("npm_clients")
async def test_mobile_mcp_lists_the_apps_with_an_icon(phone: SimulatedPhone, adb: Adb) -> None:
    serial = f"127.0.0.1:{phone.port}"
    await adb("connect", serial)
    async with mcp_kit.mobile_mcp(adb, legacy=True) as mcp:
        (apps,) = await mcp.call("mobile_list_apps", device=serial)
    assert "com.spotify.music" in apps["text"]
    assert "com.android.systemui" not in apps["text"]
