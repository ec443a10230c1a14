"""Every error the hub raises on purpose. The docstring is the default message."""

from schemas.state import DeviceState


class HubError(Exception):
    """Something went wrong."""

    code = "error"
    passing = False  # whether the same may go well in a while, with nothing changed

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class DeviceUnavailable(HubError):
    """The device cannot be reached; nothing was sent to it."""

    code = "unavailable"
    state = DeviceState.OFFLINE


class DeviceUncertain(HubError):
    """The device stopped answering after the call was sent; it may have happened."""

    code = "uncertain"


class DeviceRefused(HubError):
    """The device said no; nothing happened."""

    code = "refused"


class DeviceNeedsPerson(HubError):
    """A person must do something on the device first; the message is the one thing to do."""

    code = "needs_person"
    state = DeviceState.NEEDS_PERSON


class DeviceUnauthorized(DeviceNeedsPerson):
    """unlock the phone, tick "Always allow" and tap Allow: it asks whether this hub may debug it"""

    state = DeviceState.UNAUTHORIZED


class DeviceNeedsPairing(DeviceNeedsPerson):
    """run `octopus pair`: the phone does not know this hub yet, or no more"""

    state = DeviceState.NEEDS_PAIRING


class DeviceLocked(DeviceNeedsPerson):
    """unlock the phone first"""

    state = DeviceState.LOCKED


class BadCommand(HubError):
    """The command cannot be taken."""

    code = "bad_command"


class NotKnown(BadCommand):
    """There is no such thing, or it is somebody else's."""

    code = "not_found"


class MalformedCall(HubError):
    """What the model wrote is not a call of the catalogue."""

    code = "malformed"


class InvalidSettings(HubError):
    """The configuration is wrong."""

    code = "settings"
