"""Where the weather and the news come from: `[home]` of hub.toml."""

from urllib.parse import urlsplit

from pydantic import field_validator

from schemas.base import Value

MOST_FEEDS = 10
"""Feeds of one language."""


class Sources(Value):
    """`location` is where a forecast without a place is meant. In addresses of news, `{query}` is
    what is asked about, `{language}` its language (ISO 639-1), and `{edition}` what Google News
    calls that language where the household lives."""

    location: str = ""
    forecast_url: str = "https://api.open-meteo.com"
    geocoding_url: str = "https://geocoding-api.open-meteo.com"
    news_url: str = "https://news.google.com/rss/search?q={query}&{edition}"
    headlines_url: str = "https://news.google.com/rss?{edition}"
    feeds: dict[str, tuple[str, ...]] = {}
    """The household's own feeds by language, instead of both addresses of news."""

    @field_validator("forecast_url", "geocoding_url", "news_url", "headlines_url")
    @classmethod
    def _of_the_web(cls, url: str) -> str:
        return _web_address(url)

    @field_validator("feeds")
    @classmethod
    def _some_of_the_web(cls, feeds: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for language, urls in feeds.items():
            if not (len(language) == 2 and language.isascii() and language.islower()):
                raise ValueError(f"{language} is no language's code, such as en")
            if not 0 < len(urls) <= MOST_FEEDS:
                raise ValueError(f"{language} must have 1 to {MOST_FEEDS} feeds")
            for url in urls:
                _web_address(url)
        return feeds


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isprintable():
        raise ValueError("must be an address such as https://example.org/feed")
    return url
