"""What every adapter does with a call: its arguments, its time, and names as people say them."""

from __future__ import annotations

import asyncio
import functools
import re
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from schemas.base import Scalar
from schemas.call import Invocation, Restore
from schemas.errors import DeviceRefused, DeviceUncertain
from schemas.outcome import Done

Runner = Callable[[Invocation], Awaitable[Done]]
"""How one function is run."""
_MARGIN = 0.5  # seconds kept back from a call's time, to end in time oneself


@functools.lru_cache(maxsize=16_384)
def words(text: str) -> frozenset[str]:
    """The words of a name, without case, accents and punctuation."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return frozenset(re.findall(r"\w+", plain.replace("_", " "))) - {"the", "my"}


def text_argument(call: Invocation, name: str) -> str:
    """An argument that must be a text."""
    value = call.arguments.get(name)
    if not isinstance(value, str) or not value:
        raise DeviceRefused(f"{call.function} needs its {name}")
    return value


def number_argument(call: Invocation, name: str) -> float:
    """An argument that must be a number."""
    value = call.arguments.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DeviceRefused(f"{call.function} needs its {name}")
    return float(value)


def as_now(call: Invocation, **now: Scalar | None) -> Restore | None:
    """The same call with what it would set as it is now; None where one of that is not known."""
    if None in now.values():
        return None
    return Restore(function=call.function, arguments=call.arguments | now)


def patience(call: Invocation) -> float:
    """How long a call may look for its effect."""
    return max(call.timeout - _MARGIN, call.timeout / 2)


@asynccontextmanager
async def in_time(call: Invocation, device: str) -> AsyncIterator[None]:
    """End what the block does with a call's time; DeviceUncertain where it was not over."""
    try:
        async with asyncio.timeout(call.timeout):
            yield
    except TimeoutError as exc:
        raise DeviceUncertain(f"{device} did not answer in time") from exc
