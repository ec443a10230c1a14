"""Names of time zones behind a time of day: "London time", "pacific time", "CET"."""

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

_ABBREVIATED = {
    "utc": "UTC",
    "gmt": "UTC",
    "wet": "Europe/Lisbon",
    "cet": "Europe/Brussels",
    "cest": "Europe/Brussels",
    "eet": "Europe/Athens",
    "eest": "Europe/Athens",
    "bst": "Europe/London",
    "msk": "Europe/Moscow",
    "jst": "Asia/Tokyo",
    "kst": "Asia/Seoul",
    "hkt": "Asia/Hong_Kong",
    "aest": "Australia/Sydney",
    "aedt": "Australia/Sydney",
    "awst": "Australia/Perth",
    "nzst": "Pacific/Auckland",
    "nzdt": "Pacific/Auckland",
    "akst": "America/Anchorage",
    "akdt": "America/Anchorage",
    "hst": "Pacific/Honolulu",
} | {
    letter + kind: f"America/{city}"
    for letter, city in zip("ecmp", ("New_York", "Chicago", "Denver", "Los_Angeles"), strict=True)
    for kind in ("st", "dt", "t")
}
_AMBIGUOUS = frozenset({"ist", "ast", "sst", "gst"})
"""Of several zones each: India, Israel and Ireland have an IST."""
_CAPITAL = frozenset({"wet", "et", "ct", "mt", "pt"})
"""Abbreviations that are none in small letters."""
_HERE = frozenset({"local", "my", "our"})
_NO_PLACE = frozenset(
    {
        *("act", "center", "east", "easter", "factory", "north", "oral", "reunion", "south"),
        *("troll", "wake", "west"),
    }
)
"""Zones whose names are more often something else."""
_WORDS = re.compile(
    rf"\s+(?:in\s+)?(?P<zone>(?P<short>{'|'.join([*_ABBREVIATED, *_AMBIGUOUS])})"
    r"|(?P<place>(?!\b(?:this|every|each|any|next)\b)[a-z]+(?:[\s_/-]+[a-z]+){0,2}?)"
    r"(?:\s+(?:standard|daylight))?\s+time)\b",
    re.IGNORECASE,
)


def behind(text: str, at: int) -> "re.Match[str] | None":
    """The words of a zone that stand there: one that is known, or a name in capitals."""
    match = _WORDS.match(text, at)
    if match is None:
        return None
    if match["short"] is not None:
        small = match["short"].lower() in _CAPITAL and not match["short"].isupper()
        return None if small else match
    # "at 7 pm dinner time" and "at 7 play party time" name no zone.
    named = all(word[:1].isupper() for word in re.split(r"[\s_/-]+", match["place"]))
    return match if named or name(match) is not None else None


def name(match: "re.Match[str]") -> str | None:
    """The IANA name; "" for the zone here, None for words that name none, or several."""
    if match["short"] is not None:
        return _ABBREVIATED.get(match["short"].lower())
    place = re.sub(r"[\s_-]+", " ", match["place"].lower())
    return "" if place in _HERE else _places().get(place)


@lru_cache(maxsize=1)
def _places() -> Mapping[str, str]:
    """Cities, and regions such as "Pacific", to the names of their zones."""
    # zoneinfo.available_timezones opens every file of the system's zones to find these.
    names = sorted(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())
    cities = {re.sub(r"[_-]", " ", zone.rpartition("/")[2].lower()): zone for zone in names}
    return MappingProxyType({city: cities[city] for city in cities.keys() - _NO_PLACE})
