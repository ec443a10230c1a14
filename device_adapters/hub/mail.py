"""Sends e-mail by the household's mail server, and tells the truth about what became of it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from base64 import b64encode
from datetime import datetime

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
)

from device_adapters.hub.account import Account, Security
from device_adapters.hub.letter import Letter, letter
from device_adapters.hub.plain import plain
from schemas.call import Invocation
from schemas.errors import (
    DeviceNeedsPerson,
    DeviceRefused,
    DeviceUnavailable,
    DeviceUncertain,
    HubError,
)
from schemas.outcome import Done, Evidence

_LOGIN_WANTED = 530
_LONGEST_SAID = 200
"""Characters of what a server says that a person is shown."""
_FAREWELL = 0.5
"""Seconds that a server has to say goodbye."""


class Mail:
    """A mail server; one connection for every e-mail."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._name = f"the mail server {account.host}"

    async def send(self, call: Invocation) -> Done:
        """Hand an e-mail over. The server's reply, once it has the whole, says that it took it; to
        deliver it is the server's promise, and what comes of that it tells the sender by e-mail."""
        written = letter(call, self._account.sender, datetime.now().astimezone())
        connection, handing_over = _Connection(self._account), False
        try:
            async with asyncio.timeout(call.timeout) as limit:
                await self._opened(connection)
                await self._logged_in(connection)
                await self._addressed(connection, written)
                handing_over = True
                await connection.data(written.content)
            await _say_goodbye(connection, limit.when())
        except (SMTPException, OSError, UnicodeError) as error:
            if handing_over and not _is_refusal(error):
                raise self._uncertain() from error
            raise self._unsent(error) from error
        finally:
            connection.close()
        to = ", ".join(written.recipients)
        return Done(evidence=Evidence.VERIFIED, detail=f"E-mail to {to}: {self._name} took it")

    async def _opened(self, connection: _Connection) -> None:
        """Connect, and hear what the server offers; over TLS, unless the server is this machine."""
        await connection.connect()
        connection.local_hostname = _own_name(connection)
        await connection.ehlo()
        if self._account.security is Security.STARTTLS:
            if not connection.supports_extension("starttls"):
                raise self._not_offered("STARTTLS")
            await connection.starttls()
            await connection.ehlo()

    async def _logged_in(self, connection: _Connection) -> None:
        """Log in, in one way: `SMTP.login` would try a password that is wrong in every way."""
        if not self._account.username:
            return
        ways = {"plain": connection.auth_plain, "login": connection.auth_login}
        offered = [ways[way] for way in ways if way in connection.server_auth_methods]
        if not offered:
            raise self._not_offered("a login by password")
        await offered[0](self._account.username, self._account.password)

    async def _addressed(self, connection: _Connection, written: Letter) -> None:
        """Say from whom the e-mail is and to whom it goes: to all of them, or it ends here."""
        options = ("BODY=8BITMIME", "SMTPUTF8") if written.international else ()
        if written.international and not connection.supports_extension("smtputf8"):
            raise self._not_offered("addresses with letters that are not ASCII")
        await connection.mail(written.sender, options=options, encoding="utf-8")
        for recipient in written.recipients:
            await connection.rcpt(recipient, encoding="utf-8")

    def _not_offered(self, what: str) -> HubError:
        return DeviceNeedsPerson(
            f"{self._name} does not offer {what}: nothing was sent; see email.port and"
            " email.security in hub.toml"
        )

    def _uncertain(self) -> HubError:
        return DeviceUncertain(
            f"{self._name} did not say whether it took the e-mail, and may have it: ask whether it"
            " arrived before it is sent again"
        )

    def _unsent(self, error: Exception) -> HubError:
        """What a person is told of an e-mail that the server certainly does not have."""
        match error.__cause__ if isinstance(error.__cause__, OSError) else error:
            case ssl.SSLError() as insecure:
                return self._insecure(insecure)
            case SMTPResponseException() as said if _is_refusal(said):
                return self._refused(said)
            case SMTPResponseException(code=code, message=words):
                said_what = self._quoted(words if code < 0 else f"{code} {words}")
                why = f"does not speak SMTP ({said_what}): see email.port in hub.toml"
            case TimeoutError():
                why = "did not answer in time"
            case ConnectionError():
                why = "cannot be reached, or hung up"
            case other:
                why = f"cannot be reached ({other})"
        return DeviceUnavailable(f"{self._name} {why}; nothing was sent")

    def _insecure(self, error: ssl.SSLError) -> HubError:
        if isinstance(error, ssl.SSLCertVerificationError):
            return DeviceNeedsPerson(
                f"{self._name} does not prove who it is ({error.verify_message}): nothing was sent;"
                " see email.host in hub.toml, or name its authority's certificate in email.ca_file"
            )
        return DeviceNeedsPerson(
            f"{self._name} speaks no TLS that the hub knows ({error.reason}): nothing was sent; see"
            " email.port and email.security in hub.toml"
        )

    def _refused(self, error: SMTPResponseException) -> HubError:
        account = self._account
        said = self._quoted(f"says {error.code} {error.message}")
        if error.code < 500:
            return DeviceUnavailable(
                f"{self._name} takes no e-mail now, it {said}; nothing was sent: try again in some"
                " minutes"
            )
        if isinstance(error, SMTPAuthenticationError):
            return DeviceNeedsPerson(
                f"{self._name} refused the login of {account.username}, it {said}: put the right"
                f" password into {account.password_file}, and restart the hub"
            )
        if error.code == _LOGIN_WANTED:
            return DeviceNeedsPerson(
                f"{self._name} wants a login, it {said}: see email.username and"
                " email.password_file in hub.toml"
            )
        if isinstance(error, SMTPRecipientRefused):
            said = f"refused {error.recipient}, it {said}"
        return DeviceRefused(f"{self._name} {said}; nothing was sent")

    def _quoted(self, words: str) -> str:
        """What the server says, for a person: one line, without the password if it echoes that."""
        user, password = self._account.username.encode(), self._account.password.encode()
        sent = (b64encode(b"\0%b\0%b" % (user, password)), b64encode(password), password)
        for secret in filter(None, (one.decode() for one in sent)):
            words = words.replace(secret, "••••")
        return plain(words, _LONGEST_SAID)


class _Connection(SMTP):
    """A connection that is gone once it is closed. The library's own `close` lets it linger until
    the server has read what it was sent, and has ended TLS."""

    def __init__(self, account: Account) -> None:
        super().__init__(
            hostname=account.host, port=account.port, tls_context=account.tls,
            use_tls=account.security is Security.TLS,
            start_tls=False,  # never because it happens to be offered: see `Mail._opened`
            local_hostname="localhost",  # until it is known: else DNS is asked, in a thread
            timeout=None,  # a call has one time for everything
        )  # fmt: skip

    def close(self) -> None:
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()
        super().close()


async def _say_goodbye(connection: _Connection, until: float | None) -> None:
    """End as SMTP wants it, where the server does too."""
    soon = asyncio.get_running_loop().time() + _FAREWELL
    with contextlib.suppress(SMTPException, OSError):
        async with asyncio.timeout_at(min(soon, until or soon)):
            await connection.quit()


def _is_refusal(error: Exception) -> bool:
    """Whether the server said no. Any other reply where yes is wanted is none of SMTP's."""
    return isinstance(error, SMTPResponseException) and 400 <= error.code < 600


def _own_name(connection: _Connection) -> str:
    """This machine as EHLO tells it: by its address, which is always right."""
    host = connection.get_transport_info("sockname")[0].partition("%")[0]
    return f"[IPv6:{host}]" if ":" in host else f"[{host}]"
