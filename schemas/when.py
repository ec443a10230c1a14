"""When something is to happen."""

from schemas.base import Value


class When(Value):
    """One moment, or a rhythm that starts with it; wall time, so that "at 7" stays 7 in summer."""

    at: str  # the first occurrence's wall time in the zone, YYYY-MM-DDTHH:MM:SS
    zone: str  # IANA, "Europe/Berlin"
    rule: str = ""  # RFC 5545 RRULE: FREQ, INTERVAL, BYDAY, BYMONTHDAY, BYMONTH; empty: once
