"""Computers without an agent, against a real OpenSSH server."""

from __future__ import annotations

import asyncio
import base64
import os
import random
import signal
import socket
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import asyncssh
import pytest

from device_adapters.driver import Service, Site
from device_adapters.ha import HaClient
from device_adapters.mqtt import MqttClient
from device_adapters.pc import ssh, sshlink
from device_adapters.pc.hostkeys import line, made_key
from device_adapters.pc.ssh import SSH, WORKSTATION, SshAdapter, SshDriver, SshOptions
from device_adapters.pc.sshsessions import Sessions, reason_of
from orchestrator.registry import Registry
from schemas.call import Restore
from schemas.device import Device, Kind
from schemas.errors import (
    DeviceNeedsPerson,
    DeviceRefused,
    DeviceUnavailable,
    DeviceUncertain,
    HubError,
)
from schemas.outcome import Evidence
from schemas.state import DeviceState
from tests.broker import invocation
from tests.programs import system
from tests.sshd import HOST, Desktop, Sshd, running_sshd

PNG = b"\x89PNG\r\n\x1a\n and the rest"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    mqtt = MqttClient(HOST, 1, client_id="unused")
    options = SshOptions(keepalive=1)
    return Site(mqtt, HaClient(mqtt), tmp_path / "state", options=options)


@pytest.fixture
def desktop(tmp_path: Path) -> Desktop:
    desktop = Desktop(tmp_path)
    desktop.screen("x11")
    desktop.has("xdotool")
    return desktop


@pytest.fixture
async def sshd(tmp_path: Path, desktop: Desktop, site: Site) -> AsyncIterator[Sshd]:
    async with running_sshd(tmp_path / "sshd", desktop.bin) as sshd:
        sshd.authorized.write_text(line(made_key(site.state / "ssh" / "id_ed25519")))
        yield sshd


def computer(sshd: Sshd, **address: str) -> Device:
    return Device(
        id="pc", kind=Kind.PC, name="Office PC", protocol="ssh",
        address={**sshd.address, **address},
    )  # fmt: skip


@pytest.fixture
async def adapter(sshd: Sshd, site: Site) -> AsyncIterator[SshAdapter]:
    adapter = SshAdapter(computer(sshd), site)
    await adapter.connect()
    yield adapter
    await adapter.close()


def asking_every(seconds: float, site: Site) -> Site:
    return Site(site.mqtt, site.ha, site.state, options=SshOptions(keepalive=seconds))


async def until(holds: Callable[[], object], within: float = 10) -> None:
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110 (a foreign process)
            await asyncio.sleep(0.01)


async def test_who_is_not_let_in_is_told_the_line_that_is_missing(sshd: Sshd, site: Site) -> None:
    wanted = sshd.authorized.read_text()
    sshd.authorized.write_text("")
    adapter = SshAdapter(computer(sshd), site)
    with pytest.raises(DeviceNeedsPerson) as refused:
        await adapter.connect()
    assert wanted in str(refused.value)
    assert wanted.startswith("restrict ssh-ed25519 ")
    assert not (site.state / "ssh" / "known_hosts").exists()
    sshd.authorized.write_text(wanted)
    assert "type_text" in await adapter.connect()
    await adapter.close()


async def test_the_first_connection_shows_the_host_key_and_keeps_it(
    sshd: Sshd, site: Site, adapter: SshAdapter, caplog: pytest.LogCaptureFixture
) -> None:
    assert adapter.notice
    assert adapter.notice.state is DeviceState.CONNECTED
    assert sshd.fingerprint in adapter.notice.todo
    for name in ("known_hosts", "id_ed25519"):
        assert stat.S_IMODE((site.state / "ssh" / name).stat().st_mode) == 0o600
    again = SshAdapter(computer(sshd), site)
    await again.connect()
    assert again.notice is None
    await again.close()


