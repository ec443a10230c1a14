"""How the page says what the service tells: states, kinds, moments, how sure the model was."""

import time
from datetime import datetime

from orchestrator import texts

_GOOD = {"succeeded", "scheduled", "connected", "act"}
_WAITING = {
    *("awaiting_answer", "awaiting_confirmation", "found", "needs-person", "unauthorized"),
    *("needs-pairing", "locked", "permission-missing"),
}
_BUSY = {"accepted", "planned", "running", "pending", "dispatched", "connecting"}
_QUIET = {"cancelled", "skipped", "expired"}
_SAID = {
    "awaiting_answer": "waits for an answer", "awaiting_confirmation": "waits for a yes",
    "needs_attention": "needs a look", "partly": "partly done", "succeeded": "done",
    "dispatched": "running", "pending": "waiting", "unknown": "not known",
    "needs-person": "needs a person", "needs-pairing": "needs pairing",
    "permission-missing": "permission missing",
}  # fmt: skip
_DECIDED = {
    "act": "do it", "ask": "ask first", "confirm": "wait for a yes", "schedule": "do it later",
    "refuse": "not do it", "order": "an order to the hub", "answer": "an answer to a question",
}  # fmt: skip
_SURE = ((0.9, "very sure"), (0.7, "sure"), (0.5, "fairly sure"))
_KINDS = {
    "phone": "phone", "pc": "computer", "car": "car", "home": "home device",
    "hub": "the hub itself",
}  # fmt: skip


def look(state: str) -> str:
    """How a state is shown: good, waiting, busy, quiet or bad; colour never says it alone."""
    for name, states in (
        ("good", _GOOD), ("waiting", _WAITING), ("busy", _BUSY), ("quiet", _QUIET),
    ):  # fmt: skip
        if state in states:
            return name
    return "bad"


def said(state: str) -> str:
    """A state in plain words."""
    return _SAID.get(state, texts.spoken(state))


def decided(decision: str) -> str:
    """What the hub decided to do."""
    return _DECIDED.get(decision, texts.spoken(decision))


def kind(name: str) -> str:
    """A kind of device."""
    return _KINDS.get(name, name)


def sure(confidence: float) -> str:
    """A confidence in words."""
    return next((words for least, words in _SURE if confidence >= least), "not sure")


def moment(at: float) -> str:
    """A moment on this machine's clock, as exact as its age needs."""
    then, today = datetime.fromtimestamp(at), datetime.fromtimestamp(time.time())
    if then.date() == today.date():
        return f"{then:%H:%M:%S}" if at % 60 else f"{then:%H:%M}"
    return f"{then:%d %b, %H:%M}" if then.year == today.year else f"{then:%Y-%m-%d %H:%M}"


def stamp(at: float) -> str:
    """A moment as machines read it."""
    return datetime.fromtimestamp(at).astimezone().isoformat(timespec="seconds")
