"""One call on a device: how often it is made, and what is said of it. The clock is the test's own,
so that the real deadlines hold and no second is waited for."""

import asyncio
import itertools
import random
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

from orchestrator import attempts
from orchestrator.attempts import GRACE, LOOK_WITHIN, MAX_KEPT, Attempts
from schemas.call import Invocation, Restore
from schemas.errors import (
    DeviceNeedsPerson,
    DeviceRefused,
    DeviceUnavailable,
    DeviceUncertain,
    HubError,
)
from schemas.function import Effect, Function
from schemas.outcome import Done, Evidence, Failed, Outcome, Unknown

T = TypeVar("T")
TIMEOUT = 10.0
REPEATABLE = (Effect.READ, Effect.SET, Effect.KEYED)
SILENT = "silent"
"""A device that never answers."""
ITSELF = asyncio.CancelledError()
"""An adapter that cancels what the call waits for, as one may that is closed meanwhile."""
DONE = Done(evidence=Evidence.VERIFIED, result="sunny")


class _Hurrying(selectors.SelectSelector):
    """Instead of waiting, puts the clock forward."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found:
            assert timeout is not None, "nothing will ever happen"
            self.now += timeout
        return found


class Hurried(asyncio.SelectorEventLoop):
    """A loop whose seconds pass at once."""

    def __init__(self) -> None:
        self._hurrying = _Hurrying()
        super().__init__(self._hurrying)

    def time(self) -> float:
        return self._hurrying.now


def hurried(work: Coroutine[Any, Any, T]) -> T:
    """Run it on a clock of its own, which begins at 0."""
    with asyncio.Runner(loop_factory=Hurried) as runner:
        return runner.run(work)


class Device:
    """Answers each call with the next of `ways`, the last for ever: an outcome, an error to raise,
    or SILENT; each after `after` seconds."""

    def __init__(
        self, *ways: object, probe: object = None, present: object = None, after: float = 0.0
    ) -> None:
        self.ways, self.asked, self.now, self.after = list(ways), probe, present, after
        self.calls: list[tuple[float, Invocation]] = []
        self.probes: list[tuple[float, Invocation]] = []
        self.looks = 0

    def at_once(self, device: str) -> int:
        return 1

    async def connect(self, device: str) -> None:
        """It is."""

    async def reach(self, device: str, invocation: Invocation) -> Any:
        self.calls.append((asyncio.get_running_loop().time(), invocation))
        way = self.ways.pop(0) if len(self.ways) > 1 else self.ways[0]
        return await self._answer(way)

    async def probe(self, device: str, invocation: Invocation) -> Any:
        self.probes.append((asyncio.get_running_loop().time(), invocation))
        return await self._answer(self.asked)

    async def present(self, device: str, invocation: Invocation) -> Any:
        self.looks += 1
        return await self._answer(self.now)

    async def _answer(self, way: object) -> object:
        await asyncio.sleep(self.after)
        if way is SILENT:
            await asyncio.get_running_loop().create_future()
        if isinstance(way, BaseException):
            raise way
        return way


def invocation(**arguments: Any) -> Invocation:
    return Invocation(function="f", arguments=arguments, key="c1/0", timeout=TIMEOUT)


def function(effect: Effect, *, inverse: str | None = None) -> Function:
    return Function.model_validate(
        {"token": 0, "name": "f", "description": "", "kinds": ("phone",), "result": "text",
         "effect": effect, "risk": "safe", "timeout": TIMEOUT, "inverse": inverse},
        strict=False,
    )  # fmt: skip


def called(device: Device, effect: Effect, *, inverse: str | None = None) -> Outcome:
    """The outcome of one call, which stays in its time."""

    async def call() -> tuple[Outcome, float]:
        made = Attempts(device).call("p1", invocation(level=3), function(effect, inverse=inverse))
        return await made, asyncio.get_running_loop().time()

    outcome, took = hurried(call())
    assert {call.key for _, call in device.calls} == {"c1/0"}
    looked = LOOK_WITHIN + GRACE if effect is Effect.PROBEABLE else 0
    assert took <= TIMEOUT + GRACE + looked + (LOOK_WITHIN if inverse else 0)
    return outcome


def _said(outcome: Outcome) -> str:
    """Why it did not go well."""
    assert isinstance(outcome, Failed | Unknown)
    return outcome.reason


def _told(outcome: Outcome) -> tuple[type, str]:
    """An outcome's kind, and its code where it has one."""
    return type(outcome), getattr(outcome, "code", "")