async def test_a_host_key_is_shown_until_somebody_could_compare_it(
    desktop: Desktop, sshd: Sshd, site: Site
) -> None:
    desktop.has("uname", "echo rubbish")
    adapter = SshAdapter(computer(sshd), site)
    with pytest.raises(DeviceUnavailable, match="neither Linux"):
        await adapter.connect()
    desktop.has("uname", "echo Linux")
    for _ in range(2):
        await adapter.connect()
        assert adapter.notice
        assert adapter.notice.state is DeviceState.CONNECTED
        assert sshd.fingerprint in adapter.notice.todo
    await adapter.close()


async def test_whoever_connects_at_once_leaves_one_connection(sshd: Sshd, site: Site) -> None:
    adapter = SshAdapter(computer(sshd), site)
    await asyncio.gather(*(adapter.connect() for _ in range(3)))
    assert len((site.state / "ssh" / "known_hosts").read_text().splitlines()) == 1
    await adapter.close()
    await until(lambda: not sshd.serving())


async def test_a_changed_host_key_is_said_of_a_computer_that_was_connected(
    tmp_path: Path, sshd: Sshd, site: Site
) -> None:
    registry = Registry(tmp_path / "devices.json", {"ssh": lambda device: SshAdapter(device, site)})
    registry.propose(computer(sshd))
    await registry.approve("pc")
    await sshd.stop()
    await until(lambda: not registry.connected("pc"))
    assert registry.standing(registry.approved[0]).state is DeviceState.OFFLINE
    sshd.new_key()
    await sshd.start()
    with pytest.raises(DeviceNeedsPerson):
        await registry.connect("pc")
    told = registry.standing(registry.approved[0])
    assert told.state is DeviceState.NEEDS_PERSON
    assert "shows another host key than before" in told.todo
    await registry.close()


async def test_an_order_that_is_the_line_itself_may_have_been_run() -> None:
    class Breaking:
        async def create_process(self, *_: object, **__: object) -> None:
            raise self.error

        def __init__(self, error: Exception) -> None:
            self.error = error

    lost, closed = asyncssh.ConnectionLost("gone"), asyncssh.ChannelOpenError(2, "closed")
    for error, said, expected in (
        (lost, b"", DeviceUncertain),
        (asyncssh.ChannelOpenError(0xFFFFFFFF, "Session request failed"), b"", DeviceUncertain),
        (lost, b"a script", DeviceUnavailable),
        (closed, b"", DeviceUnavailable),
    ):
        sessions = Sessions(cast(Any, Breaking(error)))
        with pytest.raises(expected):
            await sessions.run("shutdown /s /t 0", said, 100)
        await sessions.ended()


async def test_a_changed_host_key_stops_that_computer_only(
    tmp_path: Path, desktop: Desktop, sshd: Sshd, site: Site, adapter: SshAdapter
) -> None:
    before = sshd.fingerprint
    async with running_sshd(tmp_path / "other", desktop.bin) as elsewhere:
        elsewhere.authorized.write_text(sshd.authorized.read_text())
        other = SshAdapter(
            computer(elsewhere).model_copy(update={"id": "other", "name": "Other PC"}), site
        )
        await other.connect()
        await sshd.stop()
        await until(lambda: adapter.notice and adapter.notice.state is DeviceState.OFFLINE)
        sshd.new_key()
        await sshd.start()
        ran = len(desktop.ran("loginctl"))
        with pytest.raises(DeviceNeedsPerson) as changed:
            await adapter.connect()
        said = str(changed.value)
        assert before in said
        assert sshd.fingerprint in said
        assert f"remove the line of pc in {site.state}/ssh/known_hosts" in said
        assert "\n" not in said
        with pytest.raises(DeviceUnavailable, match="nothing was sent"):
            await adapter.call(invocation("type_text", text="secret"))
        assert len(desktop.ran("loginctl")) == ran
        await other.call(invocation("type_text", text="still here"))
        assert desktop.ran("xdotool") == [["type", "--", "still here"]]
        await other.close()
    known = site.state / "ssh" / "known_hosts"
    known.write_text("".join(x for x in known.read_text().splitlines(True) if x[:3] != "pc "))
    await adapter.connect()
    await adapter.call(invocation("type_text", text="again"))


