"""Finding something to play by its name: a player's own search, or its folders."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, NamedTuple

from device_adapters.calls import words
from device_adapters.hass.client import HassClient
from device_adapters.hass.fitting import Part
from device_adapters.hass.home import line
from schemas.errors import DeviceRefused

_MOST_FOLDERS, _DEEPEST = 24, 4
_MOST_CHILDREN = 500
MUSIC, VIDEO = "music", "video"
_OF_ANOTHER_KIND = {
    MUSIC: ("channel", "episode", "game", "image", "movie", "season", "tv_show", "video"),
    VIDEO: ("album", "artist", "composer", "genre", "image", "music", "podcast", "track"),
}


class Wish(NamedTuple):
    """What is to be played: its name and service as said, either may be empty."""

    kind: str
    name: str
    service: str


class Found(NamedTuple):
    """Something that a player plays."""

    title: str
    id: str
    type: str


async def searched(client: HassClient, part: Part, wish: Wish) -> Found | None:
    """The best answer of a player's own search."""
    answer = await client.order(
        "media_player.search_media", part.entity.id, {"search_query": wish.name}, response=True
    )
    response = answer.get("response") if isinstance(answer, dict) else None
    told = response.get(part.entity.id) if isinstance(response, dict) else None
    results = told.get("result") if isinstance(told, dict) else None
    found = [item for item in _children({"children": results}) if _plays_as(item, wish.kind)]
    exact = [item for item in found if words(item["title"]) == words(wish.name)]
    return _found(next(iter(exact or found), None))


async def browsed(client: HassClient, part: Part, wish: Wish, within: float) -> Found | None:
    """What a player's folders hold under a name: radio stations, playlists, files of one's own."""
    nearest: list[dict[str, Any]] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            return _found(await _walk(client, part, wish, nearest))
    return _found(nearest[0] if nearest else None)


async def _walk(
    client: HassClient, part: Part, wish: Wish, nearest: list[dict[str, Any]]
) -> dict[str, Any] | None:
    """Look through folders, those first whose name fits; `nearest` gathers what nearly does."""
    asked, wanted = words(wish.name), words(wish.service)
    folders: list[tuple[dict[str, Any], int]] = [({}, 0)]
    for _ in range(_MOST_FOLDERS):
        if not folders:
            break
        folder, depth = folders.pop(0)
        where = {key: folder[key] for key in ("media_content_id", "media_content_type")
                 if key in folder}  # fmt: skip
        try:
            listed = await client.ask(
                "media_player/browse_media", entity_id=part.entity.id, **where
            )
        except DeviceRefused:  # a folder that does not open says nothing of the others
            continue
        inside = bool(folder) and asked <= words(folder["title"])
        for item in _children(listed):
            title = words(item["title"])
            if _plays_as(item, wish.kind) and (title == asked or inside):
                return item
            if _plays_as(item, wish.kind) and asked <= title:
                nearest.append(item)
            elif item.get("can_expand") is True and depth < _DEEPEST:
                first = asked <= title or bool(wanted and wanted <= title)
                folders.insert(0 if first else len(folders), (item, depth + 1))
    return nearest[0] if nearest else None


def _children(listed: object) -> list[dict[str, Any]]:
    """The entries of a folder that have a title and an id."""
    children = listed.get("children") if isinstance(listed, dict) else None
    known = []
    for item in children[:_MOST_CHILDREN] if isinstance(children, list) else []:
        texts = ("title", "media_content_id", "media_content_type")
        if isinstance(item, dict) and all(isinstance(item.get(text), str) for text in texts):
            known.append(item)
    return known


def _plays_as(item: dict[str, Any], kind: str) -> bool:
    return item.get("can_play") is True and item.get("media_class") not in _OF_ANOTHER_KIND[kind]


def _found(item: dict[str, Any] | None) -> Found | None:
    if item is None:
        return None
    return Found(line(item["title"]), item["media_content_id"], item["media_content_type"])
