"""One service that a phone opened: bytes both ways until one side ends it."""

from abc import ABC, abstractmethod


class Stream(ABC):
    """What the readers of an answer need; who opened it closes it."""

    @abstractmethod
    async def read(self, size: int) -> bytes:
        """Exactly so many bytes; `EOFError` where the phone ends before."""

    @abstractmethod
    async def write(self, data: bytes) -> None:
        """Send it all."""
