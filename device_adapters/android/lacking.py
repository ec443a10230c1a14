"""What a phone's maker keeps from debugging, and the switch that lets it."""

from collections.abc import Collection

from device_adapters.android.session import Session
from schemas.state import DeviceState, Standing

NAMED = 4
"""Functions that are named; more are counted."""
SECOND_SWITCH = "xiaomi"
"""Its phones have a second switch: without it, `input` and `settings put` are refused."""
_SWITCHES = {
    SECOND_SWITCH: "USB debugging (Security settings)",
    **dict.fromkeys(("oppo", "oneplus", "realme"), "Disable permission monitoring"),
}
"""By maker, in the Developer options."""
_UNKNOWN_KEY = "0"


async def look(session: Session, out: Collection[str]) -> Standing | None:
    """What is missing on a connected phone, of which the functions `out` are known to be out."""
    maker = (await session.ask("getprop", "ro.product.manufacturer")).strip().casefold()
    blocked = maker == SECOND_SWITCH and await _blocked(session)
    return missing(maker, out, blocked=blocked) if out or blocked else None


def missing(maker: str, out: Collection[str], *, blocked: bool) -> Standing:
    """The one thing to do about it."""
    switch = _SWITCHES.get(maker)
    do = f'switch on "{switch}"' if switch else "let USB debugging do more than its maker does"
    screen = ["whatever touches the screen"] if blocked else []
    without = ", ".join([*screen, *([_listed(sorted(out))] if out else [])])
    todo = f"{do} in the phone's Developer options; until then it does not serve: {without}"
    return Standing(state=DeviceState.PERMISSION_MISSING, todo=todo)


async def _blocked(session: Session) -> bool:
    """Whether a key that means nothing is refused."""
    return (await session.answer("input", "keyevent", _UNKNOWN_KEY)).complaint() is not None


def _listed(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
