"""How a connection to a phone may change: states, events, and one table of moves."""

from enum import StrEnum


class State(StrEnum):
    """How the connection is."""

    IDLE = "idle"  # nobody has used it
    CONNECTING = "connecting"
    READY = "ready"
    LOST = "lost"  # tried again in the background, and by every use


class Event(StrEnum):
    """What happens to it."""

    TRY = "try"
    UP = "up"
    DOWN = "down"
    CLOSE = "close"


_MOVES = {
    (State.IDLE, Event.TRY): State.CONNECTING,
    (State.LOST, Event.TRY): State.CONNECTING,
    (State.CONNECTING, Event.UP): State.READY,
    (State.CONNECTING, Event.DOWN): State.LOST,
    (State.READY, Event.DOWN): State.LOST,
    (State.IDLE, Event.CLOSE): State.IDLE,
    (State.CONNECTING, Event.CLOSE): State.IDLE,
    (State.READY, Event.CLOSE): State.IDLE,
    (State.LOST, Event.CLOSE): State.IDLE,
}


def after(state: State, event: Event) -> State:
    """The next state; ValueError where the event cannot happen in this one."""
    try:
        return _MOVES[state, event]
    except KeyError as exc:
        raise ValueError(f"a connection that is {state} cannot take {event}") from exc
