"""Web addresses as people say them, to ones that a device opens."""

import re
from urllib.parse import urlsplit

from schemas.errors import DeviceRefused

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?!\d)", re.IGNORECASE)
"""A scheme; "example.com:8080" is a host with a port."""


def web_page(said: str) -> str:
    """`said` with https:// where it names no scheme; DeviceRefused where it is no web page."""
    url = said if _SCHEME.match(said) else f"https://{said}"
    try:
        parts = urlsplit(url)
        of_the_web = parts.scheme in ("http", "https") and parts.port != 0
        host = parts.hostname or ""
    except ValueError:  # no number for a port, or half an IPv6 address
        of_the_web, host = False, ""
    named = re.search(r"\w", host) and ("." in host or host == "localhost" or url == said)
    if not of_the_web or not named:
        raise DeviceRefused(f"{said} is not a web page")
    return url