@pytest.mark.parametrize("effect", Effect)
def test_a_call_that_goes_well_is_made_once(effect: Effect) -> None:
    device = Device(DONE)
    assert called(device, effect) == DONE
    assert len(device.calls) == 1
    assert device.calls[0][1].timeout == TIMEOUT


@pytest.mark.parametrize("effect", Effect)
def test_a_device_that_is_away_heard_nothing(effect: Effect) -> None:
    device = Device(DeviceUnavailable("gone"))
    outcome = called(device, effect)
    assert _told(outcome) == (Failed, "unavailable")
    assert len(device.calls) == (3 if effect in REPEATABLE else 1)


@pytest.mark.parametrize("effect", Effect)
def test_a_device_that_falls_silent_may_have_done_it(effect: Effect) -> None:
    device = Device(DeviceUncertain("lost"))
    outcome = called(device, effect)
    known = effect in (Effect.READ, Effect.PROBEABLE)  # that it did not happen
    assert _told(outcome) == ((Failed, "uncertain") if known else (Unknown, ""))
    assert "lost" in _said(outcome)
    assert len(device.calls) == (1 if effect is Effect.ONCE else 3)
    assert ("3 times" in _said(outcome)) == (effect is not Effect.ONCE)
    assert len(device.probes) == (3 if effect is Effect.PROBEABLE else 0)


@pytest.mark.parametrize("effect", Effect)
@pytest.mark.parametrize("error", [DeviceRefused("no"), DeviceNeedsPerson("unlock it")])
def test_a_device_that_says_no_is_not_asked_again(effect: Effect, error: HubError) -> None:
    device = Device(error)
    assert called(device, effect) == Failed(code=error.code, reason=str(error))
    assert len(device.calls) == 1


@pytest.mark.parametrize("effect", Effect)
@pytest.mark.parametrize("way", [RuntimeError("bug"), ITSELF, None, "done", {"state": "succeeded"}])
def test_an_adapter_that_breaks_may_have_done_it_and_is_not_asked_again(
    effect: Effect, way: object
) -> None:
    device = Device(way)
    outcome = called(device, effect)
    assert _told(outcome) == ((Failed, "bug") if effect is Effect.READ else (Unknown, ""))
    assert len(device.calls) == 1


@pytest.mark.parametrize("effect", Effect)
def test_silence_until_the_timeout_leaves_no_time_for_another_attempt(effect: Effect) -> None:
    device = Device(SILENT)
    outcome = called(device, effect)
    told = {Effect.READ: (Failed, "timeout"), Effect.PROBEABLE: (Failed, "uncertain")}
    assert _told(outcome) == told.get(effect, (Unknown, ""))  # the device was asked, and knew
    assert "no answer within 10 s" in _said(outcome)
    assert len(device.calls) == 1


@pytest.mark.parametrize("effect", Effect)
@pytest.mark.parametrize("error", [DeviceUncertain("lost"), DeviceUnavailable("gone")])
def test_another_attempt_may_go_well(effect: Effect, error: HubError) -> None:
    device = Device(error, DONE)
    uncertain = isinstance(error, DeviceUncertain)
    repeated = effect in REPEATABLE or (effect is Effect.PROBEABLE and uncertain)
    outcome = called(device, effect)
    assert (outcome == DONE) == repeated
    assert len(device.calls) == (2 if repeated else 1)


@pytest.mark.parametrize("effect", [Effect.SET, Effect.KEYED])
@pytest.mark.parametrize("later", [DeviceUnavailable("gone"), DeviceRefused("busy")])
def test_what_fell_silent_once_is_never_said_to_have_failed(
    effect: Effect, later: HubError
) -> None:
    """The device may have done it the first time, whatever it says of the second."""
    outcome = called(Device(DeviceUncertain("lost"), later), effect)
    assert isinstance(outcome, Unknown)
    assert str(later) in _said(outcome)


