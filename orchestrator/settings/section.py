"""What every section of the configuration is made of."""

import ssl
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from schemas.errors import InvalidSettings


class Section(BaseModel):
    """Read from TOML, so enums and tuples are read leniently; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def secret(file: str, setting: str) -> str | None:
    """What the file of a setting holds, if it is set."""
    if not file:
        return None
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"hub.toml: {setting}: {error}") from error


def trusting(ca_file: str, setting: str) -> ssl.SSLContext:
    """How a server's certificate is checked: its host's name, and by whom it was signed."""
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        why = "it holds no certificate" if isinstance(error, ssl.SSLError) else error
        raise InvalidSettings(f"hub.toml: {setting}: {ca_file}: {why}") from error
