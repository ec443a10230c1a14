"""The weather as Open-Meteo tells it, and as a person reads it: pure."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from device_adapters.hub.plain import plain
from schemas.errors import DeviceRefused
from schemas.region import FAHRENHEIT, MILES

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
_AT_NIGHT = {"sunny": "clear", "mostly sunny": "mostly clear"}
_DAYS = 3
"""Asked for, so that a forecast told after midnight still has a tomorrow."""
_MOST_FOUND = 10
_LONGEST = 80

FORECAST = {
    "current": "temperature_2m,weather_code,is_day,wind_speed_10m",
    "daily": "weather_code,temperature_2m_max,temperature_2m_min",
    "timezone": "auto",
    "forecast_days": str(_DAYS),
}
"""What is asked of the service, beside the place; in its own units, °C and km/h."""


class Spot(NamedTuple):
    """A place on the map."""

    name: str
    latitude: float
    longitude: float


class Day(NamedTuple):
    """A day's weather, in °C."""

    code: int
    low: float
    high: float


class Forecast(NamedTuple):
    """The weather of one place, in °C and km/h, and its days by their local dates."""

    place: str
    code: int
    light: bool
    temperature: float
    wind: float
    offset: int  # seconds that the place's clocks are ahead of UTC
    days: dict[date, Day]


def place_search(asked: str) -> dict[str, str]:
    """What is asked of the search for a place; "Austin, Texas" is looked for among all Austins."""
    name, of = _parts(asked)
    count = _MOST_FOUND if of else 1
    return {"name": name, "count": str(count), "language": "en", "format": "json"}


def read_spot(body: bytes, asked: str) -> Spot:
    """The best match of a search for a place; `DeviceRefused` where there is none."""
    _, of = _parts(asked)
    results = _object(body).get("results") or []
    try:
        for found in results[:_MOST_FOUND]:
            spot = Spot(
                plain(str(found["name"]), _LONGEST),
                _number(found["latitude"], 90),
                _number(found["longitude"], 180),
            )
            around = (found.get(key) for key in ("admin1", "admin2", "country", "country_code"))
            if not of or of.casefold() in (str(name).casefold() for name in around):
                return spot
    except (LookupError, TypeError, ValueError, AttributeError) as exc:
        raise DeviceRefused("the place search answered nonsense") from exc
    raise DeviceRefused(f"there is no place called {plain(asked, _LONGEST)}")


def read_forecast(body: bytes, place: str) -> Forecast:
    """A forecast; `DeviceRefused` where it is none."""
    answer = _object(body)
    try:
        now, days = answer["current"], answer["daily"]
        return Forecast(
            place=place,
            code=int(now["weather_code"]),
            light=bool(now["is_day"]),
            temperature=_number(now["temperature_2m"], 100),
            wind=_number(now["wind_speed_10m"], 1000),
            offset=int(_number(answer["utc_offset_seconds"], 86_399)),
            days={
                date.fromisoformat(days["time"][at]): Day(
                    int(days["weather_code"][at]),
                    _number(days["temperature_2m_min"][at], 100),
                    _number(days["temperature_2m_max"][at], 100),
                )
                for at in range(min(_DAYS, len(days["time"])))
            },
        )
    except (LookupError, TypeError, ValueError, OverflowError) as exc:
        raise DeviceRefused("the weather service answered nonsense") from exc


def brief(forecast: Forecast, region: str, at: float) -> str:
    """So short that a text message may hold it, like `Seoul: sunny, 24 °C, today 18 to 27 °C`, in
    the units of a region; `at`: seconds since the epoch, which say what today is."""
    words = _words(forecast.code)
    words = words if forecast.light else _AT_NIGHT.get(words, words)
    now = f"{_degrees(forecast.temperature, region)} {_unit(region)}"
    day = forecast.days.get(_date(forecast, at))
    today = f", today {_range(day, region)}" if day else ""
    return f"{forecast.place}: {words}, {now}{today}"


def whole(forecast: Forecast, region: str, at: float) -> str:
    """`brief`, with the wind and tomorrow."""
    line = f"{brief(forecast, region, at)}, wind {_speed(forecast.wind, region)}"
    day = forecast.days.get(_date(forecast, at) + timedelta(days=1))
    return f"{line}; tomorrow {_words(day.code)}, {_range(day, region)}" if day else line


def _date(forecast: Forecast, at: float) -> date:
    """The date at the place."""
    return (datetime.fromtimestamp(at, UTC) + timedelta(seconds=forecast.offset)).date()


def _parts(asked: str) -> tuple[str, str]:
    name, _, of = asked.partition(",")
    return name.strip(), of.strip()


def _words(code: int) -> str:
    return _WORDS.get(code, "weather unknown")


def _range(day: Day, region: str) -> str:
    return f"{_degrees(day.low, region)} to {_degrees(day.high, region)} {_unit(region)}"


def _degrees(celsius: float, region: str) -> int:
    return round(celsius * 1.8 + 32) if region in FAHRENHEIT else round(celsius)


def _unit(region: str) -> str:
    return "°F" if region in FAHRENHEIT else "°C"


def _speed(kilometres: float, region: str) -> str:
    return f"{round(kilometres / 1.609344)} mph" if region in MILES else f"{round(kilometres)} km/h"


def _number(said: Any, most: float) -> float:
    """A number of a size that can be; ValueError for any other."""
    number = float(said)
    if not math.isfinite(number) or abs(number) > most:
        raise ValueError(said)
    return number


def _object(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise DeviceRefused("the weather service answered nonsense")
    return answer
