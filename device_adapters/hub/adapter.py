"""The hub's own functions: the weather and the news."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from device_adapters.base import Adapter
from device_adapters.hub.news import read_headlines
from device_adapters.hub.weather import read_forecast, read_spot
from device_adapters.hub.web import Web
from schemas.call import Invocation
from schemas.device import Device
from schemas.errors import DeviceRefused, DeviceUnavailable
from schemas.outcome import Done, Evidence

WEATHER_URL = "https://api.open-meteo.com"
GEOCODING_URL = "https://geocoding-api.open-meteo.com"
NEWS_URL = "https://news.google.com/rss/search?q={query}&hl={language}"
HEADLINES_URL = "https://news.google.com/rss?hl={language}"
_Runner = Callable[[Web, Invocation], Awaitable[str | tuple[str, ...]]]


class HubAdapter(Adapter):
    """The hub as a device; `location` is where the home is, for a forecast without a place."""

    def __init__(
        self,
        device: Device,
        *,
        weather_url: str = WEATHER_URL,
        geocoding_url: str = GEOCODING_URL,
        news_url: str = NEWS_URL,
        headlines_url: str = HEADLINES_URL,
        location: str | None = None,
    ) -> None:
        self.device = device
        self._weather_url = weather_url.rstrip("/")
        self._geocoding_url = geocoding_url.rstrip("/")
        self._news_url, self._headlines_url = news_url, headlines_url
        self._location = location
        self._web: Web | None = None

    async def connect(self) -> frozenset[str]:
        self._web = self._web or Web()
        return frozenset({"get_weather_forecast", "get_trending_news"})

    async def call(self, invocation: Invocation) -> Done:
        runners: dict[str, _Runner] = {
            "get_weather_forecast": self._weather, "get_trending_news": self._news,
        }  # fmt: skip
        runner = runners.get(invocation.function)
        if runner is None:
            raise DeviceRefused(f"the hub cannot {invocation.function}")
        if self._web is None:
            raise DeviceUnavailable("the hub's own functions are not connected")
        try:
            async with asyncio.timeout(invocation.timeout):
                result = await runner(self._web, invocation)
        except TimeoutError as exc:
            raise DeviceUnavailable(f"no answer within {invocation.timeout:g} s") from exc
        detail = "; ".join(result) if isinstance(result, tuple) else result
        return Done(evidence=Evidence.VERIFIED, result=result, detail=detail)

    async def close(self) -> None:
        web, self._web = self._web, None
        if web:
            await web.close()

    async def _weather(self, web: Web, call: Invocation) -> str:
        asked = str(call.arguments.get("location") or self._location or "")
        if not asked:
            raise DeviceRefused("the weather where? the hub's own location is not set")
        search = {"name": asked, "count": "1", "language": "en", "format": "json"}
        found = await web.get(f"{self._geocoding_url}/v1/search", "place search", search)
        spot = read_spot(found, asked)
        query = {
            "latitude": str(spot.latitude),
            "longitude": str(spot.longitude),
            "current": "temperature_2m,weather_code",
            "daily": "temperature_2m_max,temperature_2m_min",
            "timezone": "auto",
            "forecast_days": "1",
        }
        forecast = await web.get(f"{self._weather_url}/v1/forecast", "weather service", query)
        return read_forecast(forecast, spot)

    async def _news(self, web: Web, call: Invocation) -> tuple[str, ...]:
        query = str(call.arguments.get("query") or "")
        language = str(call.arguments.get("language") or "en")
        form = self._news_url if query else self._headlines_url
        url = form.replace("{query}", quote(query, safe="")).replace(
            "{language}", quote(language, safe="")
        )
        titles = read_headlines(await web.get(url, "news service"))
        if not titles:
            raise DeviceRefused(f"there is no news about {query}" if query else "there is no news")
        return titles
