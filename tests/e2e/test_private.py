"""What people said, and what the hub keeps secret, is where it belongs and nowhere else."""

import asyncio
import contextlib
import json
import re
import signal
from pathlib import Path

from device_adapters.simulated.phone.adbd.faults import Fault, Manner
from orchestrator.broker import LOCAL, Login, passwords
from orchestrator.client import HubClient, Refused, connected
from orchestrator.ledger import ENDED_RUN
from tests.e2e.daemon import Site, devices, eventually
from tests.e2e.test_daemon import approve_all

PEOPLE = """
[users.local]
relations = { mom = "Zebedee Quillfeather" }
[[contact]]
name = "Zebedee Quillfeather"
numbers = { mobile = "+1 415 555 0134", work = "+1 415 555 0177" }
email = "zebedee@quillfeather.example"
"""
SENTENCES = {
    "to-mom": "text mom's mobile saying the xylophone is under the doormat",
    "nested": "Text Zebedee Quillfeather the weather in Seoul",
    "asks": "call Quillfeather",
    "photo": "Take a selfie with the front camera",
    "breaks": "show a notification on my computer saying xylophone",
    "nothing": "why does Zebedee play the xylophone",
    "clock": "remind me of the xylophone at 25 o'clock",
}
SAID = ("xylophone", "doormat", "zebedee", "quillfeather", "555 01", "5550134", "5550177", "seoul")
ENDED = {str(state) for state in ENDED_RUN} | {"awaiting_answer", "awaiting_confirmation"}


async def test_nothing_private_is_logged_and_secrets_stay_in_their_files(site: Site) -> None:
    (site.config / "people.toml").write_text(PEOPLE)
    token = (await site.octopus("token", "new", "local")).out.split()[-1]
    assert len(token) > 20
    await site.spawn()
    await eventually(lambda: "ready after" in site.log, 30, site)
    secrets = [*passwords(site.state).values(), token]
    async with devices(site) as there:
        await approve_all(site, there)
        there.phone.inject(Fault("content://media", Manner.RUN_THEN_UNPLUG))
        login = Login("127.0.0.1", site.port, LOCAL, passwords(site.state)[LOCAL])
        async with connected(login, "octopus", LOCAL) as client:
            await _command(client)
        async with site.client() as stranger:
            await stranger.wait_connected(10)
            for payload in ("xylophone\x00", '{"text": 1, "zebedee": "xylophone"}', b"\xffdoormat"):
                await stranger.publish("octopus/command/local", payload)
            await stranger.publish("octopus/request/local/zebedee", '"xylophone"')
    for pid, line in {**site.children, site.pid: ""}.items():
        environment = _text(Path(f"/proc/{pid}/environ"))
        assert not [s for s in secrets if s in line + _text(Path(f"/proc/{pid}/cmdline"))], line
        assert not [s for s in secrets if s in environment], line
    # A mistake in people.toml is for whoever wrote it, and not for the log.
    (site.config / "people.toml").write_text(PEOPLE.replace("+1 415 555 0134", "+1 555 01"))
    site.kill(signal.SIGHUP)
    await eventually(lambda: "configuration not taken" in site.log, 20, site)
    assert await site.stop() == 0

    log = site.log
    assert "Traceback" not in log, log
    for identity in SENTENCES:
        life = [line for line in log.splitlines() if f"command={identity} " in line]
        assert life, f"one search shows the life of {identity}"
    assert not [said for said in SAID if re.search(said, log, re.IGNORECASE)], log
    assert not [secret for secret in secrets if secret in log]

    files = [path for path in site.state.rglob("*") if not path.is_symlink()]
    assert not [path for path in files if path.stat().st_mode & 0o077], "nobody else reads them"
    holding = {
        path.relative_to(site.state).as_posix()
        for path in files
        if path.is_file() and any(secret.encode() in path.read_bytes() for secret in secrets)
    }
    assert holding == {"broker/passwords.json"}


async def _command(client: HubClient) -> None:
    """Send every sentence, and wait until each has ended, or asks."""
    for identity, sentence in SENTENCES.items():
        await client.send(sentence, identity)
    left = set(SENTENCES)
    async with asyncio.timeout(30):
        while left:
            event = await client.events.get()
            if event.step is None and event.state in ENDED:
                left.discard(event.id)
    for asked in await client.request("question/list"):
        with contextlib.suppress(Refused):
            if asked["token"]:
                named = {"execution": asked["id"], "token": asked["token"]}
                await client.request("confirm", **named, answer=True)
            else:
                text = "Zebedee's mobile" if asked["options"] else "the xylophone"
                await client.request("answer", execution=asked["id"], text=text)
    json.dumps(await client.request("execution/list", limit=50))


def _text(file: Path) -> str:
    with contextlib.suppress(OSError):
        return file.read_text(errors="replace")
    return ""
