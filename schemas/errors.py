"""Every error the hub raises on purpose. The docstring is the default message."""


class HubError(Exception):
    """Something went wrong."""

    code = "error"
    passing = False  # whether the same may go well in a while, with nothing changed

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class DeviceUnavailable(HubError):
    """The device cannot be reached; nothing was sent to it."""

    code = "unavailable"


class DeviceUncertain(HubError):
    """The device stopped answering after the call was sent; it may have happened."""

    code = "uncertain"


class DeviceRefused(HubError):
    """The device said no; nothing happened."""

    code = "refused"


class DeviceNeedsPerson(HubError):
    """A person must do something on the device first (unlock it, allow debugging)."""

    code = "needs_person"


class MalformedCall(HubError):
    """What the model wrote is not a call of the catalogue."""

    code = "malformed"


class InvalidSettings(HubError):
    """The configuration is wrong."""

    code = "settings"
