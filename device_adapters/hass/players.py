"""Music and videos: what a media player of Home Assistant's finds by its name, and plays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from device_adapters.calls import words
from device_adapters.hass import fitting
from device_adapters.hass.client import HassClient
from device_adapters.hass.fitting import Part
from device_adapters.hass.orders import Order, playing
from device_adapters.hass.search import MUSIC, VIDEO, Found, Wish, browsed, searched
from schemas.errors import DeviceRefused

_LOOK_FOR = 0.5  # of a call's time that goes into looking


class Played(NamedTuple):
    """What is to be ordered so that something plays, and how a person is told."""

    order: Order
    title: str
    opens_only: bool = False  # an application is opened; a person must choose in it


def best(players: Sequence[Part], kind: str) -> list[Part]:
    """The players that find the most by a name, of those that are there."""
    ways = [_finds(part, kind) for part in players]
    return [part for part, finds in zip(players, ways, strict=True) if finds == max(ways)]


def _finds(part: Part, kind: str) -> int:
    if part.entity.platform == fitting.MUSIC and kind == MUSIC:
        return 3
    features = (fitting.SEARCH, fitting.BROWSE)
    return next((2 - i for i, feature in enumerate(features) if part.state.can(feature)), 0)


async def way_to_play(client: HassClient, part: Part, wish: Wish, within: float) -> Played:
    """How a player plays what was wished; `DeviceRefused` says what the household lacks."""
    state = part.state
    if not wish.name:
        return _resumed(part, wish)
    if _is_address(wish.name):
        if not state.can(fitting.PLAY_MEDIA):
            raise DeviceRefused(f"{_called(part)} plays no web addresses")
        return _play(part, Found(wish.name, wish.name, wish.kind))
    if part.entity.platform == fitting.MUSIC and wish.kind == MUSIC:
        order = Order(f"{fitting.MUSIC}.play_media", _plays(part), {"media_id": wish.name})
        return Played(order, wish.name)
    if source := _source(part, wish.name):
        return _selected(part, source)
    found = None
    if state.can(fitting.PLAY_MEDIA):
        if state.can(fitting.SEARCH):
            found = await searched(client, part, wish)
        elif state.can(fitting.BROWSE) and words(wish.name):
            found = await browsed(client, part, wish, within * _LOOK_FOR)
    if found is not None:
        return _play(part, found)
    if wish.kind == VIDEO and (source := _source(part, wish.service)):
        return _selected(part, source)._replace(opens_only=True)
    raise DeviceRefused(_lacking(part, wish))


def _resumed(part: Part, wish: Wish) -> Played:
    """What a player has left, or an application by its name."""
    if wish.service:
        if source := _source(part, wish.service):
            return _selected(part, source)._replace(opens_only=wish.kind == VIDEO)
        raise DeviceRefused(f"say what {_called(part)} is to play: it has no {wish.service}")
    if not part.state.can(fitting.PLAY):
        raise DeviceRefused(f"say what {_called(part)} is to play")
    return Played(Order("media_player.media_play", lambda state: state.value == "playing"), "")


def _play(part: Part, found: Found) -> Played:
    data = {"media_content_id": found.id, "media_content_type": found.type}
    return Played(Order("media_player.play_media", _plays(part), data), found.title)


def _selected(part: Part, source: str) -> Played:
    order = Order(
        "media_player.select_source",
        lambda state: state.text("source") == source,
        {"source": source},
    )
    return Played(order, source)


def _plays(part: Part) -> Any:
    """It plays, and something else than it did: what went on playing is no evidence."""
    played_before, before = part.state.value == "playing", playing(part.state)
    return lambda state: (
        state.value == "playing" and (not played_before or playing(state) != before)
    )


def _source(part: Part, name: str) -> str | None:
    """The only source of a player that has all words of a name."""
    if not part.state.can(fitting.SELECT_SOURCE) or not words(name):
        return None
    sources = part.state.texts("source_list")
    exact = [source for source in sources if words(source) == words(name)]
    partly = [source for source in sources if words(name) <= words(source)]
    return next((some[0] for some in (exact, partly) if len(some) == 1), None)


def _is_address(name: str) -> bool:
    try:
        return urlsplit(name).scheme in ("http", "https") and bool(urlsplit(name).hostname)
    except ValueError:
        return False


def _lacking(part: Part, wish: Wish) -> str:
    """What a household needs so that a player finds something by its name."""
    player = _called(part)
    looked = part.state.can(fitting.PLAY_MEDIA) and part.state.can(fitting.SEARCH | fitting.BROWSE)
    if looked:
        return f"{player} has nothing by the name of {wish.name}"
    if wish.kind == MUSIC:
        return (
            f"{player} finds no music by its name: add Music Assistant to Home Assistant, "
            "and approve the player that it makes of this one"
        )
    return f"{player} finds no videos by their name: Home Assistant has no search for it"


def _called(part: Part) -> str:
    return part.state.text("friendly_name") or part.entity.id
