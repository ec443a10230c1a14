"""A question at the terminal that can be given up: its waiting is the event loop's, no thread's."""

import asyncio
import sys

from rich.console import Console

_YES = {"y", "yes"}


async def confirmed(question: str, console: Console) -> bool:
    """Whether the person says yes; anything else, and the end of the input, is a no."""
    return (await asked(f"{question} [y/N]", console)).lower() in _YES


async def asked(question: str, console: Console) -> str:
    """The line that the person types; empty at the end of the input."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[str] = loop.create_future()

    def read() -> None:
        loop.remove_reader(sys.stdin)
        answered.set_result(sys.stdin.readline())

    console.print(f"{question} ", end="", markup=False)
    loop.add_reader(sys.stdin, read)
    try:
        return (await answered).strip()
    finally:
        loop.remove_reader(sys.stdin)
