"""`octopus devices describe` says what is to be changed, and leaves the rest."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from orchestrator.cli import commands
from orchestrator.cli import devices as devices_cli


class Hub:
    """A hub with one device."""

    def __init__(self) -> None:
        self.device: dict[str, Any] = {
            "name": "Pixel", "kind": "phone", "aliases": ["mine", "old"], "room": None,
            "default": False,
        }  # fmt: skip
        self.asked: list[dict[str, Any]] = []

    async def request(self, operation: str, **fields: Any) -> dict[str, Any]:
        assert operation == "device/describe"
        self.asked.append(fields)
        self.device |= {name: value for name, value in fields.items() if name != "device"}
        return self.device

    def reached(self, _: Path, work: Callable[[Any], Awaitable[Any]]) -> Any:
        """In the place of a connection."""

        async def ask() -> Any:
            return await work(self)

        return asyncio.run(ask())


@pytest.mark.parametrize(
    ("options", "asked", "said"),
    [
        ([], {}, "Pixel, also called mine, old"),
        (["--room", "attic"], {"room": "attic"}, "Pixel, also called mine, old, in the attic"),
        (
            ["--alias", "new", "--no-alias", "old", "--default"],
            {"default": True, "aliases": ["mine", "new"]},
            "Pixel, also called mine, new, the default of its kind",
        ),
        (
            ["--no-alias", "mine", "--no-alias", "old", "--no-default", "--room", ""],
            {"default": False, "aliases": [], "room": ""},
            "Pixel",
        ),
    ],
)
def test_a_device_is_described(
    monkeypatch: pytest.MonkeyPatch, options: list[str], asked: dict[str, Any], said: str
) -> None:
    hub = Hub()
    monkeypatch.setattr(devices_cli, "with_hub", hub.reached)
    ran = CliRunner().invoke(commands.cli, ["devices", "describe", "pixel", *options])
    assert ran.output == f"{said}\n"
    assert hub.asked[-1] == {"device": "pixel", **asked}
