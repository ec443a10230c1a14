"""What a person asked, and who asked it."""

from schemas.base import Value
from schemas.call import NamedCall


class Command(Value):
    """One sentence on its way in. The id is the sender's where there is one: sent again with the
    same id it is the same command."""

    id: str
    text: str
    user: str
    door: str  # where it came in and its answer goes: mqtt | cli | …
    devices: tuple[str, ...] = ()  # only these devices, by id or name; empty: any
    dry_run: bool = False
    expires: float | None = None  # seconds since the epoch
    hold: float | None = None  # until then its calls wait for a device that is away
    schedule: str | None = None  # the schedule that it comes from
    call: NamedCall | None = None  # what is to be done, where no model is to read it from the text

    def expired(self, now: float) -> bool:
        """Whether it may not run any more; `now` in seconds since the epoch."""
        return self.expires is not None and self.expires < now
