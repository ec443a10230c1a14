"""Where one Home Assistant is, and how it lets the hub in."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import NamedTuple

from schemas.errors import DeviceNeedsPerson

_LONGEST = 4096


class Access(NamedTuple):
    """Where Home Assistant is and how it lets the hub in; pauses in seconds."""

    url: str
    token_file: Path
    tls: ssl.SSLContext | None = None
    pause: float = 1.0  # before the second attempt; doubled up to `longest`
    longest: float = 60.0
    ping: float = 20.0

    @property
    def socket(self) -> str:
        """Where its WebSocket is."""
        return f"{self.url.rstrip('/').replace('http', 'ws', 1)}/api/websocket"

    @property
    def not_let_in(self) -> str:
        """What a person must do where it does not know the token."""
        return (
            f"Home Assistant at {self.url} does not accept the token in {self.token_file}: "
            "make a long-lived one in your profile there, and put it into this file"
        )

    def token(self) -> str:
        """The long-lived token; `DeviceNeedsPerson` where the file holds none. Blocks."""
        try:
            token = self.token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise DeviceNeedsPerson(
                f"adapters.hass.token_file: {self.token_file} cannot be read: "
                f"{error.strerror if isinstance(error, OSError) else 'it is no text'}"
            ) from error
        if not token or len(token) > _LONGEST:
            raise DeviceNeedsPerson(f"adapters.hass.token_file: {self.token_file} holds no token")
        return token
