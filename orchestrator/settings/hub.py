"""Sections of hub.toml about the hub itself: who it is, how it looks around, and how much it keeps,
logs and takes in."""

from typing import Literal
from urllib.parse import quote, urlsplit

import phonenumbers
from pydantic import Field, field_validator

from orchestrator.admission import Limits
from orchestrator.settings.section import Section, secret


class Hub(Section):
    """Who this hub is."""

    name: str = Field("octopus", pattern=r"^[a-z0-9_-]{1,40}$")
    state: str = ""
    region: str = Field("US", pattern=r"^[A-Z]{2}$")
    time_zone: str = ""
    managers: tuple[str, ...] = ()

    @field_validator("region")
    @classmethod
    def _is_one(cls, region: str) -> str:
        """Where no telephone numbers are known, national ones could not be read."""
        if region not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError(f"no telephone numbers are known for {region}: take one such as US")
        return region


class Store(Section):
    """Where the journal is, and for how long."""

    url: str = ""
    password_file: str = ""
    keep_days: int = Field(365, ge=0, le=36500)
    backups: int = Field(7, ge=0, le=1000)

    @field_validator("url")
    @classmethod
    def _names_a_user(cls, url: str) -> str:
        """Passwords have a file of their own."""
        parts = urlsplit(url)
        if url and not (
            url.startswith("postgresql://") and parts.username and parts.path.strip("/")
        ):
            raise ValueError("must be postgresql://user@host/database, or empty")
        if parts.password is not None:
            raise ValueError("must hold no password: store.password_file names a file with it")
        return url

    def address(self) -> str:
        """The URL, with the password if there is one."""
        password = secret(self.password_file, "store.password_file")
        if password is None or not self.url:
            return self.url
        user, _, place = self.url.partition("@")
        return f"{user}:{quote(password, safe='')}@{place}"


class Discovery(Section):
    """How devices are looked for."""

    zeroconf: bool = True
    usb: bool = True
    announce: bool = True
    loopback_only: bool = False


class LimitSettings(Section):
    """How much is taken in."""

    commands_per_minute: int = Field(Limits.a_minute, ge=1)
    burst: int = Field(Limits.burst, ge=1)
    under_way: int = Field(Limits.under_way, ge=1)

    def of_users(self) -> Limits:
        """As the pipeline takes it."""
        return Limits(self.commands_per_minute, self.burst, self.under_way)


class Log(Section):
    """How much is logged, and in which form."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "logfmt", "console"] = "auto"