async def test_a_host_key_may_be_written_down(sshd: Sshd, site: Site) -> None:
    right = SshAdapter(computer(sshd, host_key=sshd.fingerprint), site)
    await right.connect()
    assert right.notice is None
    await right.close()
    wrong = SshAdapter(computer(sshd, host_key="SHA256:" + "A" * 43), site)
    with pytest.raises(DeviceNeedsPerson, match=r"host_key in devices\.toml"):
        await wrong.connect()


async def test_what_was_known_is_never_taken_for_unknown(sshd: Sshd, site: Site) -> None:
    known = site.state / "ssh" / "known_hosts"
    known.write_text("\n")  # whoever takes a line out may leave it empty
    adapter = SshAdapter(computer(sshd), site)
    await adapter.connect()
    await adapter.close()
    known.write_text("pc ssh-ed25519 AAAArubbish\n")
    with pytest.raises(DeviceNeedsPerson, match="damaged"):
        await SshAdapter(computer(sshd), site).connect()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ({"key": "/nowhere/key"}, "put an SSH key at /nowhere/key"),
        ({"user": ""}, r"user in \[adapters.ssh\]"),
        ({"port": "http"}, "the port of Office PC"),
        ({"system": "beos"}, "linux, macos, windows"),
        ({"user": "nobody-here"}, "does not let nobody-here in"),
    ],
)
async def test_what_is_wrong_in_an_address_is_said(
    sshd: Sshd, site: Site, address: dict[str, str], said: str
) -> None:
    with pytest.raises(DeviceNeedsPerson, match=said):
        await SshAdapter(computer(sshd, **address), site).connect()


