"""The hub's own functions: the weather, the news and e-mail."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from device_adapters.base import Adapter
from device_adapters.hub.forecasts import Forecasts
from device_adapters.hub.headlines import Headlines
from device_adapters.hub.remembered import Clock
from device_adapters.hub.sources import Sources
from device_adapters.hub.web import Web
from schemas.call import Invocation
from schemas.device import Device
from schemas.errors import DeviceRefused, DeviceUnavailable
from schemas.outcome import Done, Evidence

if TYPE_CHECKING:
    from device_adapters.hub.mail import Mail  # needs an extra

_ALWAYS = ("get_trending_news", "get_weather_forecast")
_MAIL = "send_email"


def serves(*, mail: bool) -> tuple[str, ...]:
    """What the hub itself can do, with a mail server or without one."""
    return (*_ALWAYS, _MAIL) if mail else _ALWAYS


class HubAdapter(Adapter):
    """The hub as a device; `region` says which units people use and whose news they mean. Without
    `mail` it sends no e-mail."""

    def __init__(
        self,
        device: Device,
        sources: Sources,
        *,
        region: str = "US",
        mail: Mail | None = None,
        clock: Clock = time.time,
    ) -> None:
        self.device = device
        self._forecasts = Forecasts(sources, region, clock)
        self._headlines = Headlines(sources, region, clock)
        self._mail = mail
        self._web: Web | None = None

    async def connect(self) -> frozenset[str]:
        self._web = self._web or Web()
        return frozenset(serves(mail=self._mail is not None))

    async def call(self, invocation: Invocation) -> Done:
        if invocation.function == _MAIL and self._mail:
            return await self._mail.send(invocation)
        if self._web is None:
            raise DeviceUnavailable("the hub's own functions are not connected")
        until = asyncio.get_running_loop().time() + invocation.timeout
        match invocation.function:
            case "get_weather_forecast":
                return await self._weather(self._web, invocation, until)
            case "get_trending_news":
                return await self._news(self._web, invocation, until)
            case _:
                raise DeviceRefused(f"the hub cannot {invocation.function}")

    async def close(self) -> None:
        web, self._web = self._web, None
        if web:
            await web.close()

    async def _weather(self, web: Web, call: Invocation, until: float) -> Done:
        location = str(call.arguments.get("location") or "")
        told = await self._forecasts.get(web, location, until)
        return Done(evidence=_evidence(told.current), result=told.brief, detail=told.whole)

    async def _news(self, web: Web, call: Invocation, until: float) -> Done:
        query = str(call.arguments.get("query") or "")
        language = str(call.arguments.get("language") or "en").casefold()
        told = await self._headlines.get(web, query, language, until)
        detail = "; ".join(told.value)
        return Done(evidence=_evidence(not told.trouble), result=told.value, detail=detail)


def _evidence(current: bool) -> Evidence:
    """What was told before is not what a service says now."""
    return Evidence.VERIFIED if current else Evidence.UNVERIFIED
