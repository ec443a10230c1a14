"""One call on a device to an outcome: its deadline, its repeats, and what silence means.

A function's effect says what may be repeated. Reading again is harmless, setting again leaves the
same state, a key lets the device drop the second, and what can be looked up is looked up first;
dialling again is never right.
"""

import asyncio
import logging
import random
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from orchestrator import texts
from schemas.call import Invocation, Restore
from schemas.errors import (
    DeviceNeedsPerson,
    DeviceRefused,
    DeviceUnavailable,
    DeviceUncertain,
    HubError,
)
from schemas.function import Effect, Function
from schemas.outcome import Done, Failed, Outcome, Unknown

log = logging.getLogger(__name__)

GRACE = 6.0
"""Seconds beyond a call's own time: for connecting, and for the adapter's deadline to come first,
which knows whether anything was sent."""
LOOK_WITHIN = 2.0
"""Seconds a device has to say how it is before it is changed; then it is changed all the same."""
PAUSES = (0.2, 0.8)
"""Seconds before the second and the third attempt, more or less by half."""
LEFT = 0.5
"""Seconds of a call's own time without which no further attempt begins."""
MAX_KEPT = 100_000
"""Characters of a result, or of what is said of one, that are kept."""
LET_GO = 1.0
"""Seconds an adapter has to let go of a call that is given up."""
REPEATED = frozenset({Effect.READ, Effect.SET, Effect.KEYED})
"""What may be done again without looking."""


T = TypeVar("T")


class CancelledItself(Exception):
    """An adapter cancelled what its own call waited for."""


class Devices(Protocol):
    """The devices, by their ids; see `Registry`."""

    def at_once(self, device: str) -> int:
        """How many calls a device takes together."""

    async def connect(self, device: str) -> None:
        """Be connected to a device; DeviceUnavailable where it cannot be reached."""

    async def reach(self, device: str, invocation: Invocation) -> Done:
        """Run one call; see `Adapter.call`."""

    async def probe(self, device: str, invocation: Invocation) -> Done | None:
        """Whether an earlier call happened; None where it did not."""

    async def present(self, device: str, invocation: Invocation) -> Restore | None:
        """The call that would leave the device as it is now."""


@dataclass(frozen=True)
class _Attempt:
    """How one attempt ended, and whether another may go better and does no harm."""

    outcome: Outcome
    passing: bool = False


@dataclass
class Progress:
    """How far a call came: whether its device may have heard of it, and whether it is to stop, so
    that nothing of it begins any more."""

    sent: bool = False
    stopped: bool = False


