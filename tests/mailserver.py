"""Mail servers on loopback: aiosmtpd, which takes e-mail as a household's server does, and one that
says what it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTPUTF8
from typing import Any, NamedTuple

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "home@example.org", "päss word"


class Received(NamedTuple):
    """An e-mail that the server took."""

    sender: str
    recipients: list[str]
    options: list[str]
    content: bytes
    encrypted: bool
    user: str

    @property
    def message(self) -> EmailMessage:
        """As a mail program reads it."""
        read = BytesParser(policy=SMTPUTF8).parsebytes(self.content)
        assert isinstance(read, EmailMessage)
        return read


class Post:
    """What a server does with e-mail: takes it, or answers with `says` for a verb; `hangs_up` and
    `silent` name a verb after which it goes away, or says no more."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.logins: list[tuple[str, str]] = []
        self.says: dict[str, str] = {}
        self.hangs_up = self.silent = ""
        self.waiting = asyncio.Event()
        """Set once somebody waits for an answer that does not come."""
        self.port = 0

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, _: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from, envelope.mail_options = address, options
        return await self._answer(server, "MAIL")

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _: Session, envelope: Envelope, address: str, __: list[str]
    ) -> str:
        answer = await self._answer(server, f"RCPT {address}")
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.original_content
        assert content is not None
        answer = self.says.get("DATA", "250 2.0.0 queued as 4F2A")
        if answer.startswith("2"):
            encrypted = server.transport.get_extra_info("ssl_object") is not None
            self.received.append(Received(
                envelope.mail_from or "", envelope.rcpt_tos, envelope.mail_options, content,
                encrypted, str(session.auth_data or ""),
            ))  # fmt: skip
        return await self._answer(server, "DATA", answer)

    async def _answer(self, server: SMTP, said: str, answer: str = "250 OK") -> str:
        verb = said.partition(" ")[0]
        if self.hangs_up == verb:
            server.transport.abort()
        if verb in (self.hangs_up, self.silent):
            self.waiting.set()
            await asyncio.get_running_loop().create_future()
        return self.says.get(said, self.says.get(verb, answer))

    def login(self, _: SMTP, __: Session, ___: Envelope, ____: str, data: Any) -> AuthResult:
        """Let one user in."""
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        known = self.logins[-1] == (USER, PASSWORD)
        return AuthResult(success=known, handled=known, auth_data=USER if known else None)


@asynccontextmanager
async def mail_server(
    context: ssl.SSLContext | None = None,
    *,
    starttls: bool = False,
    login: bool = False,
    ways: Sequence[str] = ("PLAIN", "LOGIN"),
    unicode: bool = True,
) -> AsyncIterator[Post]:
    """aiosmtpd with a context over TLS, from the beginning or by STARTTLS; `login`: it wants one;
    `unicode`: it takes addresses in any script."""
    post, made = Post(), []

    def connection() -> SMTP:
        hidden = {"PLAIN", "LOGIN"} - set(ways)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it does not know of TLS from the beginning
            server = SMTP(
                post, enable_SMTPUTF8=unicode, tls_context=context if starttls else None,
                require_starttls=starttls, auth_required=login, auth_require_tls=starttls,
                authenticator=post.login, auth_exclude_mechanism=hidden,
                hostname="mail.example.org", loop=asyncio.get_running_loop(),
            )  # fmt: skip
        made.append(server)
        return server

    serving = await asyncio.get_running_loop().create_server(
        connection, "127.0.0.1", 0, ssl=None if starttls else context
    )
    post.port = serving.sockets[0].getsockname()[1]
    try:
        yield post
    finally:
        serving.close()
        for server in made:
            if server.transport is not None:
                server.transport.abort()
        tasks = [server._handler_coroutine for server in made if server._handler_coroutine]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def odd_server(script: Script, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server that does what a script says, on the port that is given; with a context over TLS."""
    writers, serving = [], []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        serving.append(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await script(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*filter(None, serving))
