"""Quoted words arrive in a real shell byte for byte."""

import asyncio
import random

import pytest

from device_adapters.android import quoting
from schemas.errors import DeviceRefused

ALPHABET = "abc 0'\"\\$`!*?[]{}()<>|&;~#\n\t\r=%éßЖ漢🙂\u2028\u200f"


def words(seed: int = 7, count: int = 200) -> list[str]:
    chance = random.Random(seed)
    fixed = ["", "-n", "--", "$(touch /tmp/x)", "a\nb", "'", "\\", "~"]
    drawn = ["".join(chance.choices(ALPHABET, k=chance.randint(1, 40))) for _ in range(count)]
    return fixed + drawn


async def test_a_real_shell_gets_every_word_unchanged() -> None:
    expected = words()
    line = quoting.line("printf", "%s\\0", *expected)
    shell = await asyncio.create_subprocess_exec("sh", "-c", line, stdout=asyncio.subprocess.PIPE)
    said, _ = await shell.communicate()
    assert said == b"".join(word.encode() + b"\0" for word in expected)


@pytest.mark.parametrize("word", ["a\0b", "\ud800", "x" * 200_000])
def test_what_cannot_be_sent_is_refused(word: str) -> None:
    with pytest.raises(DeviceRefused):
        quoting.line("echo", word)


def test_sql_and_uri() -> None:
    assert quoting.sql("O'Neil' OR 1=1 --") == "'O''Neil'' OR 1=1 --'"
    assert quoting.part("a&b=c/d?#ü") == "a%26b%3Dc%2Fd%3F%23%C3%BC"
