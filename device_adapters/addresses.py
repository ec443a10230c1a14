"""Web addresses as people say them, to ones that a device opens."""

import re
from urllib.parse import urlsplit

from schemas.errors import DeviceRefused

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def web_page(said: str) -> str:
    """`said` with https:// where it names no scheme; DeviceRefused where it is no web page."""
    url = said if _SCHEME.match(said) else f"https://{said}"
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if host is None or parts.scheme.lower() not in ("http", "https"):
        raise DeviceRefused(f"{said} is not a web page")
    return url