def test_a_reading_that_fell_silent_once_failed_as_the_last_did() -> None:
    outcome = called(Device(DeviceUncertain("lost"), DeviceRefused("busy")), Effect.READ)
    assert outcome == Failed(code="refused", reason="busy (tried 2 times)")


@pytest.mark.parametrize("effect", REPEATABLE)
@pytest.mark.parametrize("jitter", [0.5, 1.5])
@pytest.mark.parametrize("after", [0.0, 2.9, 4.4, 8.4, 9.0])
def test_repeats_stay_in_the_calls_own_time(
    effect: Effect, jitter: float, after: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: jitter)
    device = Device(DeviceUncertain("lost"), after=after)
    called(device, effect)
    for begun, call in device.calls:
        assert begun + call.timeout <= TIMEOUT + 1e-6
        assert call.timeout >= attempts.LEFT
    gaps = [later - earlier - after for (earlier, _), (later, _) in _pairs(device.calls)]
    assert gaps == pytest.approx([pause * jitter for pause in attempts.PAUSES[: len(gaps)]])


@pytest.mark.parametrize("effect", REPEATABLE)
def test_a_repeat_that_meets_silence_ends_with_the_calls_own_time(effect: Effect) -> None:
    device = Device(DeviceUncertain("lost"), SILENT)
    outcome = called(device, effect)
    assert isinstance(outcome, Failed if effect is Effect.READ else Unknown)
    assert len(device.calls) == 2


def _pairs(calls: list[Any]) -> list[tuple[Any, Any]]:
    return list(itertools.pairwise(calls))


def test_a_call_known_to_have_happened_is_not_repeated() -> None:
    found = Done(evidence=Evidence.VERIFIED, detail="there already")
    device = Device(DeviceUncertain("lost"), probe=found)
    assert called(device, Effect.PROBEABLE) == found
    assert (len(device.calls), len(device.probes)) == (1, 1)
    assert device.probes[0][1].arguments == {"level": 3}


def test_a_call_known_not_to_have_happened_failed_where_the_next_did() -> None:
    device = Device(DeviceUncertain("lost"), DeviceUnavailable("gone"))
    assert _told(called(device, Effect.PROBEABLE)) == (Failed, "unavailable")


@pytest.mark.parametrize(
    "answer", [DeviceUnavailable("gone"), RuntimeError("bug"), ITSELF, SILENT, TimeoutError(), "?"]
)
def test_a_call_that_cannot_be_looked_up_is_unknown_and_not_repeated(answer: object) -> None:
    device = Device(DeviceUncertain("lost"), probe=answer)
    outcome = called(device, Effect.PROBEABLE)
    assert isinstance(outcome, Unknown)
    assert _said(outcome)
    assert (len(device.calls), len(device.probes)) == (1, 1)


@pytest.mark.parametrize("after", [2.0, 3.3, 4.6])
def test_looking_takes_of_the_calls_own_time_and_little_more(after: float) -> None:
    device = Device(DeviceUncertain("lost"), after=after)
    called(device, Effect.PROBEABLE)
    for begun, asked in device.calls:
        assert begun + asked.timeout <= TIMEOUT + 1e-6
    for begun, asked in device.probes:
        assert begun + asked.timeout <= TIMEOUT + GRACE + LOOK_WITHIN


def test_a_call_known_not_to_have_happened_failed_where_no_time_is_left() -> None:
    device = Device(DeviceUncertain("lost"), after=4.9)
    assert _told(called(device, Effect.PROBEABLE)) == (Failed, "uncertain")
    assert (len(device.calls), len(device.probes)) == (1, 1)


BEFORE = Restore(function="f", arguments={"level": 7})


@pytest.mark.parametrize(
    ("now", "undo"),
    [
        (BEFORE, BEFORE),
        (Restore(function="g", arguments={}), Restore(function="g", arguments={})),
        (Restore(function="f", arguments={"level": 3}), None),  # it changes nothing
        (None, None),
        (DeviceUnavailable("gone"), None),
        (RuntimeError("bug"), None),
        (ITSELF, None),
        (SILENT, None),
        ("?", None),
    ],
)
def test_what_was_before_is_kept_where_the_device_says_so(
    now: object, undo: Restore | None
) -> None:
    device = Device(DONE, present=now)
    assert called(device, Effect.SET, inverse="f") == DONE.model_copy(update={"undo": undo})
    assert device.looks == 1


