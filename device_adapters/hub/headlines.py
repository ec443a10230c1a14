"""Asks feeds for headlines, and remembers them for a while."""

from __future__ import annotations

import asyncio
import logging
from urllib.parse import quote, urlsplit

from device_adapters.hub import news
from device_adapters.hub.editions import edition
from device_adapters.hub.plain import plain
from device_adapters.hub.remembered import Clock, Remembered, Told
from device_adapters.hub.sources import Sources
from device_adapters.hub.web import Web
from schemas.errors import DeviceRefused, HubError

log = logging.getLogger(__name__)

FRESH = 5 * 60.0
KEPT = 24 * 3600.0
"""Seconds for which headlines are told again, and for which they are where there are no newer."""
MOST = 5
"""Headlines that are told."""
_LONGEST = 200
"""Characters of a query, and of a language."""
_QUERY, _LANGUAGE, _EDITION = "{query}", "{language}", "{edition}"


class Headlines:
    """The news by language: from the household's own feeds, else from Google News."""

    def __init__(self, sources: Sources, region: str, clock: Clock) -> None:
        self._sources, self._region = sources, region
        self._known = Remembered[tuple[str, ...]](FRESH, KEPT, clock=clock)

    async def get(self, web: Web, query: str, language: str, until: float) -> Told[tuple[str, ...]]:
        """The first headlines, about a query if there is one; the last line says how old they are
        where there are no newer."""
        query, language = plain(query, _LONGEST), plain(language, _LONGEST)

        async def look() -> tuple[str, ...]:
            forms = self._forms(query, language)
            read = await asyncio.gather(*(self._read(web, f, query, language) for f in forms))
            feeds = [one for one in read if not isinstance(one, HubError)]
            if not feeds:
                raise next(one for one in read if isinstance(one, HubError))
            return news.merged(feeds, MOST)

        known = await self._known.get((query.casefold(), language), look, until)
        if not known.value:
            raise DeviceRefused(f"there is no news about {query}" if query else "there is no news")
        if not known.trouble:
            return known
        return known._replace(value=(*known.value, f"(as of {known.ago}: {known.trouble})"))

    def _forms(self, query: str, language: str) -> tuple[str, ...]:
        """The addresses to ask; one that searches only where something is asked about."""
        own = self._sources.feeds.get(language, ())
        usable = tuple(form for form in own if query or _QUERY not in form)
        return usable or (self._sources.news_url if query else self._sources.headlines_url,)

    async def _read(
        self, web: Web, form: str, query: str, language: str
    ) -> tuple[str, ...] | HubError:
        """The headlines of one feed; what keeps it from being read is no reason not to read the
        others."""
        try:
            titles = news.read_headlines(await web.get(self._url(form, query, language), _of(form)))
        except HubError as error:
            log.debug("%s: %s", _of(form), error)
            return error
        return titles if _QUERY in form else news.about(titles, query)

    def _url(self, form: str, query: str, language: str) -> str:
        spoken = edition(language, self._region)
        if spoken is None and _EDITION in form:
            raise DeviceRefused(
                f"Google News has no edition in '{language}': name feeds for it in home.feeds"
                " in hub.toml"
            )
        url = form.replace(_EDITION, spoken or "").replace(_LANGUAGE, quote(language, safe=""))
        return url.replace(_QUERY, quote(query, safe=""))


def _of(form: str) -> str:
    """What a feed is called where something is wrong with it."""
    return f"news service at {urlsplit(form).hostname}"
