"""The section `[broker]` of hub.toml."""

import ssl
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from orchestrator.settings.section import Section, secret, trusting


class BrokerSettings(Section):
    """Which MQTT broker."""

    url: str = Field("", pattern=r"^(mqtts?://[^\s/]+)?$")
    ca_file: str = ""
    username: str = ""
    password_file: str = ""
    port: int = Field(1883, ge=0, le=65535)
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

    @model_validator(mode="after")
    def _trusts_somebody(self) -> Self:
        if self.ca_file and not self.encrypted:
            raise ValueError("broker.ca_file needs an mqtts:// broker.url")
        return self

    @property
    def encrypted(self) -> bool:
        """Whether the broker is spoken to over TLS."""
        return self.url.startswith("mqtts://")

    def address(self) -> tuple[str, int] | None:
        """Host and port of a configured broker."""
        parts = urlsplit(self.url)
        port = parts.port or (8883 if self.encrypted else 1883)
        return (parts.hostname, port) if parts.hostname else None

    def tls(self) -> ssl.SSLContext | None:
        """How the broker's certificate is checked: its host's name, and by whom it was signed."""
        return trusting(self.ca_file, "broker.ca_file") if self.encrypted else None

    def password(self) -> str | None:
        """The password for the configured broker."""
        return secret(self.password_file, "broker.password_file")