def test_it_is_asked_once_how_it_was_and_only_where_that_can_be_undone() -> None:
    device = Device(DeviceUncertain("lost"), DONE, present=BEFORE)
    assert called(device, Effect.SET, inverse="f") == DONE.model_copy(update={"undo": BEFORE})
    assert (len(device.calls), device.looks) == (2, 1)
    device = Device(DONE, present=BEFORE)
    assert called(device, Effect.SET) == DONE
    assert device.looks == 0


def test_a_silent_look_costs_the_call_nothing_of_its_time() -> None:
    device = Device(SILENT, present=SILENT)
    called(device, Effect.SET, inverse="f")
    [(begun, call)] = device.calls
    assert (begun, call.timeout) == (LOOK_WITHIN, TIMEOUT)


HUGE = "x" * 100_000_000


@pytest.mark.parametrize(
    ("result", "length"),
    [
        (HUGE, len(HUGE)),
        (("x" * 98,) * 1_000_000, 99_999_998),
        (("x" * MAX_KEPT, "y"), MAX_KEPT + 3),
    ],
    ids=["text", "list", "just too long"],
)
def test_a_result_nobody_could_read_is_not_kept_and_that_is_said(result: Any, length: int) -> None:
    outcome = called(Device(DONE.model_copy(update={"result": result})), Effect.READ)
    assert isinstance(outcome, Done)
    assert outcome.result is None
    assert outcome.detail == f"its result had {length} characters and was not kept"


def test_a_list_of_a_million_empty_texts_is_not_kept() -> None:
    outcome = called(Device(DONE.model_copy(update={"result": ("",) * 1_000_000})), Effect.READ)
    assert isinstance(outcome, Done)
    assert outcome.result is None


@pytest.mark.parametrize("result", ["x" * MAX_KEPT, ("a", "b"), 24, 24.5, True, None])
def test_any_other_result_is_kept_as_it_is(result: Any) -> None:
    done = DONE.model_copy(update={"result": result})
    assert called(Device(done), Effect.READ) == done


@pytest.mark.parametrize("effect", [Effect.READ, Effect.ONCE])
@pytest.mark.parametrize("error", [DeviceRefused, DeviceUncertain, DeviceUnavailable])
def test_what_a_device_says_of_its_failure_has_an_end(
    effect: Effect, error: Callable[[str], HubError]
) -> None:
    long = "x" * 10_000_000
    outcome = called(Device(error(long)), effect)
    assert len(outcome.model_dump_json()) < 2 * MAX_KEPT
    outcome = called(Device(DONE.model_copy(update={"detail": long})), effect)
    assert len(outcome.model_dump_json()) < 2 * MAX_KEPT


@pytest.mark.parametrize(
    "way",
    [
        DONE.model_copy(update={"result": "half \ud83d"}),
        DONE.model_copy(update={"result": ("whole", "half \ud83d")}),
        DONE.model_copy(update={"detail": "half \ud83d"}),
        DeviceRefused("half \ud83d"),
        DeviceUncertain("half \ud83d"),
    ],
)
@pytest.mark.parametrize("effect", [Effect.READ, Effect.ONCE])
def test_half_a_character_does_not_keep_an_outcome_out_of_the_journal(
    way: object, effect: Effect
) -> None:
    """JSON may hold one, and so may what a device says."""
    assert "half ?" in called(Device(way), effect).model_dump_json()


def test_a_nul_does_not_keep_an_outcome_out_of_a_database() -> None:
    """PostgreSQL takes none."""
    outcome = called(Device(DeviceRefused("no\0pe")), Effect.ONCE)
    assert _said(outcome) == "no?pe"


def test_a_call_that_is_cut_off_stops() -> None:
    async def cut() -> Device:
        device = Device(SILENT)
        call = asyncio.create_task(Attempts(device).call("p1", invocation(), function(Effect.SET)))
        await asyncio.sleep(1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        return device

    assert len(hurried(cut()).calls) == 1
