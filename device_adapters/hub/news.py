"""Headlines out of an RSS or Atom feed: pure, and deaf to DTDs and entities."""

from __future__ import annotations

from xml.parsers import expat

from schemas.errors import DeviceRefused

_MAXIMUM_TITLE = 200


class _Feed:
    """Collects the titles of the items while the parser runs."""

    def __init__(self, most: int) -> None:
        self.titles: list[str] = []
        self._most = most
        self._path: list[str] = []
        self._text: list[str] = []

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self._path.append(name)
        self._text.clear()

    def data(self, text: str) -> None:
        self._text.append(text)

    def end(self, name: str) -> None:
        inside = self._path[-2:-1]
        self._path.pop()
        if name == "title" and inside in (["item"], ["entry"]) and len(self.titles) < self._most:
            title = " ".join("".join(self._text).split())
            if title:
                self.titles.append(title[:_MAXIMUM_TITLE])


def read_headlines(body: bytes, most: int = 5) -> tuple[str, ...]:
    """The first titles of a feed; `DeviceRefused` where it is none or holds a DTD."""
    feed, parser = _Feed(most), expat.ParserCreate()
    parser.StartElementHandler = feed.start
    parser.EndElementHandler = feed.end
    parser.CharacterDataHandler = feed.data
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(body, True)
    except expat.ExpatError as exc:
        raise DeviceRefused("the news service answered nonsense") from exc
    return tuple(feed.titles)


def _refuse(*_: object) -> None:
    raise DeviceRefused("the news service sent a document that is not safe to read")
