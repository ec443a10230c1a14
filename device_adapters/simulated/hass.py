"""A Home Assistant for tests: its WebSocket API as it is spoken, over a home that obeys orders."""

from __future__ import annotations

import asyncio
import colorsys
import json
import ssl
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

TOKEN = "a-long-lived-token"


@dataclass
class Faults:
    """What goes wrong, for tests."""

    ignores: bool = False  # takes orders and does nothing
    mute: bool = False  # does as ordered and never tells the new state
    silent: bool = False  # reads orders and answers nothing
    fails: tuple[str, str] | None = None  # code and message of an error for every order
    ends: bool = False  # closes the connection instead of answering an order


@dataclass
class Entity:
    """One entity: its state and what its registry says, where it is registered."""

    state: str
    attributes: dict[str, Any] = field(default_factory=dict)
    registered: dict[str, Any] = field(default_factory=dict)


class SimulatedHass:
    """Serves `entities` and `devices` under a token; an `async with` block is its life."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.faults = Faults()
        self.entities: dict[str, Entity] = {}
        self.devices: dict[str, dict[str, Any]] = {}
        self.areas: dict[str, str] = {}
        self.temperature_unit = "°C"
        self.found: dict[str, list[dict[str, Any]]] = {}
        """What a player's search gives, by what was asked."""
        self.folders: dict[str, list[dict[str, Any]]] = {}
        """What is in the folders of a player, by their id; the first is ""."""
        self.orders: list[tuple[str, str, dict[str, Any]]] = []
        self.asked: list[str] = []
        self.token = TOKEN
        self.greeting: str | bytes = json.dumps({"type": "auth_required", "ha_version": "2026.1"})
        self._tls, self._port = tls, port
        self._open: dict[ServerConnection, dict[str, int]] = {}
        self._changed = asyncio.Event()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen, on the same port as before."""
        self._server: Server = await serve(
            self._serve, "127.0.0.1", self._port, ssl=self._tls, max_size=2**22, compression=None
        )
        self._port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop(self) -> None:
        """End every connection, and listen no more."""
        self._server.close()
        await self._server.wait_closed()

    def add(
        self, entity: str, state: str, *, device: str | None = None, area: str | None = None,
        platform: str = "zha", **attributes: Any,
    ) -> None:  # fmt: skip
        """One more entity; of a device by its id, which is made where there is none."""
        registered: dict[str, Any] = {
            "entity_id": entity, "id": f"id-{entity.replace('.', '-')}", "device_id": device,
            "area_id": area, "platform": platform, "has_entity_name": False, "name": None,
            "original_name": attributes.get("friendly_name"), "entity_category": None,
            "disabled_by": None, "hidden_by": None, "options": {},
        }  # fmt: skip
        if device is not None and device not in self.devices:
            name = attributes.get("friendly_name", device)
            self.devices[device] = {"id": device, "name": name, "name_by_user": None,
                                    "area_id": area, "entry_type": None}  # fmt: skip
        self.entities[entity] = Entity(state, dict(attributes), registered)

    async def tell(self, entity: str, state: str | None = None, **attributes: Any) -> None:
        """An entity changes by itself."""
        known = self.entities[entity]
        known.state = known.state if state is None else state
        known.attributes |= attributes
        await self._report([entity])

    async def remove(self, entity: str) -> None:
        """An entity goes."""
        del self.entities[entity]
        await self.event("state_changed", {"entity_id": entity, "new_state": None})
        await self.registries_changed()

    async def registries_changed(self) -> None:
        """Say that the lists must be read again."""
        await self.event("entity_registry_updated", {"action": "update"})

    async def event(self, kind: str, data: Mapping[str, Any]) -> None:
        """Tell everyone who asked for such events."""
        for socket, subscribed in list(self._open.items()):
            if kind in subscribed:
                told = {"event_type": kind, "data": data, "origin": "LOCAL"}
                await self._send(socket, {"id": subscribed[kind], "type": "event", "event": told})

    async def send_raw(self, frame: str | bytes) -> None:
        """Send anything to everyone."""
        for socket in list(self._open):
            with suppress(ConnectionClosed):
                await socket.send(frame)

    async def hang_up(self) -> None:
        """End every connection; new ones are taken."""
        for socket in list(self._open):
            await socket.close()

    async def until(self, holds: Callable[[], bool], within: float = 10) -> None:
        """Wait until something holds, looking after every message; `TimeoutError`."""
        async with asyncio.timeout(within):
            while not holds():
                await self._changed.wait()

    async def _serve(self, socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await socket.send(self.greeting)
            login = json.loads(await socket.recv())
            if login != {"type": "auth", "access_token": self.token}:
                await self._send(socket, {"type": "auth_invalid", "message": "Invalid password"})
                return
            await self._send(socket, {"type": "auth_ok", "ha_version": "2026.1"})
            self._open[socket] = {}
            try:
                async for text in socket:
                    await self._take(socket, json.loads(text))
                    self._changed.set()
                    self._changed = asyncio.Event()
            finally:
                del self._open[socket]

    async def _take(self, socket: ServerConnection, message: dict[str, Any]) -> None:
        kind, number = message["type"], message["id"]
        self.asked.append(kind)
        if kind == "subscribe_events":
            self._open[socket][message["event_type"]] = number
            await self._result(socket, number, None)
        elif kind == "call_service":
            await self._order(socket, message)
        elif kind == "media_player/browse_media":
            folder = self.folders.get(message.get("media_content_id", ""))
            if folder is None:
                await self._error(socket, number, "unknown_error", "no such folder")
            else:
                await self._result(socket, number, {"title": "", "children": folder})
        elif kind in self._lists():
            await self._result(socket, number, self._lists()[kind])
        else:
            await self._error(socket, number, "unknown_command", "Unknown command.")

    def _lists(self) -> dict[str, Any]:
        registered = [e.registered for e in self.entities.values() if e.registered]
        areas = [{"area_id": area, "name": name} for area, name in self.areas.items()]
        return {
            "get_config": {"unit_system": {"temperature": self.temperature_unit}},
            "get_states": [self._state(entity) for entity in self.entities],
            "config/device_registry/list": list(self.devices.values()),
            "config/entity_registry/list": registered,
            "config/area_registry/list": areas,
        }

    def _state(self, entity: str) -> dict[str, Any]:
        known = self.entities[entity]
        return {"entity_id": entity, "state": known.state, "attributes": dict(known.attributes)}

    async def _order(self, socket: ServerConnection, message: dict[str, Any]) -> None:
        service = f"{message['domain']}.{message['service']}"
        entity, data = message["target"]["entity_id"], message.get("service_data", {})
        self.orders.append((service, entity, data))
        if self.faults.ends:
            await socket.close()
        elif self.faults.fails:
            await self._error(socket, message["id"], *self.faults.fails)
        elif not self.faults.silent:
            result: dict[str, Any] = {"context": {"id": "1"}}
            if message.get("return_response"):
                results = self.found.get(data.get("search_query", ""), [])
                result["response"] = {entity: {"version": 1, "result": results}}
            elif not self.faults.ignores:
                await self._obey(service, entity, data)
            await self._result(socket, message["id"], result)

    async def _obey(self, service: str, entity: str, data: dict[str, Any]) -> None:
        known = self.entities[entity]
        if known.state == "unavailable":  # it answers all the same, and does nothing
            return
        name = service.partition(".")[2]
        known.state = _LEADS_TO.get(name, known.state)
        if service == "light.turn_on":
            known.attributes |= _lit(known.attributes, data)
        elif name == "set_temperature":
            known.attributes["temperature"] = data["temperature"]
        elif name in ("open_cover", "close_cover") and "current_position" in known.attributes:
            known.attributes["current_position"] = 100 if name == "open_cover" else 0
        elif name == "play_media":
            played = data.get("media_content_id", data.get("media_id"))
            known.attributes |= {"media_content_id": played, "media_title": played}
        elif name == "select_source":
            known.attributes["source"] = data["source"]
        elif name in ("media_next_track", "media_previous_track"):
            known.attributes["media_title"] = f"{known.attributes.get('media_title')}, {name}"
        if not self.faults.mute:
            await self._report([entity])

    async def _report(self, entities: Iterable[str]) -> None:
        for entity in entities:
            now = {"entity_id": entity, "old_state": None, "new_state": self._state(entity)}
            await self.event("state_changed", now)

    async def _result(self, socket: ServerConnection, number: int, result: object) -> None:
        await self._send(
            socket, {"id": number, "type": "result", "success": True, "result": result}
        )

    async def _error(self, socket: ServerConnection, number: int, code: str, text: str) -> None:
        error = {"code": code, "message": text}
        await self._send(socket, {"id": number, "type": "result", "success": False, "error": error})

    async def _send(self, socket: ServerConnection, message: Mapping[str, Any]) -> None:
        with suppress(ConnectionClosed):
            await socket.send(json.dumps(message))


_LEADS_TO = {
    "turn_on": "on", "turn_off": "off", "lock": "locked", "unlock": "unlocked",
    "open_cover": "open", "close_cover": "closed", "media_play": "playing",
    "media_pause": "paused", "media_stop": "idle", "play_media": "playing",
}  # fmt: skip


def _lit(before: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """What a lamp tells once it is lit: colours in hue and saturation, as lamps keep them."""
    lit: dict[str, Any] = {"brightness": data.get("brightness") or before.get("brightness") or 255}
    if "color_temp_kelvin" in data:
        lit |= {"color_mode": "color_temp", "color_temp_kelvin": data["color_temp_kelvin"]}
    if "rgb_color" in data:
        lit |= {"color_mode": "hs", "hs_color": _hue(data["rgb_color"]),
                "rgb_color": data["rgb_color"]}  # fmt: skip
    return lit


def _hue(rgb: list[int]) -> list[float]:
    hue, saturation, _ = colorsys.rgb_to_hsv(*(value / 255 for value in rgb))
    return [round(hue * 360, 3), round(saturation * 100, 3)]
