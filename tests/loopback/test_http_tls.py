"""The page and the API over TLS, for others than this machine."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from orchestrator import settings
from orchestrator.catalogue import Catalogue
from orchestrator.doors.http.door import HttpDoor, Reach
from orchestrator.doors.http.page.visits import Visits
from orchestrator.doors.http.ways import HERE
from orchestrator.settings import Http
from schemas.errors import InvalidSettings
from tests.apikit import API, Served, anybody, served, trusting
from tests.certificates import Authority
from tests.hubkit import Rig

TEXT = "Take a selfie with the front camera"
MODEL = {TEXT: "<nexa_0>('front')<nexa_end>"}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
async def hub(tmp_path: Path, catalogue: Catalogue, authority: Authority) -> AsyncIterator[Served]:
    certificate, key = authority.issue("127.0.0.1")
    http = Http(
        listen="0.0.0.0", hosts=("hub.example",), cert_file=str(certificate), key_file=str(key)
    )
    reach = Reach(http.listen, frozenset(http.hosts), http.tls())
    async with served(tmp_path, catalogue, MODEL, reach=reach) as one:
        yield one


async def test_programs_come_in_over_tls_by_a_name_that_is_the_hubs(
    hub: Served, authority: Authority
) -> None:
    async with hub.program(verify=trusting(authority.file)) as program:
        sent = await program.post(f"{API}/commands?wait=10", json={"text": TEXT})
        assert sent.json()["state"] == "succeeded"
        for host, status in (("hub.example", 200), ("octopus.local", 403), ("0.0.0.0", 403)):
            reply = await program.get(f"{API}/health", headers={"host": host})
            assert reply.status_code == status, host


async def test_a_pages_cookie_never_travels_without_tls(hub: Served, authority: Authority) -> None:
    async with anybody(hub.at, verify=trusting(authority.file)) as browser:
        own = {"origin": hub.at}
        data = {"token": hub.tokens.issue("ann")}
        entered = await browser.post("/in", data=data, headers=own)
        assert entered.status_code == 303
        cookie = entered.headers["set-cookie"].lower()
        assert "; secure" in cookie
        assert "; httponly" in cookie
        where = entered.headers["location"]
        assert (await browser.get(where)).status_code == 200
        there, plainly = hub.at + where, hub.at.replace("https", "http") + where
        assert "cookie" in browser.build_request("GET", there).headers
        assert "cookie" not in browser.build_request("GET", plainly).headers
        plain = {"origin": hub.at.replace("https", "http")}
        assert (await browser.post("/in", data=data, headers=plain)).status_code == 403


async def test_without_tls_or_with_an_old_one_nobody_is_answered(
    hub: Served, authority: Authority
) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(httpx.TransportError):
            await client.get(f"{hub.at.replace('https', 'http')}/healthz")
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await client.get(f"{hub.at}/healthz")
    old = trusting(authority.file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    async with httpx.AsyncClient(verify=old, trust_env=False) as client:
        with pytest.raises(httpx.TransportError):
            await client.get(f"{hub.at}/healthz")


async def test_a_phones_way_stays_on_this_machine_and_needs_no_tls(hub: Served) -> None:
    assert hub.phone.startswith("http://127.0.0.1:")
    async with anybody(hub.phone) as phone:
        assert (await phone.get("/static/page.css")).status_code == 200


async def test_an_address_that_is_not_this_machines_is_named(hub: Served) -> None:
    rig: Rig = hub.hub
    reach = Reach(listen="192.0.2.1")
    door = HttpDoor(rig.service, rig.bus, hub.tokens, Visits(lambda _: True), reach)
    with pytest.raises(InvalidSettings, match=r"192\.0\.2\.1.*http\.listen"):
        async with door.serving({HERE: 0}):
            pass


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ('listen = "0.0.0.0"', r"http\.listen: 0\.0\.0\.0 .*http\.cert_file and http\.key_file"),
        ('listen = "::"', r"http\.listen: :: .*TLS"),
        ('listen = "192.0.2.7"', r"http\.listen: .*TLS"),
        ('listen = "hub.example"', r"http\.listen: 'hub\.example' is no address"),
        ('cert_file = "a"', r"http\.key_file is missing"),
        ('key_file = "a"', r"http\.cert_file is missing"),
        ('hosts = ["https://hub.example"]', r"http\.hosts: .*names and addresses alone"),
        ('hosts = ["hub.example:8443"]', r"http\.hosts: .*names and addresses alone"),
        ('hosts = ["*"]', r"http\.hosts: .*names and addresses alone"),
        ("port = 70000", r"http\.port"),
    ],
)
def test_a_door_that_is_not_safe_is_refused_and_the_key_named(
    tmp_path: Path, said: str, complaint: str
) -> None:
    (tmp_path / "hub.toml").write_text(f"[http]\n{said}")
    with pytest.raises(InvalidSettings, match=rf"hub\.toml.*{complaint}"):
        settings.load(tmp_path)


@pytest.mark.parametrize("listen", ["127.0.0.1", "127.0.0.2", "::1"])
def test_this_machines_own_addresses_need_no_certificate(listen: str) -> None:
    assert Http(listen=listen).tls() is None


def test_a_certificate_that_is_none_is_named(tmp_path: Path, authority: Authority) -> None:
    certificate, _ = authority.issue("127.0.0.1")
    _, key = authority.issue("hub.example")
    nothing = str(tmp_path / "nothing.pem")
    for files in ((nothing, str(key)), (str(certificate), str(key)), (str(key), str(key))):
        with pytest.raises(InvalidSettings, match=r"http\.cert_file, http\.key_file"):
            Http(cert_file=files[0], key_file=files[1]).tls()
