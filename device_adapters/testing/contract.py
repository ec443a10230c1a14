"""What the hub relies on, as tests that run against any adapter.

They need pytest and nothing else of it: each runs an event loop of its own.
"""

from __future__ import annotations

import asyncio
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import ValidationError

from device_adapters.base import Adapter
from device_adapters.driver import Driver, Options
from device_adapters.testing import checks
from device_adapters.testing.bench import Bench, functions
from device_adapters.testing.running import on_the_bench, soon
from device_adapters.testing.services import hostile_services
from schemas.base import Scalar
from schemas.call import Invocation, Restore
from schemas.device import Device
from schemas.errors import DeviceRefused, DeviceUnavailable, DeviceUncertain
from schemas.outcome import Done

Arguments = Mapping[str, Scalar | None]
_WRONG: tuple[Scalar | None, ...] = (
    None,
    "",
    "x" * 10_000,
    "\x00'\"$(reboot)\n",
    -(10**12),
    0.1,
    True,
)


class AdapterContract(ABC):
    """Tests of a driver and its adapters; a subclass named `Test…` says which, and where.

    Every call of `calls` is run several times, cancelled, and given wrong arguments: they must be
    harmless.
    """

    driver: ClassVar[type[Driver]]
    protocol: ClassVar[str]
    """The name of the driver's entry point."""
    calls: ClassVar[Mapping[str, Arguments]]
    """Arguments of one harmless call of each function that the device on the bench serves."""
    untried: ClassVar[frozenset[str]] = frozenset()
    """Functions it serves too, of which no call is harmless."""
    properties: ClassVar[tuple[str, ...]] = ()
    """Properties of a service that the driver reads."""
    finds: ClassVar[bool] = False
    """Whether `finding` finds the device on the bench."""
    patience: ClassVar[float] = 10.0
    """Seconds a call may take, and a device that comes back."""

    @abstractmethod
    def bench(self, folder: Path) -> AbstractAsyncContextManager[Bench]:
        """A device that answers; `folder` is empty and for this test only."""

    def test_its_options_have_defaults_and_refuse_unknown_keys(self) -> None:
        assert issubclass(self.driver.options, Options)
        self.driver.options()
        with pytest.raises(ValidationError):
            self.driver.options.model_validate({"no_such_key": 1})

    def test_its_needs_are_sets_of_keys(self) -> None:
        for need in self.driver.needs:
            assert isinstance(need, frozenset), "each of `needs` is a frozenset of keys"
            assert need, "an address without any key reaches nothing"

    @on_the_bench
    async def test_the_address_on_the_bench_is_enough(self, bench: Bench, adapter: Adapter) -> None:
        assert bench.device.protocol == self.protocol
        needs = self.driver.needs
        assert not needs or any(need <= bench.device.address.keys() for need in needs)

    @on_the_bench
    async def test_it_serves_functions_of_the_catalogue(
        self, bench: Bench, adapter: Adapter
    ) -> None:
        served = await adapter.connect()
        assert served == self.calls.keys() | self.untried, "calls and untried say what it serves"
        for name in served:
            assert bench.device.kind in functions().get(name, ()), f"{name} is not for its kind"
        for name, why in adapter.lacking.items():
            assert name not in served
            checks.one_line(why)

    @on_the_bench
    async def test_connecting_again_is_no_harm(self, bench: Bench, adapter: Adapter) -> None:
        assert await adapter.connect() == await adapter.connect()
        await self._do_each(adapter)

    @on_the_bench
    async def test_a_call_is_done_with_evidence_and_said_in_one_line(
        self, bench: Bench, adapter: Adapter
    ) -> None:
        await adapter.connect()
        for done in await self._do_each(adapter):
            checks.done(done)

    @on_the_bench
    async def test_an_unknown_function_is_refused_by_the_devices_name(
        self, bench: Bench, adapter: Adapter
    ) -> None:
        served, kind = await adapter.connect(), bench.device.kind
        others = sorted(name for name, kinds in functions().items() if kind not in kinds)
        for name in ("no_such_function", *others[:3]):
            error = await checks.tried(adapter, self._call(name, {}))
            assert isinstance(error, DeviceRefused), f"{name} is not refused: {error!r}"
            assert bench.device.name in str(error), f"it does not name the device: {error}"
        for name in {name for name, kinds in functions().items() if kind in kinds} - served:
            error = await checks.tried(adapter, self._call(name, {}))
            assert isinstance(error, DeviceRefused), f"{name} is not refused: {error!r}"

    @on_the_bench
    async def test_wrong_arguments_are_none_of_its_bugs(
        self, bench: Bench, adapter: Adapter
    ) -> None:
        await adapter.connect()
        for name, arguments in self.calls.items():
            await checks.tried(adapter, self._call(name, {}), shown=False)
            for key in arguments:
                for wrong in _WRONG:
                    call = self._call(name, {**arguments, key: wrong}, timeout=1.0)
                    await checks.tried(adapter, call, shown=False)
        await self._do_each(adapter)

    @on_the_bench
    async def test_a_call_ends_in_its_time(self, bench: Bench, adapter: Adapter) -> None:
        await adapter.connect()
        for name, arguments in self.calls.items():
            for timeout in (0.001, 0.05):
                await checks.tried(adapter, self._call(name, arguments, timeout))
        await self._do_each(adapter)

    @on_the_bench
    async def test_calls_may_overlap(self, bench: Bench, adapter: Adapter) -> None:
        await adapter.connect()
        for name, said in self.calls.items():
            calls = [self._call(name, said) for _ in range(3)]
            for outcome in await asyncio.gather(*(checks.tried(adapter, one) for one in calls)):
                assert isinstance(outcome, Done), f"{name}, three at once, ends in {outcome!r}"

    @on_the_bench
    async def test_a_cancelled_call_leaves_it_usable(self, bench: Bench, adapter: Adapter) -> None:
        await adapter.connect()
        for name, arguments in self.calls.items():
            for turns in (0, 1, 3, 10):
                calling = asyncio.create_task(adapter.call(self._call(name, arguments)))
                for _ in range(turns):
                    await asyncio.sleep(0)
                calling.cancel()
                with suppress(asyncio.CancelledError, *checks.ERRORS):
                    await calling
        await self._do_each(adapter)

    @on_the_bench
    async def test_looking_at_what_would_change_is_a_call_or_nothing(
        self, bench: Bench, adapter: Adapter
    ) -> None:
        await adapter.connect()
        for name, arguments in self.calls.items():
            with suppress(*checks.ERRORS):
                restore = await adapter.present(self._call(name, arguments))
                assert restore is None or isinstance(restore, Restore)
                assert restore is None or restore.function in functions()

    @on_the_bench
    async def test_closing_before_connecting_is_no_harm(
        self, bench: Bench, adapter: Adapter
    ) -> None:
        await adapter.close()
        await adapter.close()

    @on_the_bench
    async def test_closing_twice_is_no_harm(self, bench: Bench, adapter: Adapter) -> None:
        await adapter.connect()
        await adapter.close()
        await adapter.close()

    @on_the_bench
    async def test_before_it_is_connected_a_call_ends_in_an_error_of_the_hubs(
        self, bench: Bench, adapter: Adapter
    ) -> None:
        for name, arguments in self.calls.items():
            await checks.tried(adapter, self._call(name, arguments))

    @on_the_bench
    async def test_a_device_that_is_away_is_told_and_comes_back(
        self, bench: Bench, adapter: Adapter
    ) -> None:
        if bench.leave is None:
            pytest.skip("the device on the bench cannot be taken away")
        await adapter.connect()
        told: list[object] = []
        adapter.noticed = lambda: told.append(adapter.notice)
        before = adapter.notice
        await bench.leave()
        name, arguments = next(iter(self.calls.items()))
        call = self._call(name, arguments, timeout=2.0)

        async def away() -> bool:
            outcome = await checks.tried(adapter, call)
            allowed = isinstance(outcome, DeviceUnavailable | DeviceUncertain)
            assert allowed, f"the device is away, and a call ends in {outcome!r}"
            return isinstance(outcome, DeviceUnavailable) and bench.device.name in str(outcome)

        await soon(away, self.patience, "DeviceUnavailable, by the device's name")
        assert told or adapter.notice == before, "`noticed` is called when `notice` changes"
        if bench.come_back is not None:
            await bench.come_back()
            await soon(lambda: self._there(adapter, call), self.patience, "the device's return")

    @on_the_bench
    async def test_another_name_is_taken_or_asks_for_a_new_adapter(
        self, bench: Bench, adapter: Adapter
    ) -> None:
        await adapter.connect()
        renamed = bench.device.model_copy(update={"name": "Somebody else"})
        if adapter.moved(renamed):
            error = await checks.tried(adapter, self._call("no_such_function", {}))
            assert renamed.name in str(error)

    def test_hostile_announcements_are_read_and_change_nothing(self, tmp_path: Path) -> None:
        driver = self.driver(checks.bare(tmp_path, self.driver))
        for kind in self.driver.services:
            for service in hostile_services(kind, self.properties):
                found = driver.recognise(service)
                assert found == driver.recognise(service), "the same service, another device"
                if found is not None:
                    checks.proposed(found, self.protocol)
                    elsewhere = driver.recognise(service._replace(host="192.0.2.99", port=4242))
                    assert elsewhere, "where it listens decides whether it is a device"
                    assert elsewhere.id == found.id, "its id depends on where it listens"

    @on_the_bench
    async def test_what_it_finds_is_proposed(self, bench: Bench, adapter: Adapter) -> None:
        found: dict[str, Device] = {}

        def propose(device: Device) -> bool:
            found[device.id] = device
            return True

        async def there() -> bool:
            return not self.finds or any(
                one.address == bench.device.address for one in found.values()
            )

        async with self.driver(bench.site).finding(propose, lambda _: None):
            await soon(there, self.patience, "the device on the bench to be found")
        for device in found.values():
            checks.proposed(device, self.protocol)

    async def _do_each(self, adapter: Adapter) -> list[Done]:
        """Run every harmless call; each must be done."""
        outcomes = []
        for name, arguments in self.calls.items():
            outcome = await checks.tried(adapter, self._call(name, arguments))
            assert isinstance(outcome, Done), f"{name} ends in {outcome!r}"
            outcomes.append(outcome)
        return outcomes

    async def _there(self, adapter: Adapter, call: Invocation) -> bool:
        """Whether the device is usable again, connecting as the hub does."""
        with suppress(*checks.ERRORS):
            await adapter.connect()
            return isinstance(await checks.tried(adapter, call), Done)
        return False

    def _call(self, name: str, arguments: Arguments, timeout: float | None = None) -> Invocation:
        within = self.patience if timeout is None else timeout
        key = uuid.uuid4().hex  # no call is another one's repetition
        return Invocation(function=name, arguments=dict(arguments), key=key, timeout=within)
