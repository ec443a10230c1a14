"""The weather as Open-Meteo tells it: pure."""

from __future__ import annotations

import json
from typing import Any

from schemas.base import Value
from schemas.errors import DeviceRefused

# WMO codes, as Open-Meteo groups them.
_WORDS = {
    0: "sunny",
    1: "mostly sunny",
    2: "partly cloudy",
    3: "cloudy",
    45: "fog",
    48: "freezing fog",
    51: "light drizzle",
    53: "drizzle",
    55: "heavy drizzle",
    56: "freezing drizzle",
    57: "freezing drizzle",
    61: "light rain",
    63: "rain",
    65: "heavy rain",
    66: "freezing rain",
    67: "freezing rain",
    71: "light snow",
    73: "snow",
    75: "heavy snow",
    77: "snow grains",
    80: "light showers",
    81: "showers",
    82: "heavy showers",
    85: "snow showers",
    86: "heavy snow showers",
    95: "thunderstorms",
    96: "thunderstorms with hail",
    99: "thunderstorms with hail",
}


class Spot(Value):
    """A place on the map."""

    name: str
    latitude: float
    longitude: float


def read_spot(body: bytes, asked: str) -> Spot:
    """The best match of a search for a place; `DeviceRefused` where there is none."""
    results = _object(body).get("results")
    try:
        best = results[0] if isinstance(results, list) else None
        if best is None:
            raise DeviceRefused(f"there is no place called {asked}")
        return Spot(
            name=str(best["name"])[:80],
            latitude=float(best["latitude"]),
            longitude=float(best["longitude"]),
        )
    except (LookupError, TypeError, ValueError) as exc:
        raise DeviceRefused("the place search answered nonsense") from exc


def read_forecast(body: bytes, spot: Spot) -> str:
    """One line, like `Seoul: sunny, 24 °C, today 18 to 27 °C`."""
    answer = _object(body)
    try:
        now, today = answer["current"], answer["daily"]
        words = _WORDS.get(int(now["weather_code"]), "weather unknown")
        low, high = today["temperature_2m_min"][0], today["temperature_2m_max"][0]
        return (
            f"{spot.name}: {words}, {float(now['temperature_2m']):.0f} °C,"
            f" today {float(low):.0f} to {float(high):.0f} °C"
        )
    except (LookupError, TypeError, ValueError) as exc:
        raise DeviceRefused("the weather service answered nonsense") from exc


def _object(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise DeviceRefused("the weather service answered nonsense")
    return answer
