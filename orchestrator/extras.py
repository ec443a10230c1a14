"""What comes with an extra of the package."""

import contextlib
from collections.abc import Iterator

from schemas.errors import InvalidSettings


@contextlib.contextmanager
def extra(name: str) -> Iterator[None]:
    """What is imported inside comes with an extra of the package; InvalidSettings names it."""
    try:
        yield
    except ImportError as error:
        raise InvalidSettings(f"{error}: pip install 'octopus-hub[{name}]'") from error
