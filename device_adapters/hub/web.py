"""Fetching small documents from the web: bounded in time and size, errors in the hub's words."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from device_adapters.hub.plain import plain
from schemas.errors import DeviceRefused, DeviceUnavailable

_MAXIMUM_BYTES = 1024 * 1024
_SAID = 120  # characters of what went wrong; it may quote the service
_TIMEOUT = httpx.Timeout(8.0, connect=4.0)


class Web:
    """A small HTTP client; close it when done."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(
            timeout=_TIMEOUT,
            follow_redirects=True,
            max_redirects=3,
            # Packed, a small answer may be a large one.
            headers={"User-Agent": "octopus-hub", "Accept-Encoding": "identity"},
        )

    async def get(self, url: str, service: str, params: Mapping[str, str] | None = None) -> bytes:
        """A document; `DeviceUnavailable`: no network or no answer; `DeviceRefused`: an error."""
        try:
            async with self._client.stream("GET", url, params=params) as response:
                if response.status_code >= 400:
                    raise DeviceRefused(f"the {service} answered {response.status_code}")
                return await _bounded(response, service)
        except httpx.TimeoutException as exc:
            raise DeviceUnavailable(f"the {service} does not answer") from exc
        except httpx.ConnectError as exc:
            raise DeviceUnavailable(f"no network: the {service} cannot be reached") from exc
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as exc:  # of a redirection too
            raise DeviceUnavailable(f"the {service} broke off: {plain(str(exc), _SAID)}") from exc

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


async def _bounded(response: httpx.Response, service: str) -> bytes:
    body = b""
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > _MAXIMUM_BYTES:
            raise DeviceRefused(f"the {service} sent too much")
    return body
