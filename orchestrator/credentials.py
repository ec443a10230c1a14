"""Secrets that systemd hands to the service: files in a folder that only the service sees."""

import os
from typing import Any

VARIABLE = "CREDENTIALS_DIRECTORY"
_WRITTEN = "${CREDENTIALS_DIRECTORY}/"


def filled(said: Any) -> Any:
    """What a configuration file says, with the folder for `${CREDENTIALS_DIRECTORY}` where a text
    begins with it. Without a folder it stays: who then reads such a file is told its name."""
    if isinstance(said, dict):
        return {key: filled(value) for key, value in said.items()}
    if isinstance(said, list):
        return [filled(value) for value in said]
    if isinstance(said, str) and said.startswith(_WRITTEN) and VARIABLE in os.environ:
        return f"{os.environ[VARIABLE]}/{said.removeprefix(_WRITTEN)}"
    return said
