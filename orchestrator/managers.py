"""Who may say what the hub's devices are: pair, approve, rename and remove them."""

import logging
from collections.abc import Container

from schemas.errors import HubError

log = logging.getLogger(__name__)


class NotAllowed(HubError):
    """This user may not do that."""

    code = "not_allowed"


def require(managers: Container[str], user: str, what: str) -> None:
    """NotAllowed where a user is none of the managers."""
    if user not in managers:
        log.warning("%s may not %s", user, what)
        raise NotAllowed(f"{user} may not {what}: hub.managers in hub.toml says who may")