async def test_who_does_not_speak_ssh_is_not_there(site: Site) -> None:
    async def shout(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n" * 1000)
        writer.close()

    server = await asyncio.start_server(shout, HOST, 0)
    port = str(server.sockets[0].getsockname()[1])
    address = {"host": HOST, "port": port, "user": "ann"}
    device = Device(id="pc", kind=Kind.PC, name="Office PC", protocol="ssh", address=address)
    with pytest.raises(DeviceUnavailable, match=f"Office PC at {HOST}:{port}"):
        await SshAdapter(device, site).connect()
    server.close()
    await server.wait_closed()
    with pytest.raises(DeviceUnavailable, match="cannot be reached"):
        await SshAdapter(device, site).connect()


def test_a_name_that_nobody_knows_is_said_in_words() -> None:
    unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    assert reason_of(unknown) == "Name or service not known"


async def test_who_says_nothing_is_not_waited_for(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sshlink, "_CONNECT_WITHIN", 0.2)
    with socket.create_server((HOST, 0)) as silent:
        address = {"host": HOST, "port": str(silent.getsockname()[1]), "user": "ann"}
        device = Device(id="pc", kind=Kind.PC, name="Office PC", protocol="ssh", address=address)
        with pytest.raises(DeviceUnavailable, match="does not answer"):
            await SshAdapter(device, site).connect()


async def test_a_function_is_served_where_its_program_is(
    desktop: Desktop, adapter: SshAdapter
) -> None:
    assert await adapter.connect() == {"lock_screen", "type_text", "get_pc_status"}
    assert "playerctl" in adapter.lacking["media_control"]
    desktop.has("playerctl")
    assert "media_control" in await adapter.connect()
    assert "media_control" not in adapter.lacking
    with pytest.raises(DeviceRefused, match="cannot make_phone_call"):
        await adapter.call(invocation("make_phone_call"))
    with pytest.raises(DeviceRefused, match="no program for open_url"):
        await adapter.call(invocation("open_url", url="example.org"))


def hostile(random: random.Random) -> str:
    pieces = [
        *(
            "'",
            '"',
            "\\",
            "\n",
            "`id`",
            "$(id)",
            "${HOME}",
            "$0",
            "!",
            "*",
            "?",
            "~",
            "#",
            ";",
            "|",
        ),
        *("&", ">", "<", "(", ")", "{", "}", "[", "]", "\t", "\r", " ", "-", "--", "\x1b[2J", "é"),
        *("\u2019", "\U0001f600", "a", "%s", "\\n", "'\"'\"'", "\x7f", "=", "{text}", "EOF"),
    ]
    return "".join(random.choices(pieces, k=random.randint(1, 12)))


async def test_whatever_is_typed_arrives_byte_for_byte(
    desktop: Desktop, adapter: SshAdapter
) -> None:
    luck = random.Random(8)
    texts = [hostile(luck) for _ in range(200)]
    programs = adapter.programs
    assert programs
    for start in range(0, len(texts), 20):
        await programs.run(("xdotool", *texts[start : start + 20]))
    assert [word for run in desktop.ran("xdotool") for word in run] == texts
    for text in ("-x", "--help", "it's $(reboot)", "{session}", "two\nlines"):
        await adapter.call(invocation("type_text", text=text))
        assert desktop.ran("xdotool")[-1] == ["type", "--", text]


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x" * 5000, ""])
async def test_what_no_program_can_be_given_is_not_sent(
    desktop: Desktop, adapter: SshAdapter, text: str
) -> None:
    with pytest.raises(DeviceRefused):
        await adapter.call(invocation("type_text", text=text))
    assert desktop.ran("xdotool") == []


async def test_a_notification_is_shown_as_it_was_said(
    desktop: Desktop, adapter: SshAdapter
) -> None:
    desktop.has("notify-send")
    await adapter.connect()
    done = await adapter.call(invocation("show_notification", text=r"<b>a & b</b> C:\new"))
    assert desktop.ran("notify-send") == [
        ["--app-name=Octopus", "--", "Octopus", r"&lt;b&gt;a &amp; b&lt;/b&gt; C:\\new"]
    ]
    assert (done.evidence, done.detail) == (
        Evidence.UNVERIFIED,
        "Showed the notification on Office PC",
    )


VOLUMES = {
    "wpctl": ("set-volume", 'echo "Volume: 0.$(cat {0}) [MUTED]"'),
    "pactl": ("set-sink-volume", 'echo "Volume: front-left: 19661 /  $(cat {0})% / -31 dB"'),
    "amixer": ("-q", 'echo "  Mono: Playback 28 [$(cat {0})%] [-22.50dB] [on]"'),
}


@pytest.mark.parametrize("program", VOLUMES)
async def test_the_volume_is_read_back(
    tmp_path: Path, desktop: Desktop, adapter: SshAdapter, program: str
) -> None:
    order, look = VOLUMES[program]
    now = tmp_path / "volume"
    now.write_text("50")
    desktop.has(
        program,
        f'for last; do :; done; if [ "$1" = {order} ]; then printf %s "${{last%\\%}}" >{now};'
        f" else {look.format(now)}; fi",
    )
    await adapter.connect()
    call = invocation("set_volume", level=3, volume_type=None)
    before = await adapter.present(call)
    assert before == Restore(function="set_volume", arguments={"level": 5, "volume_type": None})
    assert (await adapter.call(call)).evidence is Evidence.VERIFIED
    assert now.read_text() == "30"
    with pytest.raises(DeviceRefused, match="no ring volume"):
        await adapter.call(invocation("set_volume", level=3, volume_type="ring"))
    assert await adapter.present(invocation("lock_screen")) is None


async def test_an_effect_that_is_not_seen_is_not_claimed(
    desktop: Desktop, adapter: SshAdapter
) -> None:
    desktop.has("wpctl", 'echo "Volume: 0.50"')
    await adapter.connect()
    done = await adapter.call(invocation("set_volume", level=3, timeout=0.7))
    assert done.evidence is Evidence.UNVERIFIED


async def test_media_is_verified_by_the_players_state(
    desktop: Desktop, adapter: SshAdapter
) -> None:
    desktop.has("playerctl", 'if [ "$1" = status ]; then echo Playing; fi')
    await adapter.connect()
    done = await adapter.call(invocation("media_control", action="play"))
    assert (done.evidence, done.detail) == (Evidence.VERIFIED, "Playing on Office PC")
    done = await adapter.call(invocation("media_control", action="next"))
    assert done.evidence is Evidence.UNVERIFIED
    assert desktop.ran("playerctl") == [["play"], ["status"], ["next"]]
    with pytest.raises(DeviceRefused):
        await adapter.call(invocation("media_control", action="open file:///etc/passwd"))


async def test_the_screen_is_locked(adapter: SshAdapter) -> None:
    done = await adapter.call(invocation("lock_screen"))
    assert (done.evidence, done.detail) == (Evidence.VERIFIED, "Locked the screen on Office PC")


async def test_without_anybody_at_the_screen_nothing_is_shown(
    desktop: Desktop, adapter: SshAdapter
) -> None:
    desktop.has("loginctl")
    with pytest.raises(DeviceRefused, match="Office PC: nobody is logged in at its screen"):
        await adapter.call(invocation("type_text", text="hello"))
    desktop.screen("wayland")
    with pytest.raises(DeviceRefused, match="type_text on its wayland screen"):
        await adapter.call(invocation("type_text", text="hello"))
    assert desktop.ran("xdotool") == []


async def test_programs_run_in_the_session_of_who_is_logged_in(
    tmp_path: Path, desktop: Desktop, adapter: SshAdapter
) -> None:
    desktop.has("xdotool", f'echo "$DISPLAY $LC_ALL" >{tmp_path}/seen')
    await adapter.call(invocation("type_text", text="hello"))
    assert (tmp_path / "seen").read_text() == ":0 C.UTF-8\n"


async def test_what_the_computer_refuses_is_said_in_its_words(
    desktop: Desktop, adapter: SshAdapter
) -> None:
    desktop.has(
        "playerctl", "echo rubbish >&2; printf 'No \\033[1mplayers found\\n\\n' >&2; exit 1"
    )
    desktop.has("systemctl", "printf '%0500d' 7 >&2; exit 4")
    desktop.has("notify-send", "exit 3")
    await adapter.connect()
    with pytest.raises(DeviceRefused, match=r"^Office PC: No \[1mplayers found$"):
        await adapter.call(invocation("media_control", action="play"))
    with pytest.raises(DeviceRefused, match=r"^Office PC: 0{200}$"):
        await adapter.call(invocation("shutdown"))
    with pytest.raises(DeviceRefused, match=r"^Office PC: notify-send ended with 3$"):
        await adapter.call(invocation("show_notification", text="hello"))


async def test_a_page_is_opened_and_left_open(
    tmp_path: Path, desktop: Desktop, adapter: SshAdapter
) -> None:
    browser, sleep = tmp_path / "browser", system("sleep")
    desktop.has("xdg-open", f"echo $$ >{browser}; echo noise; exec {sleep} 60")
    desktop.has("sleep", f"exec {sleep} 0.01")  # it is not looked at for as long as usual
    await adapter.connect()
    done = await adapter.call(invocation("open_url", url="example.org", timeout=5))
    assert (done.evidence, done.detail) == (
        Evidence.UNVERIFIED,
        "Opened https://example.org on Office PC",
    )
    await until(lambda: browser.exists() and browser.read_text())
    os.kill(int(browser.read_text()), signal.SIGKILL)  # it was still open
    desktop.has("xdg-open", "exit 4")
    desktop.has("sleep", f'exec {sleep} "$1"')
    with pytest.raises(DeviceRefused, match="xdg-open ended with 4"):
        await adapter.call(invocation("open_url", url="https://example.org/"))
    with pytest.raises(DeviceRefused, match="not a web page"):
        await adapter.call(invocation("open_url", url="file:///etc/passwd"))


async def test_an_application_is_opened_by_its_name(
    desktop: Desktop, sshd: Sshd, adapter: SshAdapter
) -> None:
    folder = sshd.folder / ".local/share/applications"
    folder.mkdir(parents=True)
    for file, name in (("org.gnome.Calc", "Calculator"), ("x-calc", "Calculator Pro")):
        (folder / f"{file}.desktop").write_text(f"[Desktop Entry]\nName={name}\nExec=x\n")
    (folder / "hidden.desktop").write_text("[Desktop Entry]\nName=Secret\nNoDisplay=true\n")
    desktop.has("gtk-launch")
    await adapter.connect()
    await adapter.call(invocation("open_application", name="the calculator"))
    assert desktop.ran("gtk-launch") == [["--", "org.gnome.Calc"]]
    for name in ("Secret", "rm -rf", "--help"):
        with pytest.raises(DeviceRefused, match="which application"):
            await adapter.call(invocation("open_application", name=name))


async def test_a_screenshot_is_kept_for_the_hub_only(
    site: Site, tmp_path: Path, desktop: Desktop, adapter: SshAdapter
) -> None:
    (tmp_path / "picture").write_bytes(PNG)
    desktop.has("scrot", f'echo "$1" >{tmp_path}/at; cat {tmp_path}/picture >"$1"; echo noise')
    await adapter.connect()
    done = await adapter.call(invocation("take_screenshot"))
    path = Path(str(done.result))
    assert (path.parent, path.name, path.read_bytes()) == (site.files, "run-1-0.png", PNG)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert done.evidence is Evidence.VERIFIED
    assert not Path((tmp_path / "at").read_text().strip()).parent.exists()
    desktop.has("scrot", 'echo rubbish >"$1"')
    with pytest.raises(DeviceUncertain, match="sent no picture"):
        await adapter.call(invocation("take_screenshot"))


async def test_the_status_is_read(adapter: SshAdapter) -> None:
    done = await adapter.call(invocation("get_pc_status", item="all"))
    assert str(done.result).startswith("cpu ")
    assert "memory" in str(done.result)
    assert (await adapter.call(invocation("get_pc_status", item="disk"))).detail == (
        f"Office PC: {(await adapter.call(invocation('get_pc_status', item='disk'))).result}"
    )


async def test_a_computer_that_prints_without_end_is_stopped(
    desktop: Desktop, adapter: SshAdapter
) -> None:
    desktop.has(
        "xdotool", "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done"
    )
    with pytest.raises(DeviceUncertain, match="printed more than"):
        await adapter.call(invocation("type_text", text="hello", timeout=20))
    desktop.has("xdotool")
    await adapter.call(invocation("type_text", text="hello"))


async def test_a_connection_that_breaks_after_an_order_leaves_it_uncertain(
    desktop: Desktop, sshd: Sshd, adapter: SshAdapter
) -> None:
    desktop.has("xdotool", "exec sleep 60")
    heard = asyncio.Event()
    adapter.noticed = heard.set
    typing = asyncio.create_task(adapter.call(invocation("type_text", text="hi", timeout=30)))
    await until(lambda: bool(desktop.ran("xdotool")))
    await sshd.stop()
    with pytest.raises(DeviceUncertain):
        await typing
    assert heard.is_set()
    assert adapter.notice
    assert adapter.notice.state is DeviceState.OFFLINE
    with pytest.raises(DeviceUnavailable, match="nothing was"):
        await adapter.call(invocation("type_text", text="hi"))
    desktop.has("xdotool")
    await sshd.start()
    await adapter.connect()
    await adapter.call(invocation("type_text", text="back"))
    assert adapter.notice.state is DeviceState.CONNECTED


async def test_a_computer_that_falls_silent_is_noticed(sshd: Sshd, site: Site) -> None:
    adapter = SshAdapter(computer(sshd), asking_every(0.15, site))
    await adapter.connect()
    heard = asyncio.Event()
    adapter.noticed = heard.set
    sshd.signal(signal.SIGSTOP)
    with pytest.raises(HubError):
        await adapter.call(invocation("type_text", text="hello", timeout=0.5))
    async with asyncio.timeout(5):
        await heard.wait()
    assert adapter.notice
    assert adapter.notice.state is DeviceState.OFFLINE


async def test_a_silent_computer_leaves_a_call_uncertain_at_its_deadline(
    desktop: Desktop, sshd: Sshd, site: Site
) -> None:
    adapter = SshAdapter(computer(sshd), asking_every(60, site))
    await adapter.connect()
    desktop.has("xdotool", "exec sleep 60")
    typing = asyncio.create_task(adapter.call(invocation("type_text", text="hi", timeout=1.2)))
    await until(lambda: bool(desktop.ran("xdotool")))
    sshd.signal(signal.SIGSTOP)
    with pytest.raises(DeviceUncertain, match="Office PC did not answer in time"):
        await typing
    await adapter.close()


async def test_a_shutdown_is_verified_by_the_end_of_the_connection(
    desktop: Desktop, sshd: Sshd, adapter: SshAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    desktop.has("systemctl")
    await adapter.connect()
    done = await adapter.call(invocation("shutdown", timeout=0.8))
    assert done.evidence is Evidence.UNVERIFIED
    ordered, gone = asyncio.Event(), adapter.gone

    async def looking(within: float) -> bool:
        ordered.set()
        return await gone(within)

    monkeypatch.setattr(adapter, "gone", looking)
    ending = asyncio.create_task(adapter.call(invocation("shutdown", timeout=20)))
    await ordered.wait()
    sshd.signal(signal.SIGTERM)
    done = await ending
    assert (done.evidence, done.detail) == (Evidence.VERIFIED, "Shut Office PC down")


async def test_a_mac_is_driven_by_its_own_programs(desktop: Desktop, adapter: SshAdapter) -> None:
    desktop.has("uname", "echo Darwin")
    desktop.has("stat", "id -u")
    desktop.has("osascript", "echo 30")
    desktop.has("open")
    desktop.has("screencapture", 'printf "\\211PNG\\r\\n\\032\\n" >"$2"')
    served = await adapter.connect()
    assert served >= {"set_volume", "show_notification", "open_url", "open_application", "shutdown"}
    assert (await adapter.call(invocation("set_volume", level=3))).evidence is Evidence.VERIFIED
    await adapter.call(invocation("show_notification", text='"; do shell script "x'))
    assert desktop.ran("osascript")[-1][-2:] == ["--", '"; do shell script "x']
    await adapter.call(invocation("open_application", name="Safari"))
    assert desktop.ran("open") == [["-a", "Safari"]]
    assert (await adapter.call(invocation("take_screenshot"))).evidence is Evidence.VERIFIED


async def test_windows_tells_its_status_and_can_be_shut_down(
    desktop: Desktop, adapter: SshAdapter
) -> None:
    desktop.has("uname", "echo MINGW64_NT-10.0")
    desktop.has("cmd", "echo; echo 'Microsoft Windows [Version 10.0.22631.3447]'")
    desktop.has("powershell", "echo 42")
    desktop.has("shutdown", "exit 5")
    assert await adapter.connect() == {"get_pc_status", "shutdown"}
    done = await adapter.call(invocation("get_pc_status"))
    assert done.result == "cpu 42%, memory 42%, disk 42%, battery 42%"
    for words in desktop.ran("powershell"):
        assert words[:3] == ["-NoProfile", "-NonInteractive", "-EncodedCommand"]
        assert "Get-CimInstance" in base64.b64decode(words[3]).decode("utf-16-le")
    with pytest.raises(DeviceRefused, match="shutdown ended with 5"):
        await adapter.call(invocation("shutdown"))
    assert desktop.ran("shutdown") == [["/s", "/t", "0"]]
    desktop.has("cmd", "echo VMS")
    with pytest.raises(DeviceUnavailable, match="Office PC: it is neither Linux, nor macOS"):
        await adapter.connect()


async def woken(packets: asyncio.Queue[bytes]) -> tuple[asyncio.DatagramTransport, str]:
    class Card(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            packets.put_nowait(data)

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        Card, local_addr=(HOST, 0)
    )
    host, port = transport.get_extra_info("sockname")
    return transport, f"{host}:{port}"


async def test_a_sleeping_computer_is_woken_and_seen_to_come(
    sshd: Sshd, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh, "_AGAIN", 0.02)
    packets: asyncio.Queue[bytes] = asyncio.Queue()
    card, wake = await woken(packets)
    await sshd.stop()
    device = computer(sshd, mac="00:11:22:aa:bb:cc", wake=wake)
    adapter = SshAdapter(device.model_copy(update={"functions": ("lock_screen",)}), site)
    assert await adapter.connect() == {"wake_up", "lock_screen"}
    assert adapter.notice
    assert adapter.notice.state is DeviceState.OFFLINE
    done = await adapter.call(invocation("wake_up", timeout=0.8))
    assert (done.evidence, await packets.get()) == (
        Evidence.UNVERIFIED,
        b"\xff" * 6 + bytes.fromhex("001122aabbcc") * 16,
    )
    waking = asyncio.create_task(adapter.call(invocation("wake_up", timeout=20)))
    await packets.get()
    await sshd.start()
    done = await waking
    assert (done.evidence, done.detail) == (Evidence.VERIFIED, "Woke Office PC up")
    assert (await adapter.call(invocation("lock_screen"))).evidence is Evidence.VERIFIED
    await adapter.close()
    card.close()


async def test_a_computer_may_be_there_to_be_woken_only(site: Site) -> None:
    packets: asyncio.Queue[bytes] = asyncio.Queue()
    card, wake = await woken(packets)
    address = {"mac": "00-11-22-AA-BB-CC", "wake": wake}
    device = Device(id="pc", kind=Kind.PC, name="Office PC", protocol="ssh", address=address)
    adapter = SshAdapter(device, site)
    assert await adapter.connect() == {"wake_up"}
    done = await adapter.call(invocation("wake_up", timeout=0.8))
    assert (done.evidence, len(await packets.get())) == (Evidence.UNVERIFIED, 102)
    card.close()
    for wrong in ({"mac": "rubbish"}, {"wake": "somewhere"}, {"wake": "h:99999"}, {"wake": "h:0"}):
        broken = SshAdapter(device.model_copy(update={"address": address | wrong}), site)
        with pytest.raises(DeviceRefused):
            await broken.call(invocation("wake_up"))
    nowhere = device.model_copy(update={"address": address | {"wake": "a..b:9"}})
    with pytest.raises(DeviceUnavailable, match="could not be sent"):
        await SshAdapter(nowhere, site).call(invocation("wake_up"))


def test_what_announces_ssh_may_be_a_computer(site: Site) -> None:
    driver = SshDriver(site)
    found = driver.recognise(Service(SSH, "Office PC", "192.0.2.7", 2222))
    assert found
    assert (found.id, found.kind, found.name) == ("ssh-office-pc", Kind.PC, "Office PC")
    assert found.address == {"host": "192.0.2.7", "port": "2222"}
    moved = driver.recognise(Service(SSH, "Office PC", "192.0.2.8", 22))
    assert moved
    assert moved.id == found.id
    station = Service(WORKSTATION, "office-pc [00:11:22:AA:bb:cc]", "192.0.2.7", 9)
    same = driver.recognise(station)
    assert same
    assert (same.id, same.name) == (found.id, "office-pc")
    assert same.address == {"host": "192.0.2.7", "mac": "00:11:22:aa:bb:cc"}
    assert driver.recognise(Service(SSH, "' --", "192.0.2.7", 22)) is None


async def test_letting_go_twice_and_before_connecting_does_no_harm(sshd: Sshd, site: Site) -> None:
    adapter = SshAdapter(computer(sshd), site)
    await adapter.close()
    await adapter.connect()
    await adapter.close()
    await adapter.close()
    with pytest.raises(DeviceUnavailable):
        await adapter.call(invocation("lock_screen"))
