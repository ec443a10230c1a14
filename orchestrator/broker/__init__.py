"""The hub's own MQTT broker: a `mosquitto` child with a login for each user, and how to log in."""

from orchestrator.broker.logins import (
    DEVICES,
    HOME_ASSISTANT,
    HUB,
    LOCAL,
    Login,
    NoLogin,
    client_id,
    is_user,
    password_of,
    passwords,
)
from orchestrator.broker.mosquitto import NoBroker
from orchestrator.broker.own import OwnBroker, PortInUse, own_broker
from orchestrator.broker.rules import Listen

__all__ = [
    "DEVICES",
    "HOME_ASSISTANT",
    "HUB",
    "LOCAL",
    "Listen",
    "Login",
    "NoBroker",
    "NoLogin",
    "OwnBroker",
    "PortInUse",
    "client_id",
    "is_user",
    "own_broker",
    "password_of",
    "passwords",
]
