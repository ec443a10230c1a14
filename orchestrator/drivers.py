"""Which protocols this hub speaks: drivers by entry point, its own like other people's."""

import logging
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from device_adapters.driver import GROUP, Driver, Propose, Withdraw
from schemas.errors import InvalidSettings

log = logging.getLogger(__name__)


class MissingExtra(InvalidSettings):
    """A driver's libraries are not installed."""


@cache
def offered() -> Mapping[str, EntryPoint]:
    """Every protocol that some installed package offers a driver for; of two, the first counts, and
    before all others the hub's own."""
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: not _is_own(point)):
        if point.name in found:
            log.error("%s offers an adapter for %s too; it is not used", point.value, point.name)
        else:
            found[point.name] = point
    return found


def is_own(protocol: str) -> bool:
    """Whether its driver comes with the hub."""
    return protocol in offered() and _is_own(offered()[protocol])


def _is_own(point: EntryPoint) -> bool:
    return point.dist is not None and point.dist.name == "octopus-hub"


def load(protocol: str) -> type[Driver]:
    """A protocol's driver. MissingExtra says what to install; InvalidSettings that there is none,
    or that it is broken."""
    point = offered().get(protocol)
    if point is None:
        known = ", ".join(sorted(offered()))
        raise InvalidSettings(f"no adapter for protocol {protocol!r}; there are: {known}")
    try:
        driver = point.load()
    except ModuleNotFoundError as error:
        if not point.extras:
            raise InvalidSettings(f"the adapter for {protocol} is broken: {error}") from error
        package = point.dist.name if point.dist else "octopus-hub"
        wanted = f"{package}[{','.join(point.extras)}]"
        raise MissingExtra(
            f"protocol {protocol} needs more ({error.name} is missing): pip install '{wanted}'"
        ) from error
    except Exception as error:  # somebody else's code: the hub runs without it
        log.exception("the adapter for %s cannot be loaded", protocol)
        raise InvalidSettings(f"the adapter for {protocol} is broken: {error}") from error
    if not (isinstance(driver, type) and issubclass(driver, Driver)):
        raise InvalidSettings(f"the adapter for {protocol} is broken: {point.value} is no Driver")
    return driver


def loadable(wanted: Iterable[str]) -> Iterator[tuple[str, type[Driver]]]:
    """The drivers of these protocols that can be loaded; the log says what keeps the others."""
    for protocol in wanted:
        try:
            yield protocol, load(protocol)
        except MissingExtra as error:
            log.debug("%s", error)
        except InvalidSettings as error:
            log.error("%s", error)


@asynccontextmanager
async def finding(driver: Driver, propose: Propose, withdraw: Withdraw) -> AsyncIterator[None]:
    """Have a driver look for devices while the block lasts; one that cannot begin costs its own
    devices only."""
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(driver.finding(propose, withdraw))
        except Exception:  # somebody else's code: the hub runs without it
            log.exception("%s cannot look for devices", type(driver).__name__)
        yield
