"""The household's account on a mail server."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from email.headerregistry import Address
from enum import StrEnum


class Security(StrEnum):
    """How what is said to a mail server is kept from others."""

    TLS = "tls"  # from the beginning
    STARTTLS = "starttls"  # before anything private is said
    NONE = "none"  # only within this machine


@dataclass(frozen=True)
class Account:
    """Where e-mail is handed over, and whose it is; `tls` is needed with any security."""

    host: str
    port: int
    security: Security
    sender: Address
    tls: ssl.SSLContext | None = None
    username: str = ""
    password: str = field(default="", repr=False)
    password_file: str = ""
    """Where the password comes from, for a person who must put it right."""