class Attempts:
    """Makes calls; keeps nothing between them."""

    def __init__(
        self, devices: Devices, *, grace: float = GRACE, pauses: tuple[float, ...] = PAUSES
    ) -> None:
        self._devices = devices
        self._grace = grace
        self._pauses = pauses

    async def call(
        self,
        device: str,
        invocation: Invocation,
        function: Function,
        progress: Progress | None = None,
    ) -> Outcome:
        """See one call to its outcome; raises nothing. `progress` is kept up to date."""
        undo = await self._undo(device, invocation) if function.inverse else None
        progress = progress or Progress()
        outcome = await self._tried(device, invocation, function.effect, progress)
        if isinstance(outcome, Done) and undo is not None:
            outcome = outcome.model_copy(update={"undo": undo})
        return _kept(outcome)

    async def looked_up(self, device: str, invocation: Invocation) -> Done | Unknown | None:
        """How a call ended that fell silent; None where the device knows that it did not happen."""
        try:
            within = invocation.timeout + self._grace
            found = await _within(within, self._devices.probe(device, invocation))
        except (HubError, TimeoutError) as error:
            return Unknown(reason=str(error) or _no_answer(invocation))
        except Exception as error:
            log.exception("adapter of %s broke while it was asked what happened", device)
            return Unknown(reason=texts.ADAPTER_BROKE.format(why=type(error).__name__))
        return found if isinstance(found, Done | None) else Unknown(reason=texts.NO_OUTCOME)

    async def _tried(
        self, device: str, invocation: Invocation, effect: Effect, progress: Progress
    ) -> Outcome:
        """The call, again where that may help and changes nothing else, within its own time."""
        loop = asyncio.get_running_loop()
        until, count, silent = loop.time() + invocation.timeout, 1, False
        attempt = await self._once(device, invocation, effect, progress)
        for pause in self._pauses:
            pause *= random.uniform(0.5, 1.5)
            if not attempt.passing or until - loop.time() - pause < LEFT:
                break
            await asyncio.sleep(pause)
            if progress.stopped:
                break
            silent |= isinstance(attempt.outcome, Unknown)
            count += 1
            attempt = await self._once(device, _until(until, invocation), effect, progress)
        outcome = attempt.outcome
        if count == 1 or not isinstance(outcome, Failed | Unknown):
            return outcome
        why = texts.TRIED.format(why=outcome.reason, count=count)
        # One of them may have happened, whatever became of the last.
        return Unknown(reason=why) if silent else outcome.model_copy(update={"reason": why})

    async def _once(
        self, device: str, invocation: Invocation, effect: Effect, progress: Progress
    ) -> _Attempt:
        """One attempt; where it fell silent and the device can tell, what became of it."""
        loop = asyncio.get_running_loop()
        until = loop.time() + invocation.timeout
        attempt = await self._sent(device, invocation, effect, progress)
        if effect is not Effect.PROBEABLE or not isinstance(attempt.outcome, Unknown):
            return attempt
        if not attempt.passing:
            return attempt
        left = max(LOOK_WITHIN, until - loop.time())
        found = await self.looked_up(device, invocation.model_copy(update={"timeout": left}))
        if found is not None:
            return _Attempt(found)
        failed = Failed(code=DeviceUncertain.code, reason=attempt.outcome.reason)
        return _Attempt(failed, passing=True)

    async def _sent(
        self, device: str, invocation: Invocation, effect: Effect, progress: Progress
    ) -> _Attempt:
        again = effect is not Effect.ONCE
        try:
            within = invocation.timeout + self._grace
            await self._devices.connect(device)
            progress.sent = True
            done = await _within(within, self._devices.reach(device, invocation))
        except TimeoutError:
            return _Attempt(_silence(effect, "timeout", _no_answer(invocation)), passing=again)
        except DeviceUncertain as error:
            return _Attempt(_silence(effect, error.code, str(error)), passing=again)
        except DeviceUnavailable as error:
            failed = Failed(code=error.code, reason=str(error))
            return _Attempt(failed, passing=effect in REPEATED)
        except (DeviceRefused, DeviceNeedsPerson) as error:
            return _Attempt(Failed(code=error.code, reason=str(error)))
        except Exception as error:
            log.exception("adapter of %s broke", device)
            code = error.code if isinstance(error, HubError) else "bug"
            reason = texts.ADAPTER_BROKE.format(why=type(error).__name__)
            return _Attempt(_silence(effect, code, reason))
        if not isinstance(done, Done):
            return _Attempt(_silence(effect, "bug", texts.NO_OUTCOME))
        return _Attempt(done)

    async def _undo(self, device: str, invocation: Invocation) -> Restore | None:
        """What would undo the call; None where the device does not say, or nothing changes.

        It is for a person who changes their mind: no reason not to do what was asked.
        """
        try:
            now = await _within(LOOK_WITHIN, self._devices.present(device, invocation))
        except (HubError, TimeoutError):
            return None
        except Exception:
            log.exception("adapter of %s broke while it was asked how it is", device)
            return None
        if not isinstance(now, Restore):
            return None
        wanted = {name: invocation.arguments.get(name) for name in now.arguments}
        return None if (now.function, now.arguments) == (invocation.function, wanted) else now


async def _within(seconds: float, answer: Coroutine[Any, Any, T]) -> T:
    """What a device says within so many seconds; TimeoutError where that is nothing, though its
    adapter may not even let go."""
    saying = asyncio.create_task(answer)
    try:
        await asyncio.wait([saying], timeout=seconds)
    finally:
        if not saying.done():
            saying.cancel()
            await asyncio.wait([saying], timeout=LET_GO)
    if not saying.done() or (saying.cancelled() and saying.cancelling()):
        raise TimeoutError
    if saying.cancelled():
        raise CancelledItself
    return saying.result()


def _until(until: float, invocation: Invocation) -> Invocation:
    """The same with the time that is left of it."""
    left = until - asyncio.get_running_loop().time()
    return invocation.model_copy(update={"timeout": left})


def _no_answer(invocation: Invocation) -> str:
    return texts.NO_ANSWER.format(seconds=round(invocation.timeout, 1))


def _silence(effect: Effect, code: str, reason: str) -> Outcome:
    """A reading that got no answer failed; anything else may have happened."""
    return Failed(code=code, reason=reason) if effect is Effect.READ else Unknown(reason=reason)


def _kept(outcome: Outcome) -> Outcome:
    """The outcome as the journal can hold and a person can read it."""
    if not isinstance(outcome, Done):
        return outcome.model_copy(update={"reason": _whole(outcome.reason)})
    result, detail = outcome.result, _whole(outcome.detail)
    several = result if isinstance(result, tuple) else (result,)
    length = 2 * len(several) - 2 + sum(len(one) for one in several if isinstance(one, str))
    if length > MAX_KEPT:
        result, detail = None, texts.TOO_MUCH.format(length=length)
    elif isinstance(result, str):
        result = _whole(result)
    elif isinstance(result, tuple):
        result = tuple(map(_whole, result))
    return outcome.model_copy(update={"result": result, "detail": detail})


def _whole(text: str) -> str:
    """The text without half characters and without NUL, which not every database takes."""
    return text[:MAX_KEPT].replace("\0", "?").encode(errors="replace").decode()
