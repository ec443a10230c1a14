"""What the hub's processes say to the journal of the system."""

import logging


def start(level: int = logging.INFO) -> None:
    """Log to standard error from now on; libraries only what is amiss."""
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    for noisy in ("httpx", "httpcore", "adb_shell", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
