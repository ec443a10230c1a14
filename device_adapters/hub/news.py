"""Headlines out of RSS and Atom feeds: pure, and deaf to DTDs and entities."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from xml.parsers import expat

from device_adapters.hub.plain import unmarked
from schemas.errors import DeviceRefused

LONGEST = 200
"""Characters of a headline."""
_MOST_READ = 100
"""Headlines of one feed that are looked at."""
_LONGEST_NAMESPACE = 200
_SPACES = frozenset({"", "http://www.w3.org/2005/Atom", "http://purl.org/rss/1.0/"})
"""XML namespaces whose titles are an article's, and not a picture's."""


class _Feed:
    """Collects the titles of the items while the parser runs."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self._path: list[str] = []
        self._inside = 0  # the depth at which a title began
        self._text = ""

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        self._path.append(local if space in _SPACES else "")
        article = self._path[-2:] in (["item", "title"], ["entry", "title"])
        if article and not self._inside:
            self._inside, self._text = len(self._path), ""

    def data(self, text: str) -> None:
        if self._inside and len(self._text) < 10 * LONGEST:
            self._text += text

    def end(self, _name: str) -> None:
        if self._inside == len(self._path):
            self._inside = 0
            if len(self.titles) < _MOST_READ and (title := unmarked(self._text, LONGEST)):
                self.titles.append(title)
        self._path.pop()


def read_headlines(body: bytes) -> tuple[str, ...]:
    """The titles of a feed; `DeviceRefused` where it is none or holds a DTD."""
    feed, parser = _Feed(), expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = feed.start
    parser.EndElementHandler = feed.end
    parser.CharacterDataHandler = feed.data
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.StartNamespaceDeclHandler = _bounded
    try:
        parser.Parse(body, True)
    except expat.ExpatError as exc:
        raise DeviceRefused("the news service answered nonsense") from exc
    except (LookupError, ValueError) as exc:  # expat knows no encoding of several bytes but UTF
        raise DeviceRefused("the news service writes in an encoding that is not read") from exc
    return tuple(feed.titles)


def about(titles: Sequence[str], query: str) -> tuple[str, ...]:
    """Those with every word of a query in them, however it is written."""
    wanted = query.casefold().split()
    return tuple(title for title in titles if all(word in title.casefold() for word in wanted))


def merged(feeds: Sequence[Sequence[str]], most: int) -> tuple[str, ...]:
    """The first of every feed, then the second of every feed; what several have comes once."""
    once: dict[str, str] = {}
    for title in itertools.chain.from_iterable(itertools.zip_longest(*feeds, fillvalue="")):
        once.setdefault("".join(filter(str.isalnum, title.casefold())), title)
    once.pop("", None)
    return tuple(once.values())[:most]


def _bounded(_prefix: str | None, uri: str | None) -> None:
    """expat writes a namespace out at every element within it."""
    if len(uri or "") > _LONGEST_NAMESPACE:
        _refuse()


def _refuse(*_: object) -> None:
    raise DeviceRefused("the news service sent a document that is not safe to read")
