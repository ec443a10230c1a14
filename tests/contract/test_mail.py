"""The hub's e-mail against a real mail server, and against servers of bad manners."""

from __future__ import annotations

import asyncio
import base64
import logging
import select
import ssl
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from device_adapters.hub import Account, HubAdapter, Security, Sources, mailbox
from device_adapters.hub.letter import LONGEST_TEXT, letter
from device_adapters.hub.mail import Mail
from schemas.call import Invocation
from schemas.device import Device, Kind
from schemas.errors import (
    DeviceNeedsPerson,
    DeviceRefused,
    DeviceUnavailable,
    DeviceUncertain,
    HubError,
)
from schemas.outcome import Done, Evidence
from tests.broker import invocation
from tests.certificates import Authority
from tests.mailserver import PASSWORD, USER, Received, mail_server, odd_server

HUB = Device(id="hub", kind=Kind.HUB, name="Hub", protocol="hub")
MAGGIE = "maggie@example.org"
WAYS = [Security.TLS, Security.STARTTLS, Security.NONE]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def served(authority: Authority) -> ssl.SSLContext:
    """What the server shows, for 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("127.0.0.1"))
    return context


@pytest.fixture(scope="module")
def trusted(authority: Authority) -> ssl.SSLContext:
    return authority.trusted()


def account(port: int, security: Security = Security.NONE, **more: Any) -> Account:
    sender = mailbox("Our home <home@example.org>")
    return Account("127.0.0.1", port, security, **({"sender": sender} | more))


def email(to: str = MAGGIE, text: str = "Dinner at 8", title: str | None = "Dinner",
          within: float = 5.0) -> Invocation:  # fmt: skip
    return invocation("send_email", recipient=to, title=title, content=text, timeout=within)


async def sent(using: Account, call: Invocation | None = None) -> Done:
    adapter = HubAdapter(HUB, Sources(), mail=Mail(using))
    assert "send_email" in await adapter.connect()
    try:
        return await adapter.call(call or email())
    finally:
        await adapter.close()


def text_of(one: Received) -> str:
    return str(one.message.get_content()).replace("\r\n", "\n")


async def fails(
    using: Account, kind: type[HubError], says: str, call: Invocation | None = None
) -> None:
    with pytest.raises(kind, match=says) as raised:
        await sent(using, call)
    assert len(str(raised.value)) < 500
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("security", WAYS)
async def test_an_e_mail_is_sent(
    served: ssl.SSLContext, trusted: ssl.SSLContext, security: Security
) -> None:
    private = security is not Security.NONE
    context = served if private else None
    async with mail_server(context, starttls=security is Security.STARTTLS) as post:
        done = await sent(account(post.port, security, tls=trusted))
    assert done == Done(
        evidence=Evidence.VERIFIED, detail=f"E-mail to {MAGGIE}: the mail server 127.0.0.1 took it"
    )
    [one] = post.received
    assert (one.sender, one.recipients, one.encrypted) == (
        "home@example.org", [MAGGIE], private,
    )  # fmt: skip
    message = one.message
    assert message["From"] == "Our home <home@example.org>"
    assert (message["To"], message["Subject"]) == (MAGGIE, "Dinner")
    assert text_of(one) == "Dinner at 8\n"
    about_now = datetime.now().astimezone() - message["Date"].datetime
    assert abs(about_now) < timedelta(minutes=1)
    assert not message.defects


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
@pytest.mark.parametrize("way", ["PLAIN", "LOGIN"])
async def test_it_logs_in_where_it_must(
    served: ssl.SSLContext, trusted: ssl.SSLContext, security: Security, way: str
) -> None:
    starttls = security is Security.STARTTLS
    using = {"tls": trusted, "username": USER, "password": PASSWORD}
    async with mail_server(served, starttls=starttls, login=True, ways=[way]) as post:
        await sent(account(post.port, security, **using))
    assert post.logins == [(USER, PASSWORD)]
    assert post.received[0].user == USER


async def test_a_wrong_password_is_told_with_the_file_it_is_in(
    served: ssl.SSLContext, trusted: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    using = {"tls": trusted, "username": USER, "password": "wrong-one", "password_file": "/etc/pw"}
    async with mail_server(served, login=True) as post:
        mine = account(post.port, Security.TLS, **using)
        await fails(mine, DeviceNeedsPerson, "refused the login of home@.* 535 .* into /etc/pw")
        assert not post.received
        assert len(post.logins) == 1, "many servers lock out who goes on trying"
    assert "wrong-one" not in repr(mine)
    assert "wrong-one" not in caplog.text


async def test_a_login_that_is_wanted_and_not_set_is_told(
    served: ssl.SSLContext, trusted: ssl.SSLContext
) -> None:
    async with mail_server(served, login=True) as post:
        mine = account(post.port, Security.TLS, tls=trusted)
        await fails(mine, DeviceNeedsPerson, r"wants a login, it says 530 .* email\.username")


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
async def test_a_certificate_of_somebody_else_is_not_taken(
    served: ssl.SSLContext, tmp_path: Path, security: Security
) -> None:
    stranger = Authority(tmp_path).trusted()
    using = {"tls": stranger, "username": USER, "password": PASSWORD}
    async with mail_server(served, starttls=security is Security.STARTTLS, login=True) as post:
        mine = account(post.port, security, **using)
        await fails(mine, DeviceNeedsPerson, r"does not prove who it is .* email\.ca_file")
        assert not post.logins


async def test_a_certificate_for_another_host_is_not_taken(
    authority: Authority, trusted: ssl.SSLContext
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("mail.example.org"))
    async with mail_server(context) as post:
        mine = account(post.port, Security.TLS, tls=trusted)
        await fails(mine, DeviceNeedsPerson, "does not prove who it is .*127")


async def test_no_password_goes_where_starttls_is_not_offered(trusted: ssl.SSLContext) -> None:
    using = {"tls": trusted, "username": USER, "password": PASSWORD}
    async with mail_server() as post:
        mine = account(post.port, Security.STARTTLS, **using)
        await fails(mine, DeviceNeedsPerson, "does not offer STARTTLS: nothing was sent")
        assert not post.logins
        await fails(account(post.port, Security.TLS, **using), DeviceNeedsPerson, "speaks no TLS")


async def test_nothing_that_came_in_clear_is_believed_after_starttls(
    served: ssl.SSLContext, trusted: ssl.SSLContext
) -> None:
    heard = []

    async def injects(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        heard.append(await reader.readline())
        writer.write(b"250-mail\r\n250 STARTTLS\r\n")
        heard.append(await reader.readline())
        writer.write(b"220 go on\r\n250-mail\r\n250 AUTH PLAIN\r\n")
        await writer.start_tls(served)
        heard.append(await reader.readline())
        writer.write(b"250-mail\r\n250 SMTPUTF8\r\n")
        heard.append(await reader.read())

    async with odd_server(injects) as port:
        mine = account(port, Security.STARTTLS, tls=trusted, username=USER, password=PASSWORD)
        await fails(mine, DeviceNeedsPerson, "does not offer a login by password")
    assert heard == [b"EHLO [127.0.0.1]\r\n", b"STARTTLS\r\n", b"EHLO [127.0.0.1]\r\n", b""]


async def test_letters_of_any_script_arrive_as_they_were_written() -> None:
    title, text = "Grüße aus 서울 🐙", "Schön hier.\n.\n..zwei Punkte\nمرحبا\n" + "lang " * 300
    async with mail_server(unicode=False) as post:
        await sent(account(post.port, sender=mailbox("Jörgs Haus <h@bücher.example>")),
                   email("Anna@BÜCHER.example", text, title))  # fmt: skip
    [one] = post.received
    assert (one.sender, one.recipients) == ("h@xn--bcher-kva.example", [
        "Anna@xn--bcher-kva.example"])  # fmt: skip
    assert one.content.isascii()
    assert max(map(len, one.content.split(b"\r\n"))) <= 998
    assert one.message["Subject"] == title
    assert one.message["From"].addresses[0].display_name == "Jörgs Haus"
    assert text_of(one) == f"{text}\n"


async def test_addresses_of_any_script_need_a_server_that_takes_them() -> None:
    call = email("jörg@bücher.example", "Hallo")
    async with mail_server() as post:
        await sent(account(post.port), call)
    [one] = post.received
    assert one.recipients == ["jörg@xn--bcher-kva.example"]
    assert "SMTPUTF8" in one.options
    assert one.message["To"] == "jörg@xn--bcher-kva.example"
    async with mail_server(unicode=False) as post:
        await fails(account(post.port), DeviceNeedsPerson, "does not offer addresses with", call)


async def test_an_e_mail_goes_to_all_or_to_nobody() -> None:
    both = email(f"{MAGGIE}, ben@example.org; {MAGGIE}")
    async with mail_server() as post:
        await sent(account(post.port), both)
        assert post.received[0].recipients == [MAGGIE, "ben@example.org"]
        assert post.received[0].message["To"] == f"{MAGGIE}, ben@example.org, {MAGGIE}"
        post.says["RCPT ben@example.org"] = "550 5.1.1 no such mailbox"
        says = "refused .*ben@.* 550 5.1.1 no such mailbox; nothing was sent"
        await fails(account(post.port), DeviceRefused, says, both)
        assert len(post.received) == 1


@pytest.mark.parametrize(
    "to",
    [
        "", "maggie", "@example.org", "maggie@", "a b@example.org", "a@b@example.org",
        "maggie@example.org>\r\nRCPT TO:<eve@example.org", "maggie@exam\nple.org",
        "maggie@-example.org", "maggie@example..org", ".m@example.org", "m..a@example.org",
        "maggie@example.org\u202e", "m\u0000@example.org", f"{'m' * 65}@example.org",
        f"m@{'x' * 64}.org", "<script>@example.org", ", ".join(["a@example.org"] * 21),
        "a@example.org, nobody", '"quoted"@example.org', "m@[127.0.0.1]", "\ud800@example.org",
        "=?utf-8?q?=0ABcc?=@example.org", "=?utf-8?q?=0ABcc?= <m@example.org>",
    ],
)  # fmt: skip
async def test_what_is_no_address_is_refused_before_anything_is_sent(to: str) -> None:
    async with mail_server() as post:
        await fails(account(post.port), DeviceRefused, "e-mail", email(to))
        assert not post.received


@pytest.mark.parametrize(
    "odd",
    [
        "\r\nBcc: eve@example.org", "\nBcc: eve@example.org\n\nhi", "\u2028Bcc: eve@example.org",
        "\x00\x1b[2J", "\ud800", "x" * 5000, "=?utf-8?q?=0ABcc:_eve=40example.org?=",
    ],
)  # fmt: skip
async def test_nothing_that_was_said_becomes_a_header(odd: str) -> None:
    async with mail_server() as post:
        await sent(account(post.port), email(title=f"Dinner{odd}", text=f"Dinner{odd}"))
    [one] = post.received
    assert one.recipients == [MAGGIE]
    message = one.message
    assert sorted(message.keys()) == [
        "Content-Transfer-Encoding", "Content-Type", "Date", "From", "MIME-Version", "Message-ID",
        "Subject", "To",
    ]  # fmt: skip
    assert message["Subject"].startswith("Dinner")
    assert text_of(one).startswith("Dinner")
    assert "\x00" not in text_of(one)


async def test_an_e_mail_without_a_title_begins_as_its_text() -> None:
    async with mail_server() as post:
        await sent(
            account(post.port), email(title=None, text="Dinner is at\neight, and " + "x" * 99)
        )
    subject = post.received[0].message["Subject"]
    assert subject.startswith("Dinner is at eight, and x")
    assert subject.endswith("…")


async def test_an_e_mail_may_be_too_long() -> None:
    async with mail_server() as post:
        await fails(account(post.port), DeviceRefused, "too long",
                    email(text="x" * (LONGEST_TEXT + 1)))  # fmt: skip
        await sent(account(post.port), email(text="line\n" * (LONGEST_TEXT // 5)))


def test_a_repeated_call_has_the_same_message_id() -> None:
    def named(call: Invocation) -> str:
        written = letter(call, mailbox("h@example.org"), datetime.now().astimezone()).content
        [line] = [one for one in written.split(b"\r\n") if one.startswith(b"Message-ID: ")]
        return line.decode()

    assert named(email()) == named(email(within=9.0))
    assert named(email()) != named(email(text="Dinner at 9"))
    assert named(email()) != named(email().model_copy(update={"key": "run-2/0"}))
    assert named(email()).endswith("@example.org>")


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
async def test_a_server_that_puts_it_off_has_not_got_it(verb: str) -> None:
    async with mail_server() as post:
        post.says[verb] = "451 4.7.1 greylisted, come back in 5 minutes"
        await fails(account(post.port), DeviceUnavailable,
                    "451 4.7.1 greylisted, .*; nothing was sent: try again")  # fmt: skip
        assert not post.received


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
async def test_a_server_that_says_no_is_quoted(verb: str) -> None:
    async with mail_server() as post:
        post.says[verb] = "554 5.7.1 this looks like spam\u202e " + "x" * 400
        await fails(account(post.port), DeviceRefused, "554 5.7.1 this looks like spam xxx")
        assert not post.received


@pytest.mark.parametrize("verb", ["MAIL", "RCPT"])
async def test_what_is_lost_before_the_end_was_not_sent(verb: str) -> None:
    async with mail_server() as post:
        post.hangs_up = verb
        await fails(account(post.port), DeviceUnavailable, "hung up; nothing was sent")
        post.hangs_up, post.silent = "", verb
        await fails(account(post.port), DeviceUnavailable, "did not answer in time; nothing was",
                    email(within=0.2))  # fmt: skip


async def test_what_is_lost_after_the_end_may_have_been_sent() -> None:
    async with mail_server() as post:
        post.hangs_up = "DATA"
        await fails(account(post.port), DeviceUncertain, "did not say whether it took the e-mail")
        post.hangs_up, post.silent = "", "DATA"
        await fails(account(post.port), DeviceUncertain, "did not say", email(within=0.2))
        assert len(post.received) == 2, "it had them indeed"


@pytest.mark.parametrize(
    ("replies", "kind"),
    [(3, DeviceUnavailable), (4, DeviceUncertain), (5, DeviceUncertain)],
    ids=["before", "begun", "in the text"],
)
async def test_a_server_that_dies_in_the_handover_may_have_it_and_before_it_cannot(
    replies: int, kind: type[HubError]
) -> None:
    async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in (b"220 mail", b"250 mail", b"250 ok", b"250 ok", b"354 go")[:replies]:
            writer.write(reply + b"\r\n")
            await reader.readline()

    async with odd_server(dies) as port:
        await fails(account(port), kind, "the mail server", email(text="line\n" * 1000))


@pytest.mark.parametrize("called_off", [True, False])
async def test_no_connection_outlives_its_call_whatever_the_server_does(
    served: ssl.SSLContext, trusted: ssl.SSLContext, called_off: bool
) -> None:
    deaf: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def goes_deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # TLS would never end
        deaf.set_result(writer.get_extra_info("socket").fileno())
        await reader.read()

    async with odd_server(goes_deaf, served) as port:
        within = 60.0 if called_off else 0.2
        mine = account(port, Security.TLS, tls=trusted)
        calling = asyncio.create_task(sent(mine, email(within=within)))
        seen = select.poll()
        seen.register(await deaf, select.POLLRDHUP)
        if called_off:
            calling.cancel()
        with pytest.raises(asyncio.CancelledError if called_off else DeviceUnavailable):
            await calling
        assert await asyncio.to_thread(seen.poll, 5000), "the server sees that it was hung up"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak SMTP .*HTTP/1.1 400 Bad Request"),
        (b"220" + b"-more\r\n220" * 10_000, "does not speak SMTP .Response too long"),
        (b"220 " + b"x" * 100_000, "does not speak SMTP .Response too long"),
        (b"\xff\xfe\r\n", "does not speak SMTP"),
        (b"354 go on\r\n", "does not speak SMTP .354 go on"),
        (b"421 too busy\r\n", "takes no e-mail now, it says 421 too busy"),
        (b"", "hung up"),
    ],
)
async def test_what_is_no_mail_server_is_told(said: bytes, told: str) -> None:
    async def says(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        if said:
            await reader.read()

    async with odd_server(says) as port:
        await fails(account(port), DeviceUnavailable, told)


@pytest.mark.parametrize("way", ["PLAIN", "LOGIN"])
async def test_a_password_that_the_server_echoes_is_not_told(way: str) -> None:
    async def echoes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        heard = ""
        while line := (await reader.readline()).decode().strip():
            heard = f"{heard} {line}"
            if line.startswith("EHLO"):
                writer.write(f"250-mail\r\n250 AUTH {way}\r\n".encode())
            elif line.startswith("AUTH LOGIN"):
                writer.write(b"334 UGFzc3dvcmQ6\r\n")
            else:
                writer.write(f"500 {PASSWORD}, unrecognized:{heard}\r\n".encode())

    async with odd_server(echoes) as port:
        mine = account(port, username=USER, password=PASSWORD)
        with pytest.raises(DeviceNeedsPerson, match="unrecognized") as raised:
            await sent(mine)
    said = str(raised.value)
    assert said.count("••••") == 2
    for secret in (PASSWORD, f"\0{USER}\0{PASSWORD}"):
        assert secret not in said
        assert base64.b64encode(secret.encode()).decode() not in said


async def test_a_server_that_babbles_after_the_end_leaves_it_open() -> None:
    async def babbles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in (b"220 mail", b"250 mail", b"250 ok", b"250 ok", b"354 go"):
            writer.write(reply + b"\r\n")
            await reader.readline()
        await reader.readuntil(b"\r\n.\r\n")
        writer.write(b"meow\r\n")
        await reader.read()

    async with odd_server(babbles) as port:
        await fails(account(port), DeviceUncertain, "did not say whether it took the e-mail")


async def test_no_mail_server_and_no_network_are_told() -> None:
    async with mail_server() as post:
        pass
    await fails(account(post.port), DeviceUnavailable, "cannot be reached.*nothing was sent")
    elsewhere = Account("mail.invalid", 465, Security.TLS, mailbox("h@example.org"))
    await fails(elsewhere, DeviceUnavailable, "mail.invalid cannot be reached")
    nowhere = Account("mail..example", 465, Security.TLS, mailbox("h@example.org"))
    await fails(nowhere, DeviceUnavailable, "mail..example cannot be reached")


async def test_an_e_mail_needs_an_account() -> None:
    adapter = HubAdapter(HUB, Sources())
    assert "send_email" not in await adapter.connect()
    with pytest.raises(DeviceRefused, match="send_email"):
        await adapter.call(email())
    await adapter.close()


def test_the_hub_needs_nothing_for_e_mail_unless_it_sends_some() -> None:
    code = (
        "import sys; sys.modules['aiosmtplib'] = None\n"
        "from pathlib import Path; from orchestrator import devices\n"
        "from orchestrator.settings import Settings\n"
        "account = {'host': 'localhost', 'from': 'h@example.org'}\n"
        "for email in ({}, account):\n"
        "    settings = Settings.model_validate({'email': email}, strict=False)\n"
        "    devices._factories(settings, Path(), devices.AdbServer(Path('key')), {})\n"
        "    print('made')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (1, "made\n")
    assert ran.stderr.strip().endswith("pip install 'octopus-hub[mail]'")
