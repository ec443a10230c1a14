"""What a phone's maker keeps from the hub is said with the switch that lets it."""

from __future__ import annotations

import pytest

from device_adapters.android import lacking
from schemas.state import DeviceState


@pytest.mark.parametrize(
    ("maker", "out", "blocked", "todo"),
    [
        (
            "xiaomi", (), True,
            'switch on "USB debugging (Security settings)" in the phone\'s Developer options; until'
            " then it does not serve: whatever touches the screen",
        ),
        (
            "oneplus", ("b", "a"), False,
            'switch on "Disable permission monitoring" in the phone\'s Developer options; until'
            " then it does not serve: a, b",
        ),
        (
            "acme", ("a", "b", "c", "d", "e", "f"), False,
            "let USB debugging do more than its maker does in the phone's Developer options; until"
            " then it does not serve: a, b, c, d and 2 more",
        ),
    ],
)  # fmt: skip
def test_the_switch_has_its_makers_name(
    maker: str, out: tuple[str, ...], blocked: bool, todo: str
) -> None:
    said = lacking.missing(maker, out, blocked=blocked)
    assert (said.state, said.todo) == (DeviceState.PERMISSION_MISSING, todo)
