"""A loopback web with the shapes of Open-Meteo's two services and of a news feed."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape


@dataclass(frozen=True)
class Place:
    """A place and its weather, in °C and km/h; tomorrow it rains a little and is two colder."""

    latitude: float
    longitude: float
    temperature: float = 24.0
    code: int = 0  # WMO
    low: float = 18.0
    high: float = 27.0
    wind: float = 8.0
    light: bool = True
    offset: int = 0  # seconds
    country: str = ""


class SimulatedWeb:
    """Serves `places` and `headlines`, and what `pages` has under a path; `status`, `body` and
    `silent` replace what is right. `now` tells the seconds since the epoch."""

    def __init__(self) -> None:
        self.places = {"Seoul": Place(37.566, 126.978), "London": Place(51.507, -0.128, 11, 61)}
        self.pages: dict[str, bytes] = {}
        self.now = time.time
        self.headlines = ["Octopus opens a jar", "Rain & sun expected"]
        self.asked: list[str] = []
        self.status = HTTPStatus.OK
        self.body: bytes | None = None
        self.silent = False
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """Its address, for both weather services."""
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    @property
    def news_url(self) -> str:
        """The address of its feed, with the places for query and language."""
        return f"{self.url}/rss?q={{query}}&hl={{language}}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Go away, as where there is no network; safe to call twice."""
        self._server.close()
        for writer in list(self._open):
            writer.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            target = head.decode("latin-1").split(" ")[1]
            self.asked.append(target)
            if self.silent:
                await reader.read()
            else:
                writer.write(self._answer(target))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def _answer(self, target: str) -> bytes:
        url = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        pages = {"/v1/search": self._search, "/v1/forecast": self._forecast, "/rss": self._feed}
        page = pages.get(url.path)
        status = self.status if page else HTTPStatus.NOT_FOUND
        if (body := self.pages.get(url.path)) is not None:
            status = self.status
        elif (body := self.body) is None:
            body = page(query) if page else b""
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n"
        )
        return head.encode() + body

    def _search(self, query: dict[str, str]) -> bytes:
        found = [
            {"name": name.partition(",")[0], "latitude": place.latitude,
             "longitude": place.longitude, "country": place.country}
            for name, place in self.places.items()
            if name.partition(",")[0].casefold() == query["name"].casefold()
        ]  # fmt: skip
        found = found[: int(query["count"])]
        return json.dumps({"results": found} if found else {"generationtime_ms": 0.1}).encode()

    def _forecast(self, query: dict[str, str]) -> bytes:
        at = float(query["latitude"]), float(query["longitude"])
        place = next(p for p in self.places.values() if (p.latitude, p.longitude) == at)
        today = datetime.fromtimestamp(self.now() + place.offset, UTC).date()
        days = range(int(query["forecast_days"]))
        return json.dumps({
            "utc_offset_seconds": place.offset,
            "current": {
                "temperature_2m": place.temperature, "weather_code": place.code,
                "is_day": int(place.light), "wind_speed_10m": place.wind,
            },
            "daily": {
                "time": [str(today + timedelta(days=day)) for day in days],
                "weather_code": [61 if day else place.code for day in days],
                "temperature_2m_max": [place.high - 2 * day for day in days],
                "temperature_2m_min": [place.low - 2 * day for day in days],
            },
        }).encode()  # fmt: skip

    def _feed(self, query: dict[str, str]) -> bytes:
        wanted = query.get("q", "").casefold()
        items = "".join(
            f"<item><title>{escape(line)}</title><link>https://news.example/</link></item>"
            for line in self.headlines
            if wanted in line.casefold()
        )
        feed = f'<rss version="2.0"><channel><title>News</title>{items}</channel></rss>'
        return f'<?xml version="1.0" encoding="UTF-8"?>{feed}'.encode()
