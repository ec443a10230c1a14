"""Sections of hub.toml about the ways in beside MQTT."""

import ipaddress
import ssl
from typing import Annotated, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from orchestrator import people
from orchestrator.settings.section import Section
from schemas.errors import InvalidSettings


def _address(listen: str) -> str:
    try:
        return str(ipaddress.ip_address(listen))
    except ValueError as error:
        raise ValueError(f"{listen!r} is no address of this machine, such as 0.0.0.0") from error


_Address = Annotated[str, AfterValidator(_address)]
"""An IP address of this machine, as it is written shortest."""


class Http(Section):
    """The web page and the API: on this machine only, unless it has a certificate."""

    port: int = Field(0, ge=0, le=65535)
    listen: _Address = "127.0.0.1"
    hosts: tuple[str, ...] = ()
    cert_file: str = ""
    key_file: str = ""

    @field_validator("hosts")
    @classmethod
    def _names(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        """As a browser writes them, without scheme and port."""
        wrong = next((h for h in hosts if not h or set(h) & set("/ *@[]")), None)
        if wrong is not None or any(h.count(":") == 1 for h in hosts):
            raise ValueError('names and addresses alone, such as "hub.example.org"')
        return tuple(h.lower().removesuffix(".") for h in hosts)

    @model_validator(mode="after")
    def _safe(self) -> Self:
        """Tokens cross a network encrypted or not at all."""
        if bool(self.cert_file) != bool(self.key_file):
            missing = "key_file" if self.cert_file else "cert_file"
            raise ValueError(f"http.{missing} is missing: a certificate needs its key")
        if not self.cert_file and not ipaddress.ip_address(self.listen).is_loopback:
            raise ValueError(
                f"http.listen: {self.listen} is reached by others, who need TLS: "
                "set http.cert_file and http.key_file"
            )
        return self

    def tls(self) -> ssl.SSLContext | None:
        """The certificate that is shown, TLS 1.2 or newer; None where none is set."""
        if not self.cert_file:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            # An empty password: nobody is asked for one while a service starts.
            context.load_cert_chain(self.cert_file, self.key_file, password="")
        except (OSError, ValueError) as error:
            why = error.strerror or "it does not fit" if isinstance(error, OSError) else error
            if isinstance(error, ssl.SSLError):
                why = "not a certificate and its key in PEM, without a password"
            files = f"{self.cert_file}, {self.key_file}"
            raise InvalidSettings(
                f"hub.toml: http.cert_file, http.key_file: {files}: {why}"
            ) from error
        return context


class ConsoleSettings(Section):
    """A phone that shows the page to one user, and says what waits for them."""

    device: str = Field(min_length=1)
    user: str = people.LOCAL
    port: int = Field(8377, ge=1024, le=65535)
    private: bool = True


class Mcp(Section):
    """Assistants with models of their own, by MCP; `octopus mcp` needs nothing of this."""

    http: bool = False
    confirm: bool = True


class Wyoming(Section):
    """Voice assistants, by the Wyoming protocol, which knows no logins."""

    port: int = Field(0, ge=0, le=65535)
    listen: _Address = "127.0.0.1"
    user: str = people.LOCAL

    @property
    def on_network(self) -> bool:
        """Whether other machines can reach it."""
        return not ipaddress.ip_address(self.listen).is_loopback


class HomeAssistantSettings(Section):
    """Whether Home Assistant, on the same broker, shows the hub: then whoever is at one of its
    dashboards speaks to the hub as this user."""

    user: str = ""
