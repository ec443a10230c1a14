"""In which time zone the hub is."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tzlocal

from orchestrator.settings import Settings
from schemas.errors import InvalidSettings


def time_zone(settings: Settings) -> ZoneInfo:
    """The configured zone, else this machine's: by name, for it knows when summer begins."""
    name = settings.hub.time_zone
    try:
        return ZoneInfo(name) if name else tzlocal.get_localzone()
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidSettings(f"hub.toml: hub.time_zone: no time zone {name!r}") from error
