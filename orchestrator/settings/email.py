"""The section `[email]` of hub.toml."""

from ipaddress import ip_address
from typing import Self

from pydantic import ConfigDict, Field, model_validator

from device_adapters.hub import Account, Security, mailbox
from orchestrator.settings.section import Section, secret, trusting


class Email(Section):
    """The mail server by which the hub sends e-mail; without a host it sends none."""

    model_config = ConfigDict(populate_by_name=True)

    host: str = Field("", pattern=r"^[^\s/@]*$")
    port: int = Field(0, ge=0, le=65535)
    security: Security = Security.TLS
    sender: str = Field("", alias="from")
    username: str = ""
    password_file: str = ""
    ca_file: str = ""

    @model_validator(mode="after")
    def _can_send(self) -> Self:
        """Refuse what could not send, or would show a password to others."""
        if not self.host:
            if any((self.port, self.sender, self.username, self.password_file, self.ca_file)):
                raise ValueError("host is missing: the name of the mail server")
            return self
        mailbox(self.sender)
        if self.security is Security.NONE and not _is_this_machine(self.host):
            raise ValueError('security = "none" is for a mail server on this machine only')
        if bool(self.username) != bool(self.password_file):
            raise ValueError("username and password_file go together")
        return self

    def account(self) -> Account | None:
        """The account on the server, if there is one; InvalidSettings where a file is not right."""
        if not self.host:
            return None
        return Account(
            self.host, self.port or _MAIL_PORTS[self.security], self.security,
            mailbox(self.sender), trusting(self.ca_file, "email.ca_file"), self.username,
            secret(self.password_file, "email.password_file") or "", self.password_file,
        )  # fmt: skip


_MAIL_PORTS = {Security.TLS: 465, Security.STARTTLS: 587, Security.NONE: 25}


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
