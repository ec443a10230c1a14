"""The section `[broker]` of hub.toml."""

import re
import ssl
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from orchestrator.broker import Listen, Login
from orchestrator.settings.section import Section, secret, trusting

_LISTEN = re.compile(r"([^\s/:\[\]]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}", re.ASCII)


class BrokerSettings(Section):
    """Which MQTT broker."""

    url: str = Field("", pattern=r"^(mqtts?://[^\s/]+)?$")
    ca_file: str = ""
    username: str = ""
    password_file: str = ""
    port: int = Field(1883, ge=0, le=65535)
    listen: str = ""
    cert_file: str = ""
    key_file: str = ""
    listen_unencrypted: bool = False
    topic: str = Field("octopus", pattern=r"^[^\s#+]+$")
    discovery: str = Field("homeassistant", pattern=r"^[^\s#+]+$")

    @field_validator("url")
    @classmethod
    def _has_a_host(cls, url: str) -> str:
        """Refuse what `address` could not read; passwords have a file of their own."""
        parts = urlsplit(url)
        if url and (not parts.hostname or parts.username or parts.port == 0):
            raise ValueError("must be mqtt://host or mqtts://host, and :port where it is another")
        return url

    @field_validator("listen")
    @classmethod
    def _is_an_address(cls, listen: str) -> str:
        if listen and not _LISTEN.fullmatch(listen):
            raise ValueError("must be an address and a port, such as 0.0.0.0:8883 or [::]:8883")
        return listen

    @model_validator(mode="after")
    def _trusts_somebody(self) -> Self:
        if self.ca_file and not self.encrypted:
            raise ValueError("broker.ca_file needs an mqtts:// broker.url")
        return self

    @model_validator(mode="after")
    def _listens_safely(self) -> Self:
        """Passwords cross the network encrypted, or by somebody's own decision."""
        certified = bool(self.cert_file and self.key_file)
        if not self.listen:
            if self.cert_file or self.key_file or self.listen_unencrypted:
                raise ValueError("broker.listen must say where the broker listens")
            return self
        if self.url:
            raise ValueError("broker.listen is of the hub's own broker, broker.url names another")
        if self._port() in (0, self.port) or self._port() > 65535:
            raise ValueError("broker.listen needs a port of its own, such as 0.0.0.0:8883")
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("broker.cert_file and broker.key_file belong together")
        if certified == self.listen_unencrypted:
            raise ValueError(
                "broker.listen needs broker.cert_file and broker.key_file, or, for devices that "
                "know no TLS, broker.listen_unencrypted = true: passwords then cross the network "
                "in the clear"
            )
        return self

    def _port(self) -> int:
        return int(self.listen.rpartition(":")[2])

    @property
    def encrypted(self) -> bool:
        """Whether the broker is spoken to over TLS."""
        return self.url.startswith("mqtts://")

    def address(self) -> tuple[str, int] | None:
        """Host and port of a configured broker."""
        parts = urlsplit(self.url)
        port = parts.port or (8883 if self.encrypted else 1883)
        return (parts.hostname, port) if parts.hostname else None

    def login(self) -> Login | None:
        """How to log in at a configured broker; None where the hub has one of its own."""
        address = self.address()
        if address is None:
            return None
        return Login(*address, self.username or None, self.password(), self.tls())

    def listening(self) -> Listen | None:
        """The further address of the hub's own broker, if there is one."""
        if not self.listen:
            return None
        host = self.listen.rpartition(":")[0].strip("[]")
        return Listen(host, self._port(), self.cert_file, self.key_file)

    def tls(self) -> ssl.SSLContext | None:
        """How the broker's certificate is checked: its host's name, and by whom it was signed."""
        return trusting(self.ca_file, "broker.ca_file") if self.encrypted else None

    def password(self) -> str | None:
        """The password for the configured broker."""
        return secret(self.password_file, "broker.password_file")
