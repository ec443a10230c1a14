"""Asks for the weather, and remembers the places and what was told of them."""

from __future__ import annotations

import math
from typing import NamedTuple

from device_adapters.hub.plain import plain
from device_adapters.hub.remembered import Clock, Remembered
from device_adapters.hub.sources import Sources
from device_adapters.hub.weather import (
    FORECAST,
    Forecast,
    Spot,
    brief,
    place_search,
    read_forecast,
    read_spot,
    whole,
)
from device_adapters.hub.web import Web
from schemas.errors import DeviceRefused

FRESH = 30 * 60.0
KEPT = 6 * 3600.0
"""Seconds for which a forecast is told again, and for which it is told where there is no newer."""


_LONGEST = 200
"""Characters of a place."""


class Report(NamedTuple):
    """A forecast for a message and for the person who asked; not `current` where it is an earlier
    one, as both say."""

    brief: str
    whole: str
    current: bool


class Forecasts:
    """The forecasts of the places that people ask for, in the units of a region."""

    def __init__(self, sources: Sources, region: str, clock: Clock) -> None:
        self._sources, self._region, self._clock = sources, region, clock
        self._spots = Remembered[Spot](math.inf, math.inf, clock=clock)
        self._forecasts = Remembered[Forecast](FRESH, KEPT, clock=clock)

    async def get(self, web: Web, location: str, until: float) -> Report:
        """The forecast of a place; of the home where no location is given."""
        asked = plain(location, _LONGEST) or self._sources.location
        if not asked:
            raise DeviceRefused("the weather where? home.location in hub.toml is not set")

        async def find() -> Spot:
            url = f"{self._sources.geocoding_url.rstrip('/')}/v1/search"
            return read_spot(await web.get(url, "place search", place_search(asked)), asked)

        spot = (await self._spots.get(asked.casefold(), find, until)).value

        async def look() -> Forecast:
            url = f"{self._sources.forecast_url.rstrip('/')}/v1/forecast"
            place = {"latitude": str(spot.latitude), "longitude": str(spot.longitude)}
            body = await web.get(url, "weather service", place | FORECAST)
            return read_forecast(body, spot.name)

        known = await self._forecasts.get(spot, look, until)
        short, full = (tell(known.value, self._region, self._clock()) for tell in (brief, whole))
        if not known.trouble:
            return Report(short, full, current=True)
        full = f"{full} (as of {known.ago}: {known.trouble})"
        return Report(f"{short} ({known.ago})", full, current=False)
