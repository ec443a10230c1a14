"""E-mail by the daemon as a process: asked about first, then handed to a real mail server."""

from __future__ import annotations

import json
import ssl
from pathlib import Path

from tests.certificates import Authority
from tests.e2e.daemon import Site
from tests.mailserver import PASSWORD, USER, mail_server

SENTENCE = "send an email to Maggie saying dinner is at eight"


def configure(site: Site, folder: Path, port: int, authority: Authority) -> None:
    """A contact, and an account on the mail server."""
    (folder / "password").write_text(f"{PASSWORD}\n", encoding="utf-8")
    with (site.config / "hub.toml").open("a", encoding="utf-8") as hub:
        hub.write(
            f'[email]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "starttls"\n'
            f'from = "Home <{USER}>"\nusername = "{USER}"\npassword_file = "{folder}/password"\n'
            f'ca_file = "{authority.file}"\n'
        )
    (site.config / "people.toml").write_text(
        '[[contact]]\nname = "Margaret Smith"\naliases = ["Maggie"]\nemail = "maggie@example.org"\n'
    )


async def test_an_e_mail_is_sent_once_a_person_said_yes(site: Site, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("127.0.0.1"))
    async with mail_server(context, starttls=True, login=True) as post:
        configure(site, tmp_path, post.port, authority)
        await site.start()
        listed = json.loads((await site.octopus("devices", "--json")).out)
        assert "send_email" in next(d for d in listed if d["kind"] == "hub")["functions"]

        ran = await site.octopus("send", SENTENCE)
        assert ran.status == 1
        assert "maggie@example.org" in ran.out, "whom it would go to is asked about"
        assert "not confirmed" in ran.err
        assert not post.received

        ran = await site.octopus("send", SENTENCE, "--yes")
        assert (ran.status, ran.err) == (0, ""), ran.out
        assert "E-mail to maggie@example.org: the mail server 127.0.0.1 took it" in ran.out
        [one] = post.received
        assert (one.sender, one.recipients, one.user) == (USER, ["maggie@example.org"], USER)
        assert one.encrypted
        assert one.message.get_content().strip() == "dinner is at eight"

        post.says["RCPT"] = "550 5.1.1 no such mailbox"
        ran = await site.octopus("send", SENTENCE, "--yes")
        assert ran.status == 1
        assert "550 5.1.1 no such mailbox; nothing was sent" in ran.out
        assert await site.stop() == 0
    for private in (PASSWORD, "dinner", "maggie"):
        assert private not in site.log.casefold()
