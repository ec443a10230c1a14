"""Sections of hub.toml about the ways in beside MQTT."""

from pydantic import Field

from orchestrator import people
from orchestrator.settings.section import Section


class Http(Section):
    """The web page, on this machine only."""

    port: int = Field(0, ge=0, le=65535)


class ConsoleSettings(Section):
    """A phone that shows the page to one user, and says what waits for them."""

    device: str = Field(min_length=1)
    user: str = people.LOCAL
    port: int = Field(8377, ge=1024, le=65535)
    private: bool = True
