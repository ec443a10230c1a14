"""Work that takes minutes, on which a client waits a little at a time and hears how it goes."""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from schemas.errors import HubError

log = logging.getLogger(__name__)

NEWS_WITHIN = 10.0
"""Seconds that a question for news waits for some."""
FOLLOWED = 30.0
"""Seconds after which work that nobody asks about ends: whoever began it is gone."""
STOPPED = "stopped"
BROKE = "the hub broke while doing that; its log says why"


class Say(Protocol):
    """Tells whoever follows."""

    def __call__(self, line: str, within: float = 0) -> None:
        """What is done now, and the seconds it may take."""


Work = Callable[[Say], Awaitable[Any]]


class NotFollowed(HubError):
    """There is no such work, or somebody has begun other work since."""

    code = "not_followed"


@dataclass
class _Told:
    user: str
    task: asyncio.Task[None] | None = None
    lines: list[dict[str, Any]] = field(default_factory=list)
    result: Any = None
    error: str | None = None
    over: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)
    asked: float = 0.0

    def say(self, line: str, within: float = 0) -> None:
        self.lines.append({"said": line, "within": within})
        self.news.set()


class Followed:
    """One piece of work at a time; a newer one takes its place."""

    def __init__(self, news_within: float = NEWS_WITHIN, followed: float = FOLLOWED) -> None:
        self._news_within = news_within
        self._followed = followed
        self._starting = asyncio.Lock()
        self._identity = ""
        self._told: _Told | None = None

    async def start(self, user: str, work: Work) -> dict[str, str]:
        """Begin, and say what to ask with."""
        async with self._starting:
            await self.close()
            told = _Told(user, asked=asyncio.get_running_loop().time())
            self._identity, self._told = uuid.uuid4().hex, told
            told.task = asyncio.create_task(self._run(told, work), name="followed")
            return {"id": self._identity}

    async def news(self, user: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """What was said after the first `after` lines, as soon as there is something; with `stop`
        it ends. `over`, with a `result` or an `error`, once there is no more to come."""
        told = self._told
        if told is None or told.user != user or request.get("work") != self._identity:
            raise NotFollowed
        after = request.get("after", 0)
        after = after if isinstance(after, int) and after > 0 else 0
        if request.get("stop") is True:
            await self.close()
        told.asked = asyncio.get_running_loop().time() + self._news_within
        told.news.clear()
        if not told.over and len(told.lines) <= after:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._news_within):
                    await told.news.wait()
        told.asked = asyncio.get_running_loop().time()
        return {
            "lines": told.lines[after:], "over": told.over,
            "result": told.result, "error": told.error,
        }  # fmt: skip

    async def close(self) -> None:
        """End what is under way."""
        told = self._told
        if told is not None and told.task is not None:
            told.task.cancel()
            await asyncio.wait([told.task])
            if not told.over:  # it had not even begun
                told.over, told.error = True, STOPPED

    async def _run(self, told: _Told, work: Work) -> None:
        """Do it, as long as somebody asks how it goes."""
        doing = asyncio.ensure_future(work(told.say))
        try:
            while not doing.done():
                await asyncio.wait([doing], timeout=self._followed / 2)
                if asyncio.get_running_loop().time() - told.asked > self._followed:
                    doing.cancel()
            told.result = await doing
        except HubError as error:
            told.error = str(error)
        except asyncio.CancelledError:
            told.error = STOPPED
            doing.cancel()
            await asyncio.wait([doing])
        except Exception:
            log.exception("work that is followed broke")
            told.error = BROKE
        finally:
            told.over = True
            told.news.set()
