"""Which release of the hub this is."""

import functools
from importlib.metadata import PackageNotFoundError, version

PACKAGE = "octopus-hub"


@functools.cache  # the package's files are read for it
def release() -> str:
    """Its version; empty where the hub was not installed."""
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return ""
